"""The table at the end: entrypoints, levels, features, parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

_LEVELS = (1, 2, 3)
_BEHAVIOUR = 2
_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
_REPO = "(the repo)"


@dataclass(slots=True)
class Row:
    """What became of one entrypoint.

    Attributes:
        parameters: How many its model has, or None.
        provisional: Whether its input was guessed.
        features: Whether optional checks find what they look for, by code.
        outcomes: By level and outcome, codes of checks.
    """

    parameters: int | None = None
    provisional: bool = False
    features: dict[str, bool] = field(default_factory=dict)
    outcomes: dict[tuple[int, str], list[str]] = field(default_factory=dict)

    def cell(self, level: int) -> str:
        """A level in a word or two."""
        failed = self._codes(level, "failed", "error", "xpassed")
        if failed:
            return ", ".join(failed)
        ran, expected = self._codes(level, "passed", "xfailed"), self._codes(level, "xfailed")
        skipped = self._codes(level, "skipped")
        if skipped:
            return f"skipped {len(skipped)} of {len(skipped) + len(ran)}" if ran else "skipped"
        if expected:
            return f"ok but {', '.join(expected)}"
        guessed = " (guessed input)" if level == _BEHAVIOUR and self.provisional else ""
        return f"ok{guessed}" if ran else "-"

    def list_features(self) -> str:
        """Features that are there, and those that are not."""
        there = sum(self.features.values())
        lacking = [code for code, found in sorted(self.features.items()) if not found]
        counted = f"{there} of {len(self.features)}" if self.features else "-"
        return f"{counted}, not {', '.join(lacking)}" if lacking else counted

    def _codes(self, level: int, *outcomes: str) -> list[str]:
        return [code for one in outcomes for code in self.outcomes.get((level, one), ())]


def write_summary(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the table, unless nothing of a hubconf ran.

    Args:
        reporter: What writes to the terminal.
        config: pytest's configuration.
    """
    rows = _rows(reporter)
    if not rows or config.get_verbosity() < -1:
        return
    reporter.section("hubconf")
    for line in _table(rows):
        reporter.line(line)
    for line in _commits(reporter):
        reporter.line(line)


def _reports(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, dict[str, Any]]]:
    """Outcome and properties of each check that ran."""
    for outcome in _OUTCOMES:
        for report in reporter.stats.get(outcome, ()):
            said = dict(getattr(report, "user_properties", ()))
            if "hubkit.check" in said and (report.when == "call" or outcome != "passed"):
                yield outcome, said


def _rows(reporter: pytest.TerminalReporter) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for outcome, said in _reports(reporter):
        _add(rows, outcome, said)
    return rows


def _commits(reporter: pytest.TerminalReporter) -> Iterator[str]:
    """Which commit C301 judged, when the work tree has something else."""
    judged = {
        (said["hubkit.commit"], said["hubkit.uncommitted"])
        for _, said in _reports(reporter)
        if said.get("hubkit.uncommitted")
    }
    for commit, changes in sorted(judged):
        yield f"C301 judged commit {commit[:12]}, which lacks {changes} uncommitted change(s)"


def _add(rows: dict[str, Row], outcome: str, said: dict[str, Any]) -> None:
    row = rows.setdefault(said["hubkit.entrypoint"] or _REPO, Row())
    row.parameters = said.get("hubkit.parameters", row.parameters)
    row.provisional = row.provisional or said.get("hubkit.input") == "guessed"
    if not said.get("hubkit.required", True) and outcome not in ("failed", "error"):
        if "hubkit.feature" in said:
            row.features[said["hubkit.check"]] = said["hubkit.feature"] == "yes"
        return
    if outcome == "skipped" and said.get("hubkit.applies") is False:
        return
    codes = row.outcomes.setdefault((said["hubkit.level"], outcome), [])
    if said["hubkit.check"] not in codes:
        codes.append(said["hubkit.check"])


def _table(rows: dict[str, Row]) -> Iterator[str]:
    head = ("entrypoint", *(f"L{level}" for level in _LEVELS), "features", "parameters")
    order = sorted(rows, key=lambda name: (name != _REPO, name))
    body = [
        (
            name,
            *(rows[name].cell(level) for level in _LEVELS),
            rows[name].list_features(),
            _count(rows[name].parameters),
        )
        for name in order
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    for line in (head, *body):
        yield _line(line, widths)


def _line(cells: Iterable[str], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join((*padded[:-1], padded[-1].strip().rjust(widths[-1]))).rstrip()


def _count(parameters: int | None) -> str:
    if parameters is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if parameters >= size:
            return f"{parameters / size:.3g} {unit}"
    return str(parameters)
