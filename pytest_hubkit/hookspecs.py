"""Hooks that a repo's ``conftest.py`` may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping


class HookedEntrypoint(Struct, frozen=True):
    """The entrypoint for which input is asked.

    Attributes:
        name: Its name in hubconf.
        case: The name of the case, "" when there is only one.
        kind: What it gives back.
        arguments: What it was called with.
    """

    name: str
    case: str = ""
    kind: str = "model"
    arguments: Mapping[str, Any] = field(default_factory=dict)


@pytest.hookspec(firstresult=True)
def pytest_hubkit_inputs(
    entrypoint: HookedEntrypoint,
    model: Any,  # noqa: ANN401
    dims: Mapping[str, int | str],
) -> Any:  # noqa: ANN401
    """Give example input for an entrypoint whose input no configuration can describe.

    Args:
        entrypoint: Which, and how it was called.
        model: What it gave.
        dims: The sizes that are declared for it.

    Returns:
        ``{"args": (...), "kwargs": {...}}``, a tuple of arguments, one tensor, or None for no
        opinion.
    """
