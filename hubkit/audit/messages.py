"""What crosses processes: one repo to judge, and what came of it."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

import msgspec
from msgspec import Struct, field

from hubkit import __version__

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
    "disk full",
]
CellState = Literal["passed", "failed", "no environment", "crashed", "timed out", "out of memory"]
STATES: tuple[State, ...] = get_args(State)
HAVE_RESULTS: tuple[State, ...] = ("checked", "unchanged")
# Tried again when the same run is continued: they say nothing about the repo.
PASSING: tuple[State, ...] = ("rate limited", "unreachable", "offline", "disk full")


class Cell(Struct, frozen=True):
    """An environment to run the conformance suite in.

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
        cells: The environments to run it in.
        installs: Whether to make environments; False uses that of the worker.
    """

    hubkit: str = __version__
    level: int = 0
    cells: tuple[Cell, ...] = ()
    installs: bool = True

    @property
    def key(self) -> str:
        """A short digest: equal settings have equal results."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class Bounds(Struct, frozen=True):
    """What judging one repo may use.

    Attributes:
        seconds: Time, including that for fetching it; the conformance suite has as much again.
        memory: Bytes of memory.
        disk: Bytes of one file.
        install_seconds: Time to make an environment.
    """

    seconds: float = 600.0
    memory: int = 4 * 10**9
    disk: int = 4 * 10**9
    install_seconds: float = 1800.0

    def total_seconds(self, cells: int) -> float:
        """Time for a repo whose suite runs in so many environments."""
        return self.seconds + cells * (self.seconds + self.install_seconds)


class Task(Struct, frozen=True):
    """One repo to judge.

    Attributes:
        spec: The repo as the user named it; a folder as an absolute path.
        known: Commits of it whose results exist already.
        settings: What its results depend on.
        bounds: What it may use.
        offline: Whether to use the hub dir only.
    """

    spec: str
    known: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    bounds: Bounds = field(default_factory=Bounds)
    offline: bool = False


class EntrypointFact(Struct, frozen=True):
    """An entrypoint, as `hubkit list` shows it."""

    name: str
    kind: str
    summary: str
    parameters: tuple[str, ...] | None
    returns: str


class FindingFact(Struct, frozen=True):
    """A finding, as `hubkit check` reports it.

    Attributes:
        suppressed_by: "comment", "setting" or "baseline"; None if it is reported.
    """

    code: str
    rule: str
    severity: str
    message: str
    path: str | None
    line: int | None
    column: int | None
    entrypoint: str | None
    fingerprint: str
    suppressed_by: str | None = None


class EnvironmentFact(Struct, frozen=True):
    """An environment in which the conformance suite runs, or that could not be made.

    Attributes:
        key: A digest of what is installed.
        python: The requested version of Python.
        torch: The requested version of torch.
        requirements: What is installed.
        tool: "uv" or "venv"; "none" for the environment of the worker.
        reason: Why it could not be made; else empty.
        seconds: How long making it took; 0 if it existed.
    """

    key: str
    python: str
    torch: str
    requirements: tuple[str, ...]
    tool: str
    reason: str = ""
    seconds: float = 0.0


class CaseFact(Struct, frozen=True):
    """What the suite measured of one entrypoint."""

    entrypoint: str
    case_name: str
    level: int
    parameters: int | None
    load_seconds: float | None
    forward_seconds: float | None
    memory: int | None


class CheckFact(Struct, frozen=True):
    """The result of one check of the suite; `entrypoint` is empty for the repo as a whole."""

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
        state: "passed" or "failed"; "no environment", or how the suite ended without a report.
        reason: Why there is no report.
        level: The level that all entrypoints reach.
        seconds: How long the suite took.
        cases: What it measured.
        checks: What it checked.
    """

    environment: EnvironmentFact
    state: CellState
    reason: str = ""
    level: int | None = None
    seconds: float = 0.0
    cases: tuple[CaseFact, ...] = ()
    checks: tuple[CheckFact, ...] = ()


class Results(Struct, frozen=True):
    """What was found in one commit.

    Attributes:
        exit_code: That of `hubkit check`.
        problem: Why there are no entrypoints, such as "hubconf.py does not exist"; else empty.
        has_dynamic_names: Whether the hubconf creates names at run time.
        dependencies: The hubconf's `dependencies`; None if unknown.
        entrypoints: Its entrypoints.
        findings: Reported and suppressed findings.
        cells: What the conformance suite found, if it ran.
    """

    exit_code: int
    problem: str
    has_dynamic_names: bool
    dependencies: tuple[str, ...] | None
    entrypoints: tuple[EntrypointFact, ...]
    findings: tuple[FindingFact, ...]
    cells: tuple[CellResult, ...] = ()


class Outcome(Struct, frozen=True):
    """What came of judging one repo.

    Attributes:
        spec: That of the task.
        state: What came of it.
        reason: Why there are no results; else empty.
        hint: What to do about it.
        name: The repo's full name, or the folder.
        ref: The branch, tag or commit that was read.
        sha: The commit; empty if unknown, as for folders.
        results: The results; None unless the state is "checked".
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
    seconds: dict[str, float] = field(default_factory=dict)
    memory: int | None = None
    retry_at: float | None = None
    attempts: int = 1
    worker: str = ""


def encode(message: Task | Outcome) -> bytes:
    """A message as bytes."""
    return msgspec.msgpack.encode(message)


def decode_task(data: bytes) -> Task:
    """A task from its bytes."""
    return msgspec.msgpack.decode(data, type=Task)


def decode_outcome(data: bytes) -> Outcome:
    """An outcome from its bytes."""
    return msgspec.msgpack.decode(data, type=Outcome)
