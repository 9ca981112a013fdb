"""The report as a page: ``report.html.jinja`` shows the values that are prepared here."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from hubkit._util.colors import find_page
from hubkit.conformance.compare import (
    Change,
    cases_by_label,
    find_changes,
    name_runs,
)
from hubkit.conformance.render import (
    format_bytes,
    format_count,
    format_features,
    format_level,
    format_seconds,
    notes,
)
from hubkit.facts import LEVELS, CheckFailure
from hubkit.pages import Bar, Html, Point, render_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.facts import CaseResult, CheckResult, ConformanceReport, Outcome

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_REPO = "(the repo)"
_SLOWEST = 5  # checks whose time is shown
# Of more entrypoints or failures, the page shows less.
_FEW, _VERY_FEW = 50, 10
_SHORT = 12  # digits of a commit
_MOST_FINDINGS = 100  # causes that the page shows
_MOST_PLACES = 10  # of one cause
# What each level promises.
TOPICS = {1: "Protocol", 2: "Behavior", 3: "Reproducibility and portability"}
_PROMISES = {
    1: "Without weights, all entrypoints load as torch.hub promises.",
    2: "Without weights, all entrypoints load, and the models behave as their users expect.",
    3: "All entrypoints load, with and without weights, and behave the same on other machines.",
}
_TONES = {
    "reached": "good", "exceptions": "warn", "failed": "bad", "skipped": "warn", "partial": "warn",
    "nothing": "plain", "omitted": "plain",
}  # fmt: skip
# The letter of each outcome in the style sheet, its sign, and what it means.
_SIGNS: dict[Outcome, tuple[str, str, str]] = {
    "passed": ("p", "✓", "passed"),
    "failed": ("f", "✕", "failed"),
    "expected": ("e", "!", "failed as expected"),
    "unsupported": ("u", "○", "feature that is missing"),
    "skipped": ("s", "?", "skipped, so the level is not reached"),
    "inapplicable": ("i", "·", "does not apply"),
}


class FailureGroup(NamedTuple):
    """The same failure of several entrypoints.

    Attributes:
        anchor: Its id in the page.
        check: The check.
        failures: What it found on the first of them.
        entries: The entrypoints.
    """

    anchor: str
    check: CheckResult
    failures: tuple[CheckFailure, ...]
    entries: list[Entry]

    @property
    def code(self) -> str:
        """The code of the check."""
        return self.check.code


class Entry:
    """An entrypoint, or the repo as a whole, in all runs.

    Args:
        anchor: Its id in the page.
        label: Its label; "" for the repo.
        cases: Its results in each run.
        changes: The checks that have another outcome.
    """

    def __init__(
        self,
        anchor: str,
        label: str,
        cases: Sequence[CaseResult | None],
        changes: Sequence[Change],
    ) -> None:
        self.anchor = anchor
        self.label = label or _REPO
        self.is_repo = not label
        self.cases = cases
        self.case = next(one for one in reversed(cases) if one is not None)
        self.changes = changes
        self.checks = [{one.code: one for one in case.checks} if case else {} for case in cases]

    @cached_property
    def summary(self) -> str:
        """The first paragraph of its docstring."""
        return " ".join(self.case.help.docstring.partition("\n\n")[0].split())

    @cached_property
    def status(self) -> tuple[str, ...]:
        """The words that filters look for."""
        outcomes = {one.outcome for one in self.case.checks}
        words = {
            "failed": "failed" in outcomes,
            "expected failures": "expected" in outcomes,
            "weights not tried": self.case.has_untried_weights and bool(self.case.checks),
            "level 3": self.case.level == LEVELS[-1],
            "changed": bool(self.changes),
        }
        return tuple(word for word, holds in words.items() if holds)

    @property
    def words(self) -> str:
        """What the search looks for."""
        codes = (one.code for one in self.case.checks if one.outcome == "failed")
        kinds = dict.fromkeys(one.kind for one in self.case.modules)
        texts = (self.label, self.case.help.signature, self.summary, *codes, *kinds)
        return " ".join(dict.fromkeys(" ".join(texts).split()))

    @property
    def tone(self) -> str:
        """Its color."""
        outcomes = {one.outcome for one in self.case.checks}
        if "failed" in outcomes:
            return "bad"
        return "good" if self.case.level == LEVELS[-1] else "warn" if self.case.level else "plain"

    @property
    def remarks(self) -> list[list[CheckResult]]:
        """Checks of the last run that did not pass or apply; those with one reason are together."""
        found: dict[object, list[CheckResult]] = {}
        for one in self.case.checks:
            if one.outcome not in ("passed", "inapplicable"):
                key = (one.outcome, one.reason, one.code if one.outcome == "failed" else "")
                found.setdefault(key, []).append(one)
        return list(found.values())

    @property
    def slowest(self) -> list[CheckResult]:
        """The checks that took longest."""
        return sorted(self.case.checks, key=lambda one: -one.seconds)[:_SLOWEST]

    @property
    def weights_reason(self) -> str:
        """Why its weights failed or were not tried."""
        weights = self.case.weights
        if weights is None:
            return ""
        return weights.reason.removeprefix("not tried: ").removeprefix(weights.call).strip()

    def times(self, names: Sequence[str]) -> list[Bar]:
        """How long it takes to build and to run it, in each run."""
        rows = []
        for number, (name, case) in enumerate(zip(names, self.cases, strict=True)):
            run = f", {name}" if len(names) > 1 else ""
            measured = case.measured if case else None
            for what, seconds in (
                ("build without weights", measured.load_seconds if measured else None),
                ("first run on the example input", measured.forward_seconds if measured else None),
            ):
                if seconds is not None:
                    rows.append(Bar(f"{what}{run}", seconds, format_seconds(seconds), "", number))
        return rows

    def load_code(self, repo: str) -> str:
        """Python code that loads it with torch.hub; "" if it was not built."""
        name = self.case.entrypoint
        call = (self.case.weights.call if self.case.weights else "") or self.case.call
        if not call.startswith(f"{name}(") or not name.isidentifier():
            return ""
        arguments = call[len(name) + 1 : -1]
        named = f', "{name}"' + (f", {arguments}" if arguments else "")
        if re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
            return f'model = torch.hub.load("{repo}"{named})'
        return f'model = torch.hub.load("."{named}, source="local")'


class Page:
    """The values of the page.

    Args:
        runs: One report for each run.
    """

    def __init__(self, runs: Sequence[ConformanceReport]) -> None:
        self.runs = runs
        self.run = runs[-1]
        self.names = name_runs(runs)
        self.changes = find_changes(runs)
        self.entries = list(self._make_entries())
        self.models = [one for one in self.entries if not one.is_repo]
        self.is_compact = len(self.models) > _FEW
        self.most_evidence = _VERY_FEW if self.is_compact else _FEW
        self.signs = _SIGNS
        self.topics = TOPICS
        self.notes = list(notes(self.run, weights=False))

    def _make_entries(self) -> Iterator[Entry]:
        for number, (label, cases) in enumerate(cases_by_label(self.runs).items()):
            anchor = f"model-{label}" if label.isidentifier() else f"case-{number}"
            yield Entry(anchor, label, cases, [one for one in self.changes if one.label == label])

    @property
    def promise(self) -> str:
        """What the level of the last run means."""
        if self.run.level:
            return _PROMISES[self.run.level]
        if any(one.case.codes(LEVELS[0], "failed") for one in self.entries):
            return "The repo does not load as torch.hub promises."
        return "Level 1 is not reached, because some of its checks did not run."

    @cached_property
    def untried(self) -> list[Entry]:
        """The entrypoints that could not be called with their weights in the last run."""
        return [
            one
            for one in self.models
            if one.case.checks and one.case.weights and one.case.weights.verdict == "not tried"
        ]

    @cached_property
    def codes(self) -> dict[str, CheckResult]:
        """The checks that ran, by code."""
        found = {code: one for entry in self.entries for table in entry.checks for code, one in table.items()}  # fmt: skip
        return dict(sorted(found.items()))

    @cached_property
    def level_starts(self) -> frozenset[str]:
        """The first check of each level after the first one."""
        firsts = {one.level: code for code, one in reversed(self.codes.items())}
        return frozenset(sorted(firsts.values())[1:])

    @cached_property
    def groups(self) -> list[FailureGroup]:
        """The failures of the last run; the same failure of several entrypoints is one."""
        found: dict[object, FailureGroup] = {}
        for entry in self.entries:
            for check in entry.case.checks:
                if check.outcome == "failed":
                    failures = check.failures or (CheckFailure(check.reason),)
                    said = repr([(one.message, one.fix) for one in failures])
                    key = (check.code, _without(entry.case.entrypoint, said))
                    if len(found) >= self.most_evidence:
                        failures = tuple(structs.replace(one, evidence=()) for one in failures)
                    group = FailureGroup(f"failure-{len(found) + 1}", check, failures, [])
                    found.setdefault(key, group).entries.append(entry)
        return list(found.values())

    @cached_property
    def _anchors(self) -> dict[tuple[str, str], str]:
        return {
            (entry.anchor, group.check.code): group.anchor
            for group in self.groups
            for entry in group.entries
        }

    def failure_of(self, entry: Entry, code: str) -> str:
        """Where the failure of a check is shown; "" if it is not."""
        anchor = self._anchors.get((entry.anchor, code))
        return f"#{anchor}" if anchor else ""

    def row(self, entry: Entry, number: int) -> Html:
        """The cells of an entrypoint in the matrix.

        Their classes are the letter of the outcome, "g" at the start of a level, and "x" for a
        change, in one word: there may be ten thousand of them.

        Args:
            entry: The entrypoint.
            number: The number of the run.
        """
        is_last = number == len(self.runs) - 1
        changed = {one.code for one in entry.changes}
        cells = []
        for code in self.codes:
            check = entry.checks[number].get(code)
            kind, sign, _ = _SIGNS[check.outcome] if check else ("n", "", "")
            href = self.failure_of(entry, code) if kind == "f" and is_last else ""
            marks = "g" * (code in self.level_starts) + "x" * (code in changed)
            cells.append(
                f"<td class={kind}{marks}>" + (f"<a href={href}>{sign}</a>" if href else sign)
            )
        return Html("".join(cells))

    def levels(self) -> Iterator[tuple[int, str, list[tuple[float, str]]]]:
        """For each level: how many entrypoints reached it, in words, and the shares of verdicts."""
        for level in LEVELS:
            verdicts = [one.case.verdict(level) for one in self.models]
            tones = [_TONES[one] for one in verdicts]
            parts = [(tones.count(tone) / max(len(tones), 1), tone) for tone in ("good", "warn", "bad", "plain")]  # fmt: skip
            reached = sum(one in ("reached", "exceptions", "nothing") for one in verdicts)
            failed = ", the repo fails" * bool(self.run.whole.codes(level, "failed"))
            yield level, f"{reached} of {len(verdicts)}{failed}", parts

    def level_cells(self, case: CaseResult) -> Iterator[tuple[str, str]]:
        """The text and the color of each level of a case."""
        for level in LEVELS:
            yield format_level(case, level), _TONES[case.verdict(level)]

    def outcomes(self) -> dict[str, int]:
        """How often each outcome occurred in the last run."""
        found = [one.outcome for entry in self.entries for one in entry.case.checks]
        return {outcome: found.count(outcome) for outcome in _SIGNS}

    @cached_property
    def largest(self) -> dict[str, float]:
        """The largest value of each measurement."""
        measured = [case.measured for one in self.models for case in one.cases if case]
        names = ("parameters", "load_seconds", "forward_seconds", "memory_bytes")
        return {
            name: max((getattr(one, name) or 0 for one in measured), default=0) or 1
            for name in names
        }

    def points(self) -> list[Point]:
        """Parameters and time of the first run of each model."""
        return [
            Point(
                entry.label,
                measured.parameters or 0,
                measured.forward_seconds or 0,
                format_count(measured.parameters),
                format_seconds(measured.forward_seconds),
                f"#{entry.anchor}",
                number,
            )
            for entry in self.models
            for number, case in enumerate(entry.cases)
            if case
            for measured in (case.measured,)
            if measured.parameters and measured.forward_seconds
        ]

    def statuses(self) -> list[str]:
        """The filters that find something, but not everything."""
        found = [set(one.status) for one in self.models]
        words = ("failed", "expected failures", "weights not tried", "level 3", "changed")
        counts = {word: sum(word in one for one in found) for word in words}
        return [word for word in words if 0 < counts[word] < len(found)]

    def environment(self) -> list[tuple[str, list[str]]]:
        """Names and values of the environment and the options, with a value for each run."""
        tables = [_describe_run(one) for one in self.runs]
        names = dict.fromkeys(name for table in tables for name in table)
        return [(name, [table.get(name, "") for table in tables]) for name in names]


def _without(name: str, text: str) -> str:
    """A text with the name of an entrypoint replaced, to compare it with others."""
    return re.sub(rf"\b{re.escape(name)}\b", "\0", text) if name else text


def _describe_run(run: ConformanceReport) -> dict[str, str]:
    policy = run.policy
    changes = run.uncommitted
    return {
        "commit": run.commit,
        "files that differ from it": "" if changes is None else str(changes),
        "digest": run.digest,
        "created": run.created,
        **run.environment,
        "device": str(policy.get("device", "")),
        "network": str(policy.get("network", "")),
        "levels": f"1 to {policy.get('level', '')}",
        "only these checks": ", ".join(map(str, _list(policy.get("select")))),
        "without these checks": ", ".join(map(str, _list(policy.get("ignore")))),
        "hubkit check": run.lint or "not run",
    }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def render_report(runs: Sequence[ConformanceReport]) -> str:
    """The page about one or several runs.

    Args:
        runs: One report for each run; the last one is shown in full.
    """
    page = Page(runs)
    formats = {
        "page_of": find_page,
        "most_findings": _MOST_FINDINGS,
        "most_places": _MOST_PLACES,
        "count": format_count,
        "size": format_bytes,
        "seconds": format_seconds,
        "features": format_features,
    }
    title = f"{page.run.repo}: conformance"
    return render_page(_TEMPLATE, {"page": page, "short": _SHORT, **formats}, title=title)
