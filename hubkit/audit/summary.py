"""What a run found, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.colors import paint
from hubkit._util.text import align_columns
from hubkit.audit.messages import HAVE_RESULTS, STATES, Versions

if TYPE_CHECKING:
    from hubkit.audit.store import Store

_RULES = 10  # lines of the table


class RuleCount(Struct, frozen=True):
    """How often a rule reported something in a run."""

    code: str
    rule: str
    severity: str
    findings: int
    repos: int


class CellCount(Struct, frozen=True):
    """How the conformance suite ended in the environments of one cell of the matrix.

    Attributes:
        python: The requested version of Python.
        torch: The requested version of torch.
        state: How it ended.
        level: The level that the repos reach; None without a report.
        repos: How many repos.
    """

    python: str
    torch: str
    state: str
    level: int | None
    repos: int

    @property
    def name(self) -> str:
        """The cell in words."""
        return str(Versions(self.python, self.torch))


class Summary(Struct, frozen=True):
    """The numbers of a run.

    Attributes:
        run: Its number.
        repos: How many repos it covers.
        states: How many repos are in each state.
        entrypoints: How many entrypoints they have.
        failing: How many repos have findings that fail `hubkit check`.
        seconds: How long the repos took, all together.
        rules: The rules with findings, those in the most repos first.
        cells: How the conformance suite ended, if it ran.
        reasons: The repos without results, each with its state and the reason.
    """

    run: int
    repos: int
    states: dict[str, int]
    entrypoints: int
    failing: int
    seconds: float
    rules: tuple[RuleCount, ...]
    cells: tuple[CellCount, ...]
    reasons: tuple[tuple[str, str, str], ...]

    @property
    def exit_code(self) -> int:
        """0 if each repo has results, no findings that fail, and passes the suite; else 1."""
        has_none = any(one not in HAVE_RESULTS for one in self.states)
        has_failed = any(one.state != "passed" for one in self.cells)
        return int(bool(self.failing) or has_none or has_failed)


def read_summary(store: Store, run: int) -> Summary:
    """Read the numbers of a run."""
    counts = store.query("SELECT state, count(*) AS n FROM repos WHERE run = ? GROUP BY 1", [run])
    by_state = {row["state"]: row["n"] for row in counts}
    whole = store.query(
        "SELECT count(*) AS repos, coalesce(sum(entrypoints), 0)::BIGINT AS entrypoints,"
        " count(*) FILTER (exit_code <> 0) AS failing, coalesce(sum(seconds), 0) AS seconds"
        " FROM results WHERE run = ?",
        [run],
    )[0]
    rules = store.query(
        "SELECT code, rule, severity, findings, repos FROM rules WHERE run = ?"
        " ORDER BY repos DESC, findings DESC, code",
        [run],
    )
    cells = store.query(
        "SELECT python, torch, state, level, count(*) AS repos FROM matrix WHERE run = ?"
        " GROUP BY ALL ORDER BY ALL",
        [run],
    )
    reasons = store.query(
        "SELECT spec, state, reason FROM repos WHERE run = ? AND state NOT IN (SELECT unnest($2))"
        " ORDER BY state, spec",
        [run, list(HAVE_RESULTS)],
    )
    return Summary(
        run=run,
        states={state: by_state[state] for state in STATES if state in by_state},
        rules=tuple(RuleCount(**row) for row in rules),
        cells=tuple(CellCount(**row) for row in cells),
        reasons=tuple((row["spec"], row["state"], row["reason"] or "") for row in reasons),
        **whole,
    )


def render_summary(summary: Summary) -> list[str]:
    """The numbers as lines of tables."""
    states = [
        ("", paint(state, "ok" if state in HAVE_RESULTS else "failed"), f"{count:,}")
        for state, count in summary.states.items()
    ]
    rules = [
        ("", paint(one.code, one.severity), one.rule, f"{one.repos:,}", f"{one.findings:,}")
        for one in summary.rules[:_RULES]
    ]
    lines: list[str] = [paint("Repos", "heading"), *align_columns(states, right=1)]
    if rules:
        head = ("", "", "", "repos", "findings")
        lines += ["", paint("Findings", "heading"), *align_columns([head, *rules], right=2)]
    cells = [
        ("", one.name, paint(one.state, "ok" if one.state == "passed" else "failed"),
         "" if one.level is None else f"level {one.level}", f"{one.repos:,}")
        for one in summary.cells
    ]  # fmt: skip
    if cells:
        lines += ["", paint("Conformance", "heading"), *align_columns(cells, right=1)]
    return lines
