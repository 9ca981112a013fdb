"""Judge one repo: find its commit, fetch it, list its entrypoints and check it.

This runs in a process of its own, which judges one repo after the other. Code of a repo runs in
further processes, and only if the settings ask for the conformance suite.
"""

from __future__ import annotations

import errno
import gc
import socket
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit import hubdir
from hubkit.analysis import read_repo
from hubkit.audit import messages
from hubkit.audit.conform import join_runs, run_suite
from hubkit.audit.messages import (
    Outcome,
    Results,
    State,
    Task,
    decode_task,
    encode,
)
from hubkit.errors import (
    AccessDeniedError,
    CacheWriteError,
    FetchError,
    HashMismatchError,
    HubconfNotFoundError,
    HubkitError,
    NotThereError,
    OfflineError,
    RateLimitedError,
    RefNotFoundError,
    RepoNotFoundError,
    RepoSpecError,
    UnsafeArchiveError,
)
from hubkit.facts import FetchPolicy, ResolvedRef
from hubkit.hubdir.spec import parse_spec
from hubkit.lint import lint_repo, require_something_to_check
from hubkit.source import Folder, open_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.audit.messages import Shard
    from hubkit.config import SelectionOptions
    from hubkit.facts import CachedRepo, Entrypoint, Files, Finding, RepoFacts, RepoRef, Report

_STATES: tuple[tuple[type[HubkitError], State], ...] = (
    (RepoSpecError, "invalid"),
    (RepoNotFoundError, "not found"),
    (RefNotFoundError, "not found"),
    (NotThereError, "not found"),
    (HubconfNotFoundError, "not found"),
    (AccessDeniedError, "denied"),
    (RateLimitedError, "rate limited"),
    (OfflineError, "offline"),
    (UnsafeArchiveError, "refused"),
    (HashMismatchError, "refused"),
    (CacheWriteError, "disk full"),
    (FetchError, "unreachable"),
    (HubkitError, "unreadable"),
)
# Other repos go on while a host limits the rate.
_POLICY = FetchPolicy(progress=False, waits=False)
_FEW_COLLECTIONS = 50_000
_CLEAR_PEAK = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class _Clock(Struct):
    """Measures the steps of one repo."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start


def serve(request: bytes) -> bytes:
    """Judge the repo of an encoded task; return an encoded outcome."""
    gc.set_threshold(_FEW_COLLECTIONS)
    _reset_peak()
    outcome = judge(decode_task(request))
    return encode(replace(outcome, memory=_read_peak(), worker=socket.gethostname()))


def judge(task: Task) -> Outcome:
    """Judge one repo. What goes wrong with it is part of the outcome."""
    clock = _Clock()
    outcome = Outcome(task.spec, "checked", name=task.spec)
    try:
        if task.shard is None:
            outcome = _judge(task, outcome, clock)
        else:
            outcome = _judge_shard(task, task.shard, outcome, clock)
    except HubkitError as error:
        outcome = _failed(outcome, error)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of hubkit must not end the audit
        what = f"{type(error).__name__}: {error}"
        hint = "This is a bug in hubkit. Please report it: `hubkit doctor` says where."
        outcome = replace(outcome, state="crashed", reason=f"internal error: {what}", hint=hint)
    return replace(outcome, seconds=clock.seconds)


def _failed(outcome: Outcome, error: HubkitError) -> Outcome:
    state = next(state for kind, state in _STATES if isinstance(error, kind))
    if getattr(error.__context__, "errno", None) == errno.EFBIG:
        state = "out of disk"
    return replace(
        outcome,
        state=state,
        reason=error.message,
        hint=error.hint,
        retry_at=getattr(error, "retry_at", None),
    )


def _judge(task: Task, outcome: Outcome, clock: _Clock) -> Outcome:
    spec = parse_spec(task.spec)
    if isinstance(spec, Path):
        files = _open_folder(spec)
    else:
        outcome = replace(outcome, name=spec.full_name, ref=spec.ref or "")
        with clock.step("resolve"):
            found = _find_offline(spec) if task.offline else hubdir.resolve_ref(spec, _POLICY)
        sha = found.sha or ""
        outcome = replace(outcome, ref=_ref_of(found) or outcome.ref, sha=sha)
        if sha in task.known:
            return replace(outcome, state="unchanged")
        with clock.step("fetch"):
            files = Folder(_fetch(found))
    with clock.step("check"):
        results = _read_results(files, task.settings.selection)
    outcome = replace(outcome, results=results)
    shards = -(-len(results.entrypoints) // task.bounds.shard_size) if task.settings.level else 0
    if shards > 1:
        return replace(outcome, shards=shards)
    if not shards:
        return outcome
    with clock.step("conform"):
        runs = run_suite(files.root, results.dependencies or (), task.settings, task.bounds)
        return replace(outcome, cells=join_runs([runs], task.settings.level))


def _judge_shard(task: Task, shard: Shard, outcome: Outcome, clock: _Clock) -> Outcome:
    """Run the suite on a shard of a repo."""
    spec = parse_spec(task.spec)
    if isinstance(spec, Path):
        root = _open_folder(spec).root
    else:
        with clock.step("fetch"):
            commit = replace(spec, ref=shard.sha)
            found = _find_offline(commit) if task.offline else hubdir.fetch_repo(commit, _POLICY)
            root = found.path
    with clock.step("conform"):
        runs = run_suite(root, shard.dependencies, task.settings, task.bounds, str(shard))
    return replace(outcome, runs=runs)


def _find_offline(repo: RepoRef) -> CachedRepo:
    cached = hubdir.find_cached(repo)
    if cached is None:
        hint = "Run the audit without --offline to fetch it."
        raise OfflineError(f"{repo} is not in the hub dir {hubdir.get_dir()}.", hint=hint)
    return cached


def _ref_of(found: CachedRepo | ResolvedRef) -> str | None:
    return found.short_name if isinstance(found, ResolvedRef) else found.ref


def _fetch(found: CachedRepo | ResolvedRef) -> Path:
    if isinstance(found, ResolvedRef):
        found = hubdir.fetch_resolved(found, _POLICY)
    return found.path


def _open_folder(folder: Path) -> Files:
    """The files of a folder, as `hubkit check` reads them."""
    folder = folder.parent if folder.name == "hubconf.py" else folder
    if not folder.is_dir():
        hint = "The workers of a cluster need it at the same path."
        raise HubconfNotFoundError(f"{folder} is not a folder.", hint=hint)
    return open_files(folder)


def _read_results(files: Files, selection: SelectionOptions) -> Results:
    """What `hubkit list` and `hubkit check` say of the files."""
    facts, config = read_repo(files), selection.configure(files)
    require_something_to_check(facts, config)
    report = lint_repo(facts, config)
    hubconf = facts.hubconf
    declared = hubconf.dependencies if hubconf else None
    return Results(
        exit_code=report.exit_code,
        problem=facts.problem.message if facts.problem else "",
        has_dynamic_names=hubconf.has_dynamic_names if hubconf else False,
        dependencies=declared.names if declared and declared.entries is not None else None,
        entrypoints=tuple(_entrypoints(facts)),
        findings=tuple(_findings(report)),
    )


def _entrypoints(facts: RepoFacts) -> Iterator[messages.Entrypoint]:
    for one in facts.hubconf.entrypoints if facts.hubconf else ():
        yield messages.Entrypoint(
            one.name, one.kind, one.summary, _parameters(one), one.returns.shape
        )


def _parameters(entrypoint: Entrypoint) -> tuple[str, ...] | None:
    found = entrypoint.parameters
    return None if found is None else tuple(one.name for one in found)


def _findings(report: Report) -> Iterator[messages.Finding]:
    for finding in report.findings:
        yield _finding(finding, report, None)
    for hidden in report.suppressed:
        yield _finding(hidden.finding, report, hidden.by)


def _finding(finding: Finding, report: Report, suppressed_by: str | None) -> messages.Finding:
    place = finding.location
    return messages.Finding(
        code=finding.code,
        rule=report.slug(finding.code),
        severity=finding.severity,
        message=finding.message,
        path=place.path if place else None,
        line=place.line if place else None,
        col=place.column if place else None,
        entrypoint=finding.entrypoint,
        fingerprint=finding.fingerprint,
        suppressed_by=suppressed_by,
    )


def _reset_peak() -> None:
    """Let Linux count this process's peak of memory anew."""
    with suppress(OSError), _CLEAR_PEAK.open("w") as stream:
        stream.write("5")


def _read_peak() -> int | None:
    """The most memory in bytes since the peak was reset; None if the system does not say."""
    with suppress(OSError, ValueError, IndexError):
        line = next(one for one in _STATUS.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return None
