"""Signature and docstring of an entrypoint for the report: from its source, or from the function."""

from __future__ import annotations

import contextlib
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit.analysis import read_docstring, render_signature
from hubkit.facts import EntrypointHelp, ParameterHelp

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.facts import RepoFacts

_LONGEST_DOCSTRING = 4000
_LONGEST_DEFAULT = 80
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def read_help(facts: RepoFacts, name: str) -> EntrypointHelp:
    """What the source of a repo says about an entrypoint."""
    entry = facts.hubconf.entrypoint(name) if facts.hubconf else None
    if entry is None:
        return EntrypointHelp()
    docstring = entry.docstring or ""
    described = dict(read_docstring(docstring).parameters)
    parameters = tuple(
        ParameterHelp(
            one.name, one.annotation or "", one.default or "", described.get(one.name) or ""
        )
        for one in entry.parameters or ()
    )
    return EntrypointHelp(
        render_signature(entry) if entry.parameters is not None else "",
        docstring[:_LONGEST_DOCSTRING],
        parameters,
        f"{entry.definition.path}:{entry.definition.line}",
    )


def inspect_help(name: str, function: Callable[..., Any], root: Path) -> EntrypointHelp:
    """What an entrypoint that is made at run time says about itself.

    Args:
        name: Its name.
        function: The entrypoint.
        root: The folder of the repo.
    """
    # What the repo's code overrides may fail.
    with contextlib.suppress(Exception):
        docstring = _find_docstring(function)
        described = dict(read_docstring(docstring).parameters)
        signature = inspect.signature(function)
        parameters = tuple(
            ParameterHelp(
                one.name,
                "" if one.annotation is one.empty else inspect.formatannotation(one.annotation),
                "" if one.default is one.empty else _shorten(repr(one.default)),
                described.get(one.name) or "",
            )
            for one in signature.parameters.values()
        )
        text = _ADDRESS.sub("", f"{name}{signature}")
        return EntrypointHelp(
            text, docstring[:_LONGEST_DOCSTRING], parameters, _find_place(function, root)
        )
    return EntrypointHelp()


def _find_docstring(function: Any) -> str:  # noqa: ANN401
    """Its docstring; that of the inner function if it has none but its type's, as partials have."""
    while function.__doc__ == type(function).__doc__ and hasattr(function, "func"):
        function = function.func
    return inspect.getdoc(function) or ""


def _shorten(text: str) -> str:
    text = _ADDRESS.sub("", text)
    return text if len(text) <= _LONGEST_DEFAULT else f"{text[:_LONGEST_DEFAULT]}…"


def _find_place(function: Any, root: Path) -> str:  # noqa: ANN401
    while not hasattr(function, "__code__") and hasattr(function, "func"):
        function = function.func
    code = getattr(inspect.unwrap(function), "__code__", None)
    path = Path(code.co_filename) if code else root
    if code is None or not path.is_relative_to(root):
        return ""
    return f"{path.relative_to(root).as_posix()}:{code.co_firstlineno}"
