"""Output formats: one per module, each a function that writes a report to a stream."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from hubkit.facts import Report

    Reporter = Callable[[Report, TextIO], None]

FORMATS = (
    *("full", "concise", "statistics", "json", "sarif", "junit", "markdown"),
    *("github", "gitlab", "azure", "pylint"),
)
# ``--quiet`` omits them if there are no findings, and ``--statistics`` replaces them.
FOR_TERMINALS = frozenset({"full", "concise", "statistics"})
# They show which findings have a fix, so fixes are computed.
WITH_FIXES = frozenset({"full", "concise", "json", "junit"})


def find_reporter(name: str) -> Reporter:
    """The function that writes a format; only its module is imported."""
    reporter: Reporter = importlib.import_module(f"hubkit.reporters.{name}").write_report
    return reporter
