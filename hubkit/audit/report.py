"""One page about a run: its numbers, plots, all repos with their findings, and what has changed."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from hubkit._util.text import format_size, plural
from hubkit.audit.messages import HAVE_RESULTS, Versions
from hubkit.audit.summary import read_summary
from hubkit.errors import UsageError
from hubkit.pages import Bar, render_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.audit.store import Row, Store
    from hubkit.audit.summary import Summary

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_REPOS = 2000  # on the page, the worst first
_FINDINGS = 100  # of one repo
_BARS = 15
_SECONDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_BYTES = (30e6, 50e6, 100e6, 300e6, 1e9, 3e9)
_MODEL_BYTES = (1e6, 10e6, 100e6, 1e9, 10e9)
_TONES = {"error": "bad", "warning": "warn", "info": "info"}


class Change(Struct, frozen=True):
    """What is different in a repo since an earlier run.

    Attributes:
        spec: The repo.
        before: Its state in the earlier run; empty if it was not part of it.
        now: Its state; empty if it is no longer part.
        new: Findings that it did not have, as pairs of code and message.
        fixed: Findings that it no longer has.
        worse: What the suite says was fine and is not now: the versions, what, and how it ended.
        better: The other way round.
    """

    spec: str
    before: str
    now: str
    new: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()
    worse: tuple[tuple[str, str, str], ...] = ()
    better: tuple[tuple[str, str, str], ...] = ()


def require_run(store: Store, run: int | None) -> int:
    """A run of the database; the last one by default.

    Raises:
        UsageError: There is no such run.
    """
    runs = [row["run"] for row in store.query("SELECT run FROM runs ORDER BY run")]
    if not runs:
        raise UsageError("The database has no runs", hint="Run an audit: hubkit audit REPOS")
    if run is not None and run not in runs:
        known = f"It has the runs {runs[0]} to {runs[-1]}."
        raise UsageError(f"The database has no run {run}", hint=known)
    return runs[-1] if run is None else run


def find_changes(store: Store, run: int, before: int) -> tuple[Change, ...]:
    """What is different in each repo between two runs, those with new faults first."""
    states = [
        {row["spec"]: row["state"] for row in store.query(
            "SELECT spec, state FROM repos WHERE run = ?", [number])}
        for number in (before, run)
    ]  # fmt: skip
    new = _findings_of_only(store, run, before)
    fixed = _findings_of_only(store, before, run)
    worse, better = (_suite_changes(store, run, before, fails=fails) for fails in (True, False))
    old, now = states
    changes = [
        Change(
            spec, old.get(spec, ""), now.get(spec, ""),
            new[spec], fixed[spec], worse[spec], better[spec],
        )
        for spec in sorted({*old, *now})
    ]  # fmt: skip
    found = [
        one for one in changes
        if _kind(one.before) != _kind(one.now)
        or any((one.new, one.fixed, one.worse, one.better))
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: -len(one.new) - len(one.worse)))


def _suite_changes(
    store: Store, run: int, before: int, *, fails: bool
) -> defaultdict[str, tuple[tuple[str, str, str], ...]]:
    """What of the suite fails in one run and does not in the other, for the same versions.

    Args:
        store: The database.
        run: The run.
        before: The earlier run.
        fails: Whether it fails in the run, and not before.
    """
    rows = store.query(
        "SELECT spec, python, torch, now.what, now.outcome FROM suite AS before"
        " JOIN suite AS now USING (spec, python, torch, entrypoint, case_name, code)"
        " WHERE before.run = $1 AND now.run = $2 AND before.fine = $3 AND now.fine <> $3"
        " ORDER BY ALL",
        [before, run, fails],
    )
    found: defaultdict[str, tuple[tuple[str, str, str], ...]] = defaultdict(tuple)
    for row in rows:
        versions = str(Versions(row["python"], row["torch"]))
        found[row["spec"]] += ((versions, row["what"], row["outcome"]),)
    return found


def _kind(state: str) -> str:
    return "results" if state in HAVE_RESULTS else state


def _findings_of_only(
    store: Store, run: int, other: int
) -> defaultdict[str, tuple[tuple[str, str], ...]]:
    """Findings of repos in one run that they do not have in another one, if both have results."""
    rows = store.query(
        "SELECT spec, code, message FROM repos AS one JOIN findings USING (commit_id)"
        " SEMI JOIN (SELECT spec FROM repos WHERE run = $2 AND commit_id IS NOT NULL) USING (spec)"
        " ANTI JOIN (SELECT spec, fingerprint FROM repos JOIN findings USING (commit_id)"
        " WHERE run = $2 AND suppressed_by IS NULL) USING (spec, fingerprint)"
        " WHERE run = $1 AND suppressed_by IS NULL ORDER BY spec, code, path, line",
        [run, other],
    )
    found: defaultdict[str, tuple[tuple[str, str], ...]] = defaultdict(tuple)
    for row in rows:
        found[row["spec"]] += ((row["code"], row["message"]),)
    return found


def render_report(store: Store, run: int, before: int | None = None) -> str:
    """The page about a run.

    Args:
        store: The database.
        run: The run.
        before: An earlier run to compare with.
    """
    summary = read_summary(store, run)
    about = store.query("SELECT * FROM runs WHERE run = ?", [run])[0]
    variables = {
        "about": _facts(about, summary),
        "summary": summary,
        "with_results": sum(summary.states.get(state, 0) for state in HAVE_RESULTS),
        "plots": _plots(store, run, summary),
        "repos": _repos(store, run),
        "matrix": _matrix(store, run),
        "tones": _TONES,
        "before": before,
        "changes": [] if before is None else [
            structs.asdict(one) for one in find_changes(store, run, before)
        ],
    }  # fmt: skip
    return render_page(_TEMPLATE, variables, title=f"Audit of {plural(summary.repos, 'repo')}")


def _facts(about: Row, summary: Summary) -> list[tuple[str, str]]:
    started = about["started"].astimezone(timezone.utc)
    ended = about["finished"]
    return [
        ("Run", f"{about['run']}"),
        ("Started", f"{started:%Y-%m-%d %H:%M} UTC"),
        ("Took", _format_seconds((ended - started).total_seconds()) if ended else "interrupted"),
        ("Work of all repos", _format_seconds(summary.seconds)),
        ("hubkit", about["hubkit"]),
    ]


def _format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes} min"
        if hours
        else f"{minutes} min {rest} s"
        if minutes
        else f"{seconds:.1f} s"
    )


def _plots(store: Store, run: int, summary: Summary) -> list[tuple[str, list[Bar]]]:
    """Titles and bars; those without bars are left out."""
    states = [
        Bar(state, count, f"{count:,}", "#repos", 2 if state in HAVE_RESULTS else 0)
        for state, count in summary.states.items()
    ]
    rules = [
        Bar(f"{one.code} {one.rule}", one.repos, f"{one.findings:,} in {plural(one.repos, 'repo')}")
        for one in summary.rules[:_BARS]
    ]
    dependencies = store.query(
        "SELECT dependency, entrypoints, repos FROM dependencies WHERE run = ?"
        " ORDER BY entrypoints DESC, repos DESC, dependency LIMIT ?",
        [run, _BARS],
    )
    needs = [
        Bar(row["dependency"], row["entrypoints"], f"{row['entrypoints']:,}", series=1)
        for row in dependencies
    ]
    levels = [
        Bar(
            f"{one.name}: {one.state}" if one.level is None else f"{one.name}: level {one.level}",
            one.repos, f"{one.repos:,}", series=2 if one.state == "passed" else 0,
        )
        for one in summary.cells
    ]  # fmt: skip
    memory = store.query(
        "SELECT cases.memory FROM cases JOIN repos USING (commit_id) WHERE run = ?",
        [run],
    )
    measured = store.query("SELECT seconds, memory FROM results WHERE run = ?", [run])
    spent = _histogram((row["seconds"] for row in measured), _SECONDS, "{:g} s".format)
    sizes = (
        ("Repos by memory", (row["memory"] for row in measured), _BYTES),
        ("Entrypoints by memory", (row["memory"] for row in memory), _MODEL_BYTES),
    )
    plots = [
        ("Repos by outcome", states),
        ("Findings by rule", rules),
        ("Entrypoints by dependency", needs),
        ("Repos by level", levels),
        ("Repos by time", spent),
        *((title, _histogram(some, edges, _format_bytes)) for title, some, edges in sizes),
    ]
    return [(title, bars) for title, bars in plots if bars]


def _format_bytes(size: float) -> str:
    return format_size(int(size))


def _histogram(values: Iterable[float | None], edges: Sequence[float], name: Any) -> list[Bar]:  # noqa: ANN401
    """A bar for each interval from the first to the last that is not empty."""
    counts = [0] * (len(edges) + 1)
    for value in values:
        if value is not None:
            counts[sum(value >= edge for edge in edges)] += 1
    labels = [f"below {name(edges[0])}"]
    labels += [f"{name(low)} to {name(high)}" for low, high in itertools.pairwise(edges)]
    labels.append(f"{name(edges[-1])} and more")
    used = [at for at, count in enumerate(counts) if count]
    shown = range(used[0], used[-1] + 1) if used else ()
    return [Bar(labels[at], counts[at], f"{counts[at]:,}", series=3) for at in shown]


def _repos(store: Store, run: int) -> list[Row]:
    """The repos of a run with their entrypoints and findings, the worst first."""
    rows = store.query(
        "SELECT *, row_number() OVER () AS number FROM (SELECT * FROM results WHERE run = ?"
        " ORDER BY commit_id IS NOT NULL, errors DESC, warnings DESC, spec"
        " LIMIT ?)",
        [run, _REPOS],
    )
    commits = [row["commit_id"] for row in rows if row["commit_id"] is not None]
    findings = _by_commit(
        store, "findings", "suppressed_by IS NULL", "severity, path, line", commits
    )
    entrypoints = _by_commit(store, "entrypoints", "true", "rowid", commits)
    for row in rows:
        found = findings[row["commit_id"]]
        row["findings"], row["hidden"] = found[:_FINDINGS], len(found[_FINDINGS:])
        row["names"] = [one["name"] for one in entrypoints[row["commit_id"]]]
        row["codes"] = " ".join(sorted({one["code"] for one in found}))
        row["outcome"] = _outcome(row)
    return rows


def _outcome(row: Row) -> str:
    """One word for the filter."""
    if row["commit_id"] is None:
        return "failed"
    return "errors" if row["errors"] else "warnings" if row["warnings"] else "clean"


def _matrix(store: Store, run: int) -> dict[str, list[Any]]:
    """The conformance suite by repo and environment: `cells` in words, and `rows` of repos."""
    found = store.query(
        "SELECT spec, python, torch, state, reason, level, commit_id, environment FROM matrix"
        " WHERE run = ? ORDER BY spec",
        [run],
    )
    failed = store.query(
        "SELECT commit_id, environment, list(DISTINCT code ORDER BY code) AS codes FROM checks"
        " JOIN repos USING (commit_id) WHERE run = ? AND outcome = 'failed' GROUP BY ALL",
        [run],
    )
    codes = {(row["commit_id"], row["environment"]): row["codes"] for row in failed}
    rows: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for row in found:
        row["codes"] = codes.get((row["commit_id"], row["environment"]), [])
        rows[row["spec"]][str(Versions(row["python"], row["torch"]))] = row
    cells = sorted({name for row in rows.values() for name in row})
    return {"cells": cells, "rows": list(rows.items())[:_REPOS]}


def _by_commit(
    store: Store, table: str, condition: str, order: str, commits: Sequence[int]
) -> defaultdict[int, list[Row]]:
    rows = store.query(
        f"SELECT * FROM {table} WHERE commit_id IN (SELECT unnest($1::BIGINT[]))"  # noqa: S608 - our own
        f" AND {condition} ORDER BY {order}",
        [commits],
    )
    grouped: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["commit_id"]].append(row)
    return grouped
