"""The messages between the suite and the child process that loads a hubconf."""

from __future__ import annotations

from msgspec import Struct, field

# msgspec reads the annotations
from hubkit.config import EntrypointConfig  # noqa: TC001
from hubkit.runtime.sandbox import Change, Policy  # noqa: TC001
from pytest_hubkit.stored import WeightsStore  # noqa: TC001


class WatchRequest(Struct, frozen=True):
    """Which imports of the repo's files to report.

    Attributes:
        allowed: Top-level modules that need no report.
        hide: Whether other modules are hidden where the code catches the ImportError.
    """

    allowed: tuple[str, ...]
    hide: bool


class CaseRequest(Struct, frozen=True):
    """A case to build.

    Attributes:
        label: Identifies the case in the reply.
        name: The entrypoint.
        config: Its configuration.
        pickle: Whether to pickle the model.
        digests: Whether to fingerprint the model's weights.
        run: Folder to run the model in, or "" to build it only.
        inputs: File that holds the input, or None to guess it.
    """

    label: str
    name: str
    config: EntrypointConfig
    pickle: bool = False
    digests: bool = False
    run: str = ""
    inputs: str | None = None


class LoadRequest(Struct, frozen=True):
    """A hubconf to import, and cases to build without weights.

    Attributes:
        root: The folder that holds ``hubconf.py``.
        policy: What the code may reach.
        seed: Seed of the random numbers.
        cases: The cases.
        preload: Third-party modules to import first, so that what they change is not attributed
            to the repo.
        own: Distributions that are the repo itself, whose metadata only its author has.
        again: Whether to execute hubconf.py a second time.
        without: Folder to remove from ``sys.path``, or "".
        decoy: Folder of another hub repo to load first, or "".
        watch: Which imports to report; None for none.
        store: Where weights are, to call entrypoints with weights too; None to do without.
    """

    root: str
    policy: Policy
    seed: int
    cases: tuple[CaseRequest, ...] = ()
    preload: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    again: bool = False
    without: str = ""
    decoy: str = ""
    watch: WatchRequest | None = None
    store: WeightsStore | None = None


class ChildFailure(Struct, frozen=True):
    """An exception that the repo's code raised in a child process.

    Attributes:
        type: Name of the exception's class; "" if the process ended without a reply.
        message: Its text.
        module: The module that an import error names, else None.
        file: The file that an OSError names, else None.
        path: The innermost file of the repo in its traceback, relative to the repo, or "".
        line: The line there.
        code: The text of that line.
        traceback: The traceback from the repo's first frame on.
        evidence: What it tried to reach, which was denied, and what it started, a line for each.
    """

    type: str
    message: str
    module: str | None = None
    file: str | None = None
    path: str = ""
    line: int = 0
    code: str = ""
    traceback: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Class and message, as at the end of a traceback."""
        return f"{self.type}: {self.message}" if self.type else self.message

    @property
    def place(self) -> str:
        """File, line and code of the repo, or ""."""
        return f"{self.path}:{self.line}: {self.code}" if self.path else ""


class Undeclared(Struct, frozen=True):
    """A file of the repo imports a module that ``dependencies`` does not name.

    Attributes:
        module: Its top-level name.
        path: The file, relative to the repo.
        line: The line.
        entrypoint: The entrypoint that was running, or "" while hubconf was imported.
        hidden: Whether the code catches the ImportError, so that the module was hidden.
    """

    module: str
    path: str
    line: int
    entrypoint: str
    hidden: bool


class Effects(Struct, frozen=True):
    """What some of the repo's code did to the process.

    Attributes:
        changes: Process-wide settings that it changed.
        printed: What it printed, standard error included.
        drawn: The random numbers that a user would get next, by the call that returns them.
        seeding: Lines of the repo that reseeded a global generator, and the function.
    """

    changes: tuple[Change, ...] = ()
    printed: str = ""
    drawn: dict[str, float] = field(default_factory=dict)
    seeding: tuple[str, ...] = ()


class TrainedReply(Struct, frozen=True):
    """The result of a call with weights.

    Attributes:
        failure: Why it failed, or None.
        outside: Files that it read and that are not part of the repo.
        written: Files of the repo that it wrote.
        digests: Fingerprints of the model's state dict, by name.
    """

    failure: ChildFailure | None = None
    outside: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    digests: dict[str, int] = field(default_factory=dict)


class CaseReply(Struct, frozen=True):
    """The result for one case.

    Attributes:
        failure: Why calling the entrypoint failed, or None.
        skipped: Why it was not called, or "".
        effects: What the call did to the process.
        is_module: Whether it returned an ``nn.Module``, or something that holds one.
        digests: Fingerprints of the model's state dict, by name, if requested.
        pickling: Why the model cannot be pickled, or None.
        runs: By the provenance of its input ("" for the input of the request), why a run failed,
            or None.
        written: Files of the repo that running it created or changed.
        memory: Peak memory of loading and running it in bytes, beyond what was in use; 0 if
            unknown.
        trained: The result of the call with weights; None if there was none, or if it requested a
            file that is not on this machine.
    """

    failure: ChildFailure | None = None
    skipped: str = ""
    effects: Effects = Effects()
    is_module: bool = False
    digests: dict[str, int] = field(default_factory=dict)
    pickling: ChildFailure | None = None
    runs: dict[str, ChildFailure | None] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    memory: int = 0
    trained: TrainedReply | None = None


class LoadReply(Struct, frozen=True):
    """The result of one child process.

    Attributes:
        failure: Why importing hubconf failed, or None.
        again: Why executing it a second time failed, or None.
        effects: What importing it did to the process.
        cases: The result for each case, by label.
        undeclared: Imports that ``dependencies`` does not cover.
    """

    failure: ChildFailure | None = None
    again: ChildFailure | None = None
    effects: Effects = Effects()
    cases: dict[str, CaseReply] = field(default_factory=dict)
    undeclared: tuple[Undeclared, ...] = ()

    def case(self, label: str) -> CaseReply:
        """The result for one case; an empty one if it was not requested."""
        return self.cases.get(label, CaseReply())


def merge_replies(replies: list[LoadReply]) -> LoadReply:
    """Merge the replies of several children, of which the first imported hubconf only."""
    first = replies[0]
    undeclared = dict.fromkeys(found for reply in replies for found in reply.undeclared)
    cases = {label: case for reply in replies for label, case in reply.cases.items()}
    return LoadReply(first.failure, first.again, first.effects, cases, tuple(undeclared))
