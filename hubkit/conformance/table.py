"""The report as a table: what stands in a cell, and the table for terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import align_columns, plural, printable
from hubkit.facts import INTERRUPTED, LEVELS, NOT_SELECTED, CaseResult, ConformanceReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_REPO = "(the repo)"
_BEHAVIOUR = 2
_RIGHT = 3  # the last columns hold numbers


def render_table(report: ConformanceReport) -> str:
    """The report for people: a line per entrypoint, and what was left out.

    Args:
        report: The report.
    """
    lines = [HEAD, *rows(report)]
    table = [*align_columns(lines, right=_RIGHT), *map(printable, notes(report))]
    return "".join(f"{line}\n" for line in table)


HEAD = ("entrypoint", "L1", "L2", "L3", "features", "parameters", "forward", "memory")


def rows(report: ConformanceReport) -> Iterator[tuple[str, ...]]:
    """Cells by row: the repo as a whole, then entrypoints of which anything ran.

    Args:
        report: The report.
    """
    for one in (report.whole, *report.cases):
        if one.checks:
            yield (
                one.label or _REPO,
                *(say_level(one, level) for level in LEVELS),
                say_features(one),
                say_count(one.measured.parameters),
                say_seconds(one.measured.forward_seconds),
                say_bytes(one.measured.memory_bytes),
            )


def notes(report: ConformanceReport) -> Iterator[str]:
    """Sentences on what the table does not tell.

    Args:
        report: The report.
    """
    if report.interrupted:
        yield "interrupted: what is not here did not run"
    for reason, levels in _left_out(report).items():
        for count in dict.fromkeys(levels.values()):
            which = ", ".join(f"L{level}" for level, number in levels.items() if number == count)
            yield f"{which}: {count} of {plural(len(report.cases), 'entrypoint')} not exercised, {reason}"
    if report.uncommitted:
        yield (
            f"C301 checks commit {report.commit[:12]}, without "
            f"{plural(report.uncommitted, 'uncommitted change')}"
        )


def _left_out(report: ConformanceReport) -> dict[str, dict[int, int]]:
    """By reason and level, of how many entrypoints nothing ran, beyond what was not selected."""
    counts: dict[str, dict[int, int]] = {}
    for level in LEVELS:
        for one in report.cases:
            missed = set(one.missed(level)) if one.verdict(level) == "omitted" else set[str]()
            reason = next((why.reason for why in one.unexercised if missed & {*why.codes}), "")
            if reason not in ("", NOT_SELECTED, INTERRUPTED):
                levels = counts.setdefault(reason, {})
                levels[level] = levels.get(level, 0) + 1
    return counts


def say_level(case: CaseResult, level: int) -> str:
    """A level in a few words.

    Args:
        case: The entrypoint.
        level: The level.
    """
    guessed = " (guessed input)" if level == _BEHAVIOUR and case.provisional else ""
    ran, skipped = case.codes(level, "passed", "expected"), case.codes(level, "skipped")
    said: dict[str, Callable[[], str]] = {
        "failed": lambda: ", ".join(case.codes(level, "failed")),
        "skipped": lambda: (
            f"skipped {len(skipped)} of {len(skipped) + len(ran)}" if ran else "skipped"
        ),
        "partial": lambda: f"ok, {len(ran)} of {len(ran) + len(case.missed(level))}{guessed}",
        "exceptions": lambda: f"ok but {', '.join(case.codes(level, 'expected'))}",
        "reached": lambda: f"ok{guessed}",
    }
    return said.get(case.verdict(level), lambda: "-")()


def say_features(case: CaseResult) -> str:
    """Features that are there, and those that are not.

    Args:
        case: The entrypoint.
    """
    there, lacking = len(case.supported), [one.code for one in case.unsupported]
    total = there + len(lacking)
    counted = f"{there} of {total}" if total else "-"
    return f"{counted}, not {', '.join(lacking)}" if lacking else counted


def say_count(number: int | None) -> str:
    """A number of parameters, such as "25.6 M"; "" for None."""
    return "" if number is None else _scaled(number, (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1)))


def say_bytes(number: int | None) -> str:
    """A number of bytes, such as "98 MB"; "" for None."""
    return "" if number is None else _scaled(number, (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)))


def say_seconds(seconds: float | None) -> str:
    """A time, such as "3.2 ms"; "" for None."""
    return "" if seconds is None else _scaled(seconds, (("s", 1), ("ms", 1e-3), ("us", 1e-6)))


def _scaled(number: float, units: Iterable[tuple[str, float]]) -> str:
    unit, size = "", 1.0
    for unit, size in units:  # noqa: B007 - the last one is for all that is smaller
        if number >= size:
            break
    return f"{number / size:.3g} {unit}".rstrip()
