"""Run the conformance suite on a repo, in an environment and a home folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.child_server import require_memory
from hubkit._util.process import ChildMemoryError, describe_status, last_lines, run_command
from hubkit.audit.environments import make_environment
from hubkit.audit.messages import Case, Cell, CellResult, Check
from hubkit.conformance import read_report
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.audit.environments import Installed
    from hubkit.audit.messages import Bounds, CellState, Settings, Versions
    from hubkit.facts import CaseResult, ConformanceReport

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
_RESULTS = (0, 1)  # exit codes of `hubkit conform` if there is a report


def conform_repo(
    root: Path, dependencies: Sequence[str], settings: Settings, bounds: Bounds
) -> tuple[CellResult, ...]:
    """Run the suite with all versions.

    Args:
        root: The folder of the repo, which is copied.
        dependencies: The hubconf's `dependencies`.
        settings: The level and the versions.
        bounds: What each run may use.
    """
    return tuple(_conform(root, dependencies, one, settings, bounds) for one in settings.matrix)


def _conform(
    root: Path, dependencies: Sequence[str], versions: Versions, settings: Settings, bounds: Bounds
) -> CellResult:
    environment = make_environment(
        versions, dependencies, installs=settings.installs, seconds=bounds.install_seconds
    )
    fact = environment.fact
    if fact.reason:
        return CellResult(fact, Cell("no environment", fact.reason))
    with tempfile.TemporaryDirectory(prefix="hubkit-conform-", ignore_cleanup_errors=True) as name:
        return _run(root, Path(name), environment, settings, bounds)


def _run(
    root: Path, folder: Path, environment: Installed, settings: Settings, bounds: Bounds
) -> CellResult:
    tree, report = folder / "repo", folder / "report.json"
    shutil.copytree(root, tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    command = [
        *(str(environment.python), "-m", "hubkit", "conform", str(tree), "--quiet"),
        *("--level", str(settings.level), "--report", f"json={report}"),
    ]
    look = partial(require_memory, most=bounds.memory)
    start = time.monotonic()
    try:
        status, output = run_command(
            command, folder, _variables(folder, environment), bounds.seconds, look
        )
    except ChildMemoryError as error:
        return CellResult(environment.fact, Cell("out of memory", error.reason))
    seconds = time.monotonic() - start
    if status is None:
        reason = describe_status(None, bounds.seconds)
        return CellResult(environment.fact, Cell("timed out", reason, seconds=seconds))
    try:
        found = read_report(report) if status in _RESULTS else None
    except UsageError:
        found = None
    if found is None:
        last = last_lines(output).replace(str(tree), ".").strip()
        reason = f"{describe_status(status, bounds.seconds)}: {last}".rstrip(": ")
        return CellResult(environment.fact, Cell("crashed", reason, seconds=seconds))
    state: CellState = "passed" if found.level >= settings.level else "failed"
    return CellResult(
        environment.fact,
        Cell(state, level=found.level, seconds=seconds),
        cases=tuple(map(_case, found.cases)),
        checks=tuple(_checks(found)),
    )


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
