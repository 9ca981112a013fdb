"""What child processes say of a hubconf: asked once per repo, for all selected cases together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit.errors import ProbeError
from pytest_hubkit.published import Published, publish
from pytest_hubkit.watch import Undeclared

if TYPE_CHECKING:
    from pytest_hubkit.session import Conformance, Subject

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChildFailure:
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
        attempts: What it tried to reach on the network, which was denied.
    """

    type: str
    message: str
    module: str | None = None
    file: str | None = None
    path: str = ""
    line: int = 0
    code: str = ""
    traceback: str = ""
    attempts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Class and message, as at the end of a traceback."""
        return f"{self.type}: {self.message}" if self.type else self.message


@dataclass(frozen=True, slots=True)
class ChildReply:
    """What one child process saw.

    Attributes:
        failure: Why importing hubconf failed, or None.
        entrypoints: By label why calling it failed, None when it did not.
        skipped: By label why it was not called.
        undeclared: Imports that ``dependencies`` does not cover.
    """

    failure: ChildFailure | None
    entrypoints: dict[str, ChildFailure | None]
    skipped: dict[str, str]
    undeclared: tuple[Undeclared, ...]


class Children:
    """The child processes of one hubconf.

    Args:
        conformance: The hubconf.
    """

    def __init__(self, conformance: Conformance) -> None:
        self._conformance = conformance

    @cached_property
    def declared_only(self) -> ChildReply:
        """The work tree, where optional modules that nobody declared are absent."""
        return self._load(self._work_tree(hide=True), self._subjects("C102"))

    @cached_property
    def plain(self) -> ChildReply:
        """The work tree in the environment as it is."""
        reply = self.declared_only
        hidden = any(found.hidden for found in reply.undeclared)
        if reply.failure is None or not hidden:
            return reply
        return self._load(self._work_tree(hide=False), [])

    @cached_property
    def published(self) -> Published:
        """The commit, unpacked.

        Raises:
            NotApplicableError: There is no commit.
        """
        return publish(self._conformance.root.resolve(), self._conformance.folder)

    @property
    def seen_published(self) -> Published | None:
        """The same, if it has been asked for."""
        found: Published | None = vars(self).get("published")
        return found

    @cached_property
    def archive(self) -> ChildReply:
        """The archive of the commit, in a clean cache, with the work tree out of reach."""
        without = str(self._conformance.root.resolve())
        question = {"root": str(self.published.tree), "without": without, "watch": None}
        return self._load(question, self._subjects("C301"))

    def _work_tree(self, *, hide: bool) -> Json:
        facts = self._conformance.facts
        declared = facts.hubconf.dependencies if facts.hubconf else None
        allowed = {*facts.packages, *_module_names(declared.names if declared else ())}
        return {
            "root": str(self._conformance.root.resolve()),
            "without": "",
            "watch": {"allowed": sorted(allowed), "hide": hide},
        }

    def _subjects(self, code: str) -> list[Subject]:
        """The subjects on which a check runs; all when it judges the repo as a whole."""
        subjects = self._conformance.subjects
        return [subject for subject in subjects if code in subject.selected] or subjects

    def _load(self, question: Json, subjects: list[Subject]) -> ChildReply:
        try:
            return _read(self._ask({**question, "entrypoints": [_entry(one) for one in subjects]}))
        except ProbeError as error:
            failure = ChildFailure("", str(error))
        if not subjects:
            return ChildReply(failure, {}, {}, ())
        # Somebody took the others down: each for itself, the import first.
        replies = [self._load(question, [])]
        if len(subjects) == 1:
            only: dict[str, ChildFailure | None] = {subjects[0].label: failure}
            return ChildReply(replies[0].failure, only, {}, replies[0].undeclared)
        if replies[0].failure is None:
            replies += [self._load(question, [subject]) for subject in subjects]
        return _merge(replies)

    def _ask(self, question: Json) -> Json:
        from hubkit.runtime.probe import ProbeRequest, run_in_child

        conformance = self._conformance
        home = conformance.folder / "child-home"
        request = ProbeRequest(
            conformance.root,
            "call",
            "pytest_hubkit.child:load_all",
            kwargs={"question": {**question, "network": conformance.network}},
            env={**_clean_environment(conformance.root), "TORCH_HOME": str(home)},
        )
        reply = run_in_child(request)
        if reply.failure is not None:
            raise ProbeError(
                f"The child process failed: {reply.failure.message}", hint=reply.failure.traceback
            )
        answer: Json = reply.value
        return answer


def _entry(subject: Subject) -> Json:
    config = subject.case.config
    return {
        "label": subject.label,
        "name": subject.case.entrypoint,
        "call": dict(config.call),
        "untrained": None if config.untrained is None else dict(config.untrained),
    }


def _read(answer: Json) -> ChildReply:
    outcomes = answer["entrypoints"]
    return ChildReply(
        _failure(answer["failure"]),
        {label: _failure(outcome["failure"]) for label, outcome in outcomes.items()},
        {label: outcome["skipped"] for label, outcome in outcomes.items() if outcome["skipped"]},
        tuple(Undeclared(**found) for found in answer["undeclared"]),
    )


def _failure(described: Json | None) -> ChildFailure | None:
    if described is None:
        return None
    return ChildFailure(**{**described, "attempts": tuple(described["attempts"])})


def _merge(replies: list[ChildReply]) -> ChildReply:
    undeclared = dict.fromkeys(found for reply in replies for found in reply.undeclared)
    entrypoints = {label: found for reply in replies for label, found in reply.entrypoints.items()}
    skipped = {label: why for reply in replies for label, why in reply.skipped.items()}
    return ChildReply(replies[0].failure, entrypoints, skipped, tuple(undeclared))


def _module_names(names: tuple[str, ...]) -> set[str]:
    """Top-level modules that ``dependencies`` means, distribution names taken for what they are."""
    from hubkit.hubconf import import_name

    return {name.partition(".")[0] for name in names} | {import_name(name) or "" for name in names}


def _clean_environment(root: Path) -> dict[str, str | None]:
    """The environment without what leads to the work tree."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [
        entry
        for entry in entries
        if entry and not Path(entry).resolve().is_relative_to(root.resolve())
    ]
    return {"PYTHONPATH": os.pathsep.join(kept) or None}
