"""What child processes say of a hubconf: asked once per repo, for all selected cases together."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hubkit._util.process import Call, ChildError, run_child
from hubkit.errors import ProbeError
from pytest_hubkit.child import Question
from pytest_hubkit.published import Published, publish
from pytest_hubkit.questions import ON_ARCHIVE, clean_environment, describe_case, module_names
from pytest_hubkit.replies import ChildCase, ChildFailure, ChildReply, merge, read_reply
from pytest_hubkit.seeds import OTHER_SEED

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_hubkit.session import Conformance
    from pytest_hubkit.subject import Subject

Json = dict[str, Any]
_ON_WORK_TREE = ("C102", "C108", "C109", "C110", "C111", "C210", "C304")
_HUNG = ChildCase(ChildFailure("", "It did not end before the test's time limit."))


class Children:
    """The child processes of one hubconf.

    Args:
        conformance: The hubconf.
    """

    def __init__(self, conformance: Conformance) -> None:
        self._conformance = conformance
        # Whether somebody ended the wait for a child, such as a test's time limit, so that it is
        # to be found out for which case it hangs; and the cases for which it does.
        self._one_by_one = False
        self._hanging: set[str] = set()

    @cached_property
    def declared_only(self) -> ChildReply:
        """The work tree, where optional modules that nobody declared are absent."""
        question = {**self._work_tree(hide=True), "again": True}
        return self._load(question, self._subjects(*_ON_WORK_TREE))

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

    def seen_memory(self, label: str) -> int | None:
        """What a case took of memory, as far as a child that has been asked tells.

        Args:
            label: The case.
        """
        for name in ("archive", "declared_only"):
            reply: ChildReply | None = vars(self).get(name)
            case = reply.case(label) if reply is not None else ChildCase()
            # What is no model takes next to nothing, and says so by noise.
            if case.memory and case.is_module:
                return case.memory
        return None

    @cached_property
    def archive(self) -> ChildReply:
        """The archive of the commit, in a clean cache, with the work tree out of reach."""
        without = str(self._conformance.root.resolve())
        question = {"root": str(self.published.tree), "without": without}
        return self._load(question, self._subjects(*ON_ARCHIVE), run=True)

    def beside(self, decoy: Path) -> ChildReply:
        """The work tree, after another repo was loaded.

        Args:
            decoy: The other repo's folder.
        """
        question = {**self._work_tree(hide=False), "decoy": str(decoy)}
        return self._load(question, self._subjects("C303"))

    def seeded(self, subject: Subject) -> ChildCase:
        """One case alone in a fresh process.

        Args:
            subject: The case.
        """
        return self._load(self._work_tree(hide=False), [subject]).case(subject.label)

    def _work_tree(self, *, hide: bool) -> Json:
        facts = self._conformance.facts
        declared = facts.hubconf.dependencies if facts.hubconf else None
        allowed = {*facts.packages, *module_names(declared.names if declared else ())}
        return {
            "root": str(self._conformance.root.resolve()),
            "preload": self._foreign_modules(),
            "watch": {"allowed": sorted(allowed), "hide": hide},
        }

    def _foreign_modules(self) -> list[str]:
        """Modules of others that importing hubconf and calling its entrypoints is sure to import."""
        facts = self._conformance.facts
        imports = facts.hubconf.imports if facts.hubconf else ()
        names = [one.module for one in imports if not one.guarded]
        return [
            name for name in dict.fromkeys(names) if name.partition(".")[0] not in facts.packages
        ]

    def _import_torch(self) -> None:
        """Import torch here while a child does so too, if hubconf is sure to need it."""
        if "torch" in self._foreign_modules():
            # That it cannot be imported is said by the child.
            with contextlib.suppress(Exception):
                import torch  # noqa: F401

    def _subjects(self, *codes: str) -> list[Subject]:
        """The subjects on which one of the checks runs; all for one that judges the repo."""
        subjects = self._conformance.subjects
        return [one for one in subjects if one.selected.intersection(codes)] or subjects

    def _load(self, question: Json, subjects: list[Subject], *, run: bool = False) -> ChildReply:
        awaited = [one for one in subjects if one.label not in self._hanging]
        hung = {one.label: _HUNG for one in subjects if one.label in self._hanging}
        if self._one_by_one and len(awaited) > 1:
            return self._load_each(question, awaited, hung, run=run)
        cases = [describe_case(subject, run=run) for subject in awaited]
        try:
            reply = read_reply(self._ask({**question, "cases": cases}))
        except ProbeError as error:
            failure = ChildFailure("", str(error))
        except BaseException:
            self._note_hanging(awaited)
            raise
        else:
            return merge([reply, ChildReply(cases=hung)]) if hung else reply
        if not awaited:
            return ChildReply(failure, cases=hung)
        if len(awaited) > 1:
            # Somebody took the others down: each for itself.
            return self._load_each(question, awaited, hung, run=run)
        only = {awaited[0].label: ChildCase(failure), **hung}
        return merge([self._load(question, []), ChildReply(cases=only)])

    def _load_each(
        self, question: Json, subjects: list[Subject], hung: dict[str, ChildCase], *, run: bool
    ) -> ChildReply:
        """Ask about each case in a child of its own, about the import first."""
        replies = [self._load(question, [])]
        if replies[0].failure is None:
            replies += [self._load(question, [subject], run=run) for subject in subjects]
        return merge([*replies, ChildReply(cases=hung)])

    def _note_hanging(self, awaited: list[Subject]) -> None:
        self._one_by_one = True
        if len(awaited) == 1:
            self._hanging.add(awaited[0].label)

    def died_on(self, label: str) -> ChildFailure | None:
        """Why a case took its process down, as far as a child that has been asked tells.

        Args:
            label: The case.
        """
        reply: ChildReply | None = vars(self).get("declared_only")
        failure = reply.case(label).failure if reply is not None else None
        return failure if failure is not None and not failure.type else None

    def _ask(self, question: Json) -> Json:
        conformance = self._conformance
        policy = conformance.options.policy
        common: Json = {
            "without": "",
            "watch": None,
            "again": False,
            "seed": OTHER_SEED,
            "preload": [],
            "decoy": "",
            "everything": policy.everything,
            "loopback": policy.loopback,
        }
        home = conformance.folder / "child-home"
        call = Call(
            "pytest_hubkit.child:serve",
            Question({**common, **question}, policy.denies_all),
            env={**clean_environment(conformance.root), "TORCH_HOME": str(home)},
        )
        try:
            return run_child(call, dict[str, Any], self._import_torch).reply
        except ChildError as error:
            raise ProbeError(
                f"The code of {conformance.root} {error.reason} before it was done.",
                hint=error.output,
            ) from error
