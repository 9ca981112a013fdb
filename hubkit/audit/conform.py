"""Run the conformance suite on a repo, in an environment and a home folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit import limits
from hubkit._util.child_server import lifted_file_limit
from hubkit._util.parse import read_bounded
from hubkit._util.process import (
    ChildDiskError,
    ChildMemoryError,
    describe_status,
    last_lines,
    run_command,
)
from hubkit._util.usage import TreeMeter
from hubkit.audit.environments import make_environment
from hubkit.audit.messages import Case, Cell, CellResult, Check, SuiteRun
from hubkit.conformance import merge_reports, parse_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.audit.environments import Installed
    from hubkit.audit.messages import Bounds, Settings, Versions
    from hubkit.facts import CaseResult, ConformanceReport

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
_RESULTS = (0, 1)  # exit codes of `hubkit conform` if there is a report


def run_suite(
    root: Path,
    dependencies: Sequence[str],
    settings: Settings,
    bounds: Bounds,
    shard: str = "",
) -> tuple[SuiteRun, ...]:
    """Run the suite with all versions of the settings.

    Args:
        root: The folder of the repo, which is copied.
        dependencies: The hubconf's `dependencies`.
        settings: The level and the versions.
        bounds: What each run may use.
        shard: The part of the entrypoints, such as "2/3"; empty for all.
    """
    return tuple(
        _run(root, dependencies, versions, settings, bounds, shard) for versions in settings.matrix
    )


def _run(
    root: Path,
    dependencies: Sequence[str],
    versions: Versions,
    settings: Settings,
    bounds: Bounds,
    shard: str,
) -> SuiteRun:
    with lifted_file_limit():
        environment = make_environment(
            versions, dependencies, installs=settings.installs, seconds=bounds.install_seconds
        )
    fact = environment.fact
    if fact.reason:
        return SuiteRun(fact, Cell("no environment", fact.reason))
    with tempfile.TemporaryDirectory(prefix="hubkit-conform-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        tree, report = folder / "repo", folder / "report.json"
        shutil.copytree(root, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        command = [
            *(str(environment.python), "-m", "hubkit", "conform", str(tree), "--quiet"),
            *("--level", str(settings.level), "--report", f"json={report}"),
            *(("--shard", shard) if shard else ()),
        ]
        start = time.monotonic()
        cell = _run_command(command, folder, _variables(folder, environment), bounds)
        cell = replace(cell, seconds=time.monotonic() - start)
        if cell.state != "passed":
            return SuiteRun(fact, cell)
        try:
            return SuiteRun(fact, cell, read_bounded(report, limits.REPLY_BYTES))
        except (OSError, ValueError) as error:
            return SuiteRun(fact, replace(cell, state="crashed", reason=f"no report: {error}"))


def _run_command(command: Sequence[str], folder: Path, env: dict[str, str], bounds: Bounds) -> Cell:
    """Run the suite; "passed" means that there is a report."""
    meter = TreeMeter(bounds.memory, bounds.disk)
    try:
        status, output = run_command(
            command, folder, env, bounds.seconds, meter.look, meter.measure
        )
    except ChildMemoryError as error:
        return Cell("out of memory", error.reason)
    except ChildDiskError as error:
        return Cell("out of disk", error.reason)
    if status in _RESULTS:
        return Cell("passed")
    reason = describe_status(status, bounds.seconds)
    if status is None:
        return Cell("timed out", reason)
    last = last_lines(output).replace(str(folder / "repo"), ".").strip()
    return Cell("crashed", f"{reason}: {last}".rstrip(": "))


def join_runs(parts: Sequence[tuple[SuiteRun, ...]], level: int) -> tuple[CellResult, ...]:
    """What the suite found in each environment.

    Args:
        parts: The runs of each shard, or those of the whole repo alone.
        level: The level that was asked for.
    """
    return tuple(_join(runs, level) for runs in zip(*parts, strict=True))


def _join(runs: tuple[SuiteRun, ...], level: int) -> CellResult:
    """One result of the runs in one environment. A shard without a report decides how they ended."""
    environment = max((one.environment for one in runs), key=lambda one: one.seconds)
    reports = [parse_report(one.report, "the report") for one in runs if one.report]
    found = merge_reports(reports, some=len(reports) < len(runs)) if reports else None
    ended = next((at for at, one in enumerate(runs) if not one.report), None)
    seconds = sum(one.cell.seconds for one in runs)
    if ended is not None:
        cell = runs[ended].cell
        shard = f"shard {ended + 1} of {len(runs)}: " if len(runs) > 1 else ""
        cell = replace(cell, reason=f"{shard}{cell.reason}", seconds=seconds)
    else:
        reached = found.level if found else 0
        cell = Cell("passed" if reached >= level else "failed", level=reached, seconds=seconds)
    if found is None:
        return CellResult(environment, cell)
    cases = tuple(_case(one) for one in found.cases if one.checks)
    return CellResult(environment, cell, cases, tuple(_checks(found)))


def _variables(folder: Path, environment: Installed) -> dict[str, str]:
    """Environment variables without tokens, and without the user's home and hub dir."""
    home = folder / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TMPDIR": str(folder),
        "TORCH_HOME": str(home / "torch"),
        "PYTHONPATH": str(environment.packages),
        "PYTHONNOUSERSITE": "1",
        "HUBKIT_NO_CACHE": "1",
        "HUBKIT_OFFLINE": "1",
    }


def _case(case: CaseResult) -> Case:
    measured = case.measured
    return Case(
        case.entrypoint,
        case.case,
        case.level,
        measured.parameters,
        measured.load_seconds,
        measured.forward_seconds,
        measured.memory_bytes,
    )


def _checks(report: ConformanceReport) -> Iterator[Check]:
    for case in (report.whole, *report.cases):
        for one in case.checks:
            yield Check(
                case.entrypoint,
                case.case,
                one.code,
                one.name,
                one.level,
                one.required,
                one.outcome,
                one.reason,
                one.seconds,
            )
