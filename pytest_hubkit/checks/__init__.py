"""The live checks: one decorated function each, one module per context."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from pytest_hubkit.checks.registry import (
    CHECKS,
    Check,
    Failure,
    NotApplicableError,
    PrerequisiteError,
    UndeclaredError,
    check,
)

__all__ = [
    "CHECKS",
    "Check",
    "Failure",
    "NotApplicableError",
    "PrerequisiteError",
    "UndeclaredError",
    "all_checks",
    "check",
]


@functools.cache
def all_checks() -> tuple[Check, ...]:
    """Every check, sorted by code. Imports neither pytest nor torch."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return tuple(CHECKS[code] for code in sorted(CHECKS))
