"""What crosses processes: batches of repos to judge, and what came of them.

Entrypoints, findings, environments, cells, cases and checks are rows of tables as they come; `tables`
adds what they belong to.
"""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

import msgspec
from msgspec import Struct, field

from hubkit import __version__
from hubkit.config import SelectionOptions

# "checked": there are results; "unchanged": an earlier run has them; the others say what failed.
State = Literal[
    "checked",
    "unchanged",
    "invalid",
    "not found",
    "denied",
    "rate limited",
    "unreachable",
    "offline",
    "refused",
    "unreadable",
    "crashed",
    "timed out",
    "out of memory",
    "out of disk",
    "disk full",
]
CellState = Literal[
    "passed", "failed", "no environment", "crashed", "timed out", "out of memory", "out of disk"
]
STATES: tuple[State, ...] = get_args(State)
HAVE_RESULTS: tuple[State, ...] = ("checked", "unchanged")
# Tried again when the same run is continued: they say nothing about the repo.
PASSING: tuple[State, ...] = ("rate limited", "unreachable", "offline", "disk full")


class Versions(Struct, frozen=True):
    """Versions to run the conformance suite with: a column of the matrix.

    Attributes:
        python: The version of Python, such as "3.13"; empty for that of the worker.
        torch: The version of torch, such as "2.13"; empty for any.
    """

    python: str = ""
    torch: str = ""

    def __str__(self) -> str:
        parts = (("Python", self.python), ("torch", self.torch))
        return ", ".join(f"{name} {version}" for name, version in parts if version) or "default"


class Settings(Struct, frozen=True):
    """What the results of a repo depend on, besides its commit.

    Attributes:
        hubkit: The version of hubkit.
        level: The level of the conformance suite; 0 runs no code.
        matrix: The versions to run it with.
        installs: Whether to make environments; False uses that of the worker.
        selection: Which rules run, and which findings fail.
    """

    hubkit: str = __version__
    level: int = 0
    matrix: tuple[Versions, ...] = ()
    installs: bool = True
    selection: SelectionOptions = SelectionOptions()

    def without_suite(self) -> Settings:
        """The same, but no code runs."""
        return Settings(self.hubkit, selection=self.selection)

    @property
    def key(self) -> str:
        """A short digest: equal settings have equal results."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class Bounds(Struct, frozen=True):
    """What judging one repo may use.

    Attributes:
        seconds: Time, including that for fetching it; the conformance suite has as much again.
        memory: Bytes of memory.
        disk: Bytes that it may write.
        install_seconds: Time to make an environment.
        shard_size: Entrypoints on which one task runs the suite.
    """

    seconds: float = 600.0
    memory: int = 4 * 10**9
    disk: int = 4 * 10**9
    install_seconds: float = 1800.0
    shard_size: int = 25

    def total_seconds(self, cells: int) -> float:
        """Time for a repo whose suite runs in so many environments."""
        return self.seconds + cells * (self.seconds + self.install_seconds)


class Shard(Struct, frozen=True):
    """A part of the entrypoints of a large repo.

    Attributes:
        part: Its number, from 1.
        parts: How many there are.
        sha: The commit; empty for a folder.
        dependencies: The hubconf's `dependencies`.
    """

    part: int
    parts: int
    sha: str
    dependencies: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"


class Task(Struct, frozen=True):
    """One repo to judge, or one shard of it to run the suite on.

    Attributes:
        spec: The repo as the user named it; a folder as an absolute path.
        known: Commits of it whose results exist already.
        settings: What its results depend on.
        bounds: What it may use.
        offline: Whether to use the hub dir only.
        shard: The shard; None to judge the repo.
    """

    spec: str
    known: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    bounds: Bounds = field(default_factory=Bounds)
    offline: bool = False
    shard: Shard | None = None


class Entrypoint(Struct, frozen=True):
    """An entrypoint of a commit, as `hubkit list` shows it.

    Attributes:
        name: Name of the entrypoint.
        kind: "function", "class" or "value".
        summary: First line of its docstring.
        parameters: Names of its parameters; null if unknown.
        returns: "module", "other" or "unknown".
    """

    name: str
    kind: str
    summary: str
    parameters: tuple[str, ...] | None
    returns: str


class Finding(Struct, frozen=True):
    """A finding in a commit, as `hubkit check` reports it.

    Attributes:
        code: Code of the rule.
        rule: Name of the rule.
        severity: "error", "warning" or "info".
        message: What is wrong.
        path: The file; null for the repo as a whole.
        line: The line.
        col: The column.
        entrypoint: The entrypoint that it is about.
        fingerprint: Stays the same if lines move.
        suppressed_by: "comment", "setting" or "baseline"; null if it is reported.
    """

    code: str
    rule: str
    severity: str
    message: str
    path: str | None
    line: int | None
    col: int | None
    entrypoint: str | None
    fingerprint: str
    suppressed_by: str | None = None


class Environment(Struct, frozen=True):
    """An environment of the conformance suite, or one that could not be made.

    Attributes:
        environment: A digest of what is installed.
        python: The requested version of Python; empty for that of the worker.
        torch: The requested version of torch; empty for any.
        requirements: What is installed.
        tool: "uv" or "venv"; "none" for the environment of the worker.
        reason: Why it could not be made.
        seconds: How long making it took; 0 if it existed.
    """

    environment: str
    python: str
    torch: str
    requirements: tuple[str, ...]
    tool: str
    reason: str | None = None
    seconds: float = 0.0


class Cell(Struct, frozen=True):
    """A run of the conformance suite: a commit in an environment.

    Attributes:
        state: "passed" or "failed"; "no environment", or how the suite ended without a report.
        reason: Why there is no report.
        level: The level that all entrypoints reach; null without a report.
        seconds: How long it took.
    """

    state: CellState
    reason: str | None = None
    level: int | None = None
    seconds: float = 0.0


class Case(Struct, frozen=True):
    """What the suite measured of an entrypoint.

    Attributes:
        entrypoint: The entrypoint.
        case_name: The case, if it has several.
        level: The level that it reaches.
        parameters: How many parameters the model has.
        load_seconds: How long building it took.
        forward_seconds: How long its first run took.
        memory: The most memory in bytes.
    """

    entrypoint: str
    case_name: str
    level: int
    parameters: int | None
    load_seconds: float | None
    forward_seconds: float | None
    memory: int | None


class Check(Struct, frozen=True):
    """The result of a check of the suite.

    Attributes:
        entrypoint: The entrypoint; empty for the repo as a whole.
        case_name: The case, if it has several.
        code: Code of the check.
        name: Name of the check.
        level: Its level.
        required: Whether the level depends on it.
        outcome: "passed", "failed", "expected", "unsupported", "skipped" or "inapplicable".
        reason: Why it failed or did not run.
        seconds: How long it took.
    """

    entrypoint: str
    case_name: str
    code: str
    name: str
    level: int
    required: bool
    outcome: str
    reason: str
    seconds: float


class CellResult(Struct, frozen=True):
    """What the conformance suite found in one environment.

    Attributes:
        environment: The environment.
        cell: How the suite ended.
        cases: What it measured.
        checks: What it checked.
    """

    environment: Environment
    cell: Cell
    cases: tuple[Case, ...] = ()
    checks: tuple[Check, ...] = ()


class SuiteRun(Struct, frozen=True):
    """A run of the suite on a shard, in one environment.

    Attributes:
        environment: The environment.
        cell: How it ended; without a verdict if there is a report.
        report: Its report, as JSON; empty if there is none.
    """

    environment: Environment
    cell: Cell
    report: bytes = b""


class Results(Struct, frozen=True):
    """What was found in one commit.

    Attributes:
        exit_code: That of `hubkit check`.
        problem: Why there are no entrypoints, such as "hubconf.py does not exist"; else empty.
        has_dynamic_names: Whether the hubconf creates names at run time.
        dependencies: The hubconf's `dependencies`; None if unknown.
        entrypoints: Its entrypoints.
        findings: Reported and suppressed findings.
    """

    exit_code: int
    problem: str
    has_dynamic_names: bool
    dependencies: tuple[str, ...] | None
    entrypoints: tuple[Entrypoint, ...]
    findings: tuple[Finding, ...]


class Outcome(Struct, frozen=True):
    """What came of one task.

    Attributes:
        spec: That of the task.
        state: What came of it.
        reason: Why there are no results; else empty.
        hint: What to do about it.
        name: The repo's full name, or the folder.
        ref: The branch, tag or commit that was read.
        sha: The commit; empty if unknown, as for folders.
        results: The results; None unless the state is "checked".
        cells: What the conformance suite found, if it ran.
        shards: How many tasks are left to run the suite.
        runs: Those of the suite on the shard.
        seconds: Time of each step.
        memory: The most memory in bytes that it took; None if unknown.
        retry_at: Unix time at which the host may be asked again; None if unknown.
        attempts: How often it was tried.
        worker: The machine that did it.
    """

    spec: str
    state: State
    reason: str = ""
    hint: str = ""
    name: str = ""
    ref: str = ""
    sha: str = ""
    results: Results | None = None
    cells: tuple[CellResult, ...] = ()
    shards: int = 0
    runs: tuple[SuiteRun, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    memory: int | None = None
    retry_at: float | None = None
    attempts: int = 1
    worker: str = ""


class Batch(Struct, frozen=True):
    """What one Dask task does: repos to judge, one after the other.

    Attributes:
        name: The key of the Dask task.
        tasks: The repos. All of one host, unless there is only one.
        topic: Where reports go while it runs.
        seconds: Time after which repos that were not tried are handed back.
    """

    name: str
    tasks: tuple[Task, ...]
    topic: str
    seconds: float


class Report(Struct, frozen=True):
    """What came of a batch, or of a part of it.

    Attributes:
        batch: The name of the batch.
        outcomes: What came of its repos, without those of earlier reports.
        running: "" unless this hands back all repos that have no outcome yet, but for this one, which
            is being judged.
    """

    batch: str
    outcomes: tuple[Outcome, ...]
    running: str = ""


def encode(message: Batch | Task | Report | Outcome) -> bytes:
    """A message as bytes."""
    return msgspec.msgpack.encode(message)


def decode_batch(data: bytes) -> Batch:
    """A batch from its bytes."""
    return msgspec.msgpack.decode(data, type=Batch)


def decode_task(data: bytes) -> Task:
    """A task from its bytes."""
    return msgspec.msgpack.decode(data, type=Task)


def decode_report(data: bytes) -> Report:
    """A report from its bytes."""
    return msgspec.msgpack.decode(data, type=Report)


def decode_outcome(data: bytes) -> Outcome:
    """An outcome from its bytes."""
    return msgspec.msgpack.decode(data, type=Outcome)
