"""What child processes answer."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from hubkit.runtime.sandbox import Change
from pytest_hubkit.watch import Undeclared

Json = dict[str, Any]


class ChildFailure(Struct, frozen=True):
    """What the repo's code raised in a child process.

    Attributes:
        type: Name of the exception's class; "" when the process ended without an answer.
        message: Its text.
        module: The module that an import error names, else None.
        file: The file that an OSError names, else None.
        path: The innermost file of the repo in its traceback, relative to the repo, or "".
        line: The line there.
        code: The text of that line.
        traceback: From the first frame of the repo's on.
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


class Effects(Struct, frozen=True):
    """What running some of the repo's code did to the process.

    Attributes:
        changes: To what all code shares.
        printed: What it printed, standard error included.
        drawn: The random numbers that a user would get next, by the call that gives them.
    """

    changes: tuple[Change, ...] = ()
    printed: str = ""
    drawn: dict[str, float] = field(default_factory=dict)


class ChildCase(Struct, frozen=True):
    """What became of one case.

    Attributes:
        failure: Why calling the entrypoint failed, or None.
        skipped: Why it was not called, or "".
        effects: What the call did to the process.
        is_module: Whether it gave an ``nn.Module``, or something that holds one.
        digests: Checksums of the model's state dict, by name, where they were asked for.
        pickling: Why the model cannot be pickled, or None.
        runs: By the provenance of its input ("" for what the parent gave), why a run failed, or
            None.
        written: Files of the repo that running it has made or changed.
        memory: Most bytes that loading and running it took, beyond what was in use; 0 if unknown.
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


class ChildReply(Struct, frozen=True):
    """What one child process saw.

    Attributes:
        failure: Why importing hubconf failed, or None.
        again: Why executing it a second time failed, or None.
        effects: What importing it did to the process.
        cases: By label, what became of each.
        undeclared: Imports that ``dependencies`` does not cover.
    """

    failure: ChildFailure | None = None
    again: ChildFailure | None = None
    effects: Effects = Effects()
    cases: dict[str, ChildCase] = field(default_factory=dict)
    undeclared: tuple[Undeclared, ...] = ()

    def case(self, label: str) -> ChildCase:
        """What became of one case; nothing when it was not asked for."""
        return self.cases.get(label, ChildCase())


def read_reply(answer: Json) -> ChildReply:
    """A reply as it came through JSON."""
    return ChildReply(
        read_failure(answer["failure"]),
        read_failure(answer["again"]),
        _effects(answer["effects"]),
        {label: _case(case) for label, case in answer["cases"].items()},
        tuple(Undeclared(**found) for found in answer["undeclared"]),
    )


def read_failure(described: Json | None) -> ChildFailure | None:
    """A failure as it came through JSON."""
    if described is None:
        return None
    return ChildFailure(**{**described, "evidence": tuple(described["evidence"])})


def merge(replies: list[ChildReply]) -> ChildReply:
    """The replies of children that were asked about one case each, after one about none."""
    first = replies[0]
    undeclared = dict.fromkeys(found for reply in replies for found in reply.undeclared)
    cases = {label: case for reply in replies for label, case in reply.cases.items()}
    return ChildReply(first.failure, first.again, first.effects, cases, tuple(undeclared))


def _case(answer: Json) -> ChildCase:
    known = dict(answer)
    for name in ("failure", "pickling"):
        known[name] = read_failure(known.get(name))
    known["effects"] = _effects(known.get("effects"))
    known["runs"] = {one["input"]: read_failure(one["failure"]) for one in known.get("runs", ())}
    known["written"] = tuple(known.get("written", ()))
    return ChildCase(**known)


def _effects(answer: Json | None) -> Effects:
    if not answer:
        return Effects()
    changes = tuple(Change(**change) for change in answer["changes"])
    return Effects(changes, answer["printed"], answer["drawn"])
