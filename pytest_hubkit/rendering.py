"""How failures are told: what is wrong, what was seen, what to do, how to expect it, the code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from _pytest._code.code import (
    ExceptionInfo,
    ReprEntryNative,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
)

import hubkit
import pytest_hubkit
from hubkit._util.text import printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.checks import Failure
    from pytest_hubkit.items import HubconfItem

_OURS = tuple(f"{Path(module.__path__[0])}{os.sep}" for module in (hubkit, pytest_hubkit))


class CheckFailedError(Exception):
    """A check found something wrong.

    Attributes:
        failures: What.
    """

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        super().__init__(failures[0].message)
        self.failures = failures


def render_failures(item: HubconfItem, failures: tuple[Failure, ...]) -> ReprExceptionInfo:
    """What pytest prints for a failed item, in a form that also crosses to another process.

    Args:
        item: The item.
        failures: What it found.
    """
    lines: list[str] = []
    if item.config.getoption("tbstyle") != "line":
        lines += (line for failure in failures for line in _lines(item, failure))
        lines += _last_lines(item)
    entry = ReprEntryNative([f"{printable(line)}\n" for line in lines])
    place = failures[0].location
    path = _shown(item, place.path if place else item.path.name)
    message = failures[0].message
    if len(failures) > 1:
        message += f" (and {len(failures) - 1} more)"
    crash = ReprFileLocation(printable(path), place.line if place else 1, printable_lines(message))
    return ReprExceptionInfo(ReprTraceback([entry], None, "native"), crash)


def _lines(item: HubconfItem, failure: Failure) -> Iterator[str]:
    place = failure.location
    where = f"{_shown(item, place.path)}:{place.line}: " if place else ""
    yield f"{where}{failure.message}"
    for seen in failure.evidence:
        yield from (f"    {line}" for line in seen.splitlines())
    if failure.cause is not None:
        yield from _traceback(item, failure.cause)
    if failure.fix:
        yield from (f"  {line}" for line in failure.fix.splitlines())
    yield ""


def _last_lines(item: HubconfItem) -> Iterator[str]:
    from pytest_hubkit.items import CheckItem

    if not isinstance(item, CheckItem):
        yield "`hubkit explain CODE` says why each rule exists."
        return
    code = item.check.code
    if item.subject is not None:
        place = item.subject.case.place
        yield f'To expect it: expected = {{ {code} = "the reason" }} in {place}'
    else:
        table = (
            "[tool.hubkit]" if item.conformance.config.path == "pyproject.toml" else "hubkit.toml"
        )
        yield f'To expect it: expected = {{ {code} = "the reason" }} in {table}'
    yield f"{code} {item.check.slug}: `hubkit explain {code}`"


def _traceback(item: HubconfItem, error: BaseException) -> Iterator[str]:
    """The error's traceback from the first line of the repo's code on, in pytest's own style."""
    style = item.config.getoption("tbstyle", "auto")
    if style == "no":
        return
    info = ExceptionInfo.from_exception(error)
    if not item.config.getoption("fulltrace"):
        root = f"{item.path.parent}{os.sep}"
        theirs = info.traceback.filter(lambda entry: not str(entry.path).startswith(_OURS))
        own = theirs.filter(lambda entry: str(entry.path).startswith(root))
        if own and own[-1] is not theirs[-1]:
            own.append(theirs[-1])
        info.traceback = own or info.traceback.cut(path=Path(__file__).with_name("items.py"))
    shown = info.getrepr(style="short" if style == "auto" else style)
    yield from (f"    {line}" for line in str(shown).splitlines())


def _shown(item: HubconfItem, path: str) -> str:
    """A path of the repo as seen from where pytest was started."""
    full = item.path.parent / path
    try:
        return os.path.relpath(full, item.config.invocation_params.dir)
    except ValueError:  # on Windows, another drive
        return str(Path(full))
