"""The child processes of a hubconf: each runs once, for all selected cases together."""

from __future__ import annotations

import contextlib
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import structs

from hubkit._util.process import Call, ChildError, run_child
from hubkit.errors import ProbeError
from hubkit.lazy import import_late
from pytest_hubkit.checks.registry import NotApplicableError, PrerequisiteError, codes_of_child
from pytest_hubkit.child.protocol import (
    CaseReply,
    CaseRequest,
    ChildFailure,
    LoadReply,
    LoadRequest,
    WatchRequest,
    merge_replies,
)
from pytest_hubkit.inputs import find_declared
from pytest_hubkit.nursery import python_path, third_party_modules
from pytest_hubkit.published import Published, publish
from pytest_hubkit.seeds import OTHER_SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_hubkit.case import PlannedCase
    from pytest_hubkit.checks.registry import Child
    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.session import HubconfSession

_HUNG = CaseReply(ChildFailure("", "It did not finish before the time limit of the test."))


class Children:
    """The child processes of one hubconf.

    Args:
        session: The hubconf.
        find_inputs: Returns the declared input of a case, or None if a child may guess it.
    """

    def __init__(
        self, session: HubconfSession, find_inputs: Callable[[PlannedCase], Inputs | None]
    ) -> None:
        self._session = session
        self._find_inputs = find_inputs
        # Whether something, such as a test's time limit, ended the wait for a child, so that each
        # case gets a child of its own from now on; and the cases that are known to hang.
        self._one_by_one = False
        self._hanging: set[str] = set()
        self._is_fresh = False

    @cached_property
    def declared_only(self) -> LoadReply:
        """The work tree, with optional modules hidden that are not declared.

        With the cases of this worker of xdist only, unless it runs C102, which needs all of them.
        """
        cases, session = self._with_checks(*codes_of_child("work tree")), self._session
        is_for_all = session.share[0] == 0 and "C102" in session.plan.selected
        return self._load_declared(cases if is_for_all else self._own(cases))

    @cached_property
    def all_declared_only(self) -> LoadReply:
        """The same with all cases."""
        own = self.declared_only
        rest = self._missing(own, "work tree")
        return merge_replies([own, self._load_declared(rest)]) if rest else own

    def declared_only_with(self, label: str) -> LoadReply:
        """The same with one case at least.

        Args:
            label: The case.
        """
        own = self.declared_only
        missing = self._missing(own, "work tree")
        return self.all_declared_only if label in {one.label for one in missing} else own

    def _load_declared(self, cases: list[PlannedCase]) -> LoadReply:
        return self._load(structs.replace(self._work_tree(hide=True), again=True), cases)

    @cached_property
    def unrestricted(self) -> LoadReply:
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
        return publish(self._session.root.resolve(), self._session.folder)

    @property
    def published_so_far(self) -> Published | None:
        """The same, if a check has used it."""
        found: Published | None = vars(self).get("published")
        return found

    @cached_property
    def _own_archive(self) -> LoadReply:
        """The archive of the commit, with the cases of this worker of xdist only."""
        return self._load_archive(self._own(self._with_checks(*codes_of_child("archive"))))

    @cached_property
    def _whole_archive(self) -> LoadReply:
        own = self._own_archive
        rest = self._missing(own, "archive")
        return merge_replies([own, self._load_archive(rest)]) if rest else own

    def archive_with(self, label: str) -> LoadReply:
        """The archive of the commit, in a clean cache, with the work tree out of reach.

        Args:
            label: A case that is in the reply, in any case.
        """
        own = self._own_archive
        missing = self._missing(own, "archive")
        return self._whole_archive if label in {one.label for one in missing} else own

    @property
    def archive_so_far(self) -> LoadReply | None:
        """The same, if a check has used it."""
        found: LoadReply | None = vars(self).get("_whole_archive", vars(self).get("_own_archive"))
        return found

    def _missing(self, reply: LoadReply, child: Child) -> list[PlannedCase]:
        """Cases that other workers of xdist run."""
        if reply.failure is not None:
            return []
        cases = self._with_checks(*codes_of_child(child))
        return [one for one in cases if one.label not in reply.cases]

    def _load_archive(self, cases: list[PlannedCase]) -> LoadReply:
        store, tree = self._session.store, self.published.tree
        request = LoadRequest(
            str(tree),
            self._session.options.policy,
            OTHER_SEED,
            preload=tuple(
                one for one in third_party_modules(self._session.facts) if one == "torch"
            ),
            own=self._own_distributions(),
            without=str(self._session.root.resolve()),
            store=structs.replace(store, root=str(tree)),
        )
        return self._load(request, cases, run=True)

    def load_after(self, decoy: Path) -> LoadReply:
        """The work tree, after another repo was loaded."""
        request = structs.replace(self._work_tree(hide=False), decoy=str(decoy))
        return self._load(request, self._with_checks("C303"))

    def load_single(self, planned: PlannedCase) -> CaseReply:
        """One case in a fresh process of its own, no fork: each has an order of sets of its own."""
        with self._fresh():
            return self._load(self._work_tree(hide=False), [planned]).case(planned.label)

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[None]:
        self._is_fresh = True
        try:
            yield
        finally:
            self._is_fresh = False

    def find_memory(self, label: str) -> int | None:
        """The peak memory of a case, if a child that has run measured it."""
        for name in ("_whole_archive", "_own_archive", "declared_only"):
            reply: LoadReply | None = vars(self).get(name)
            case = reply.case(label) if reply is not None else CaseReply()
            # Anything but a model takes next to nothing, less than the noise.
            if case.memory and case.is_module:
                return case.memory
        return None

    def find_crash(self, label: str) -> ChildFailure | None:
        """Why a case crashed its process, if a child that has run shows that."""
        reply: LoadReply | None = vars(self).get("declared_only")
        failure = reply.case(label).failure if reply is not None else None
        return failure if failure is not None and not failure.type else None

    def _work_tree(self, *, hide: bool) -> LoadRequest:
        facts = self._session.facts
        declared = facts.hubconf.dependencies if facts.hubconf else None
        allowed = {*facts.packages, *_module_names(declared.names if declared else ())}
        return LoadRequest(
            str(self._session.root.resolve()),
            self._session.options.policy,
            OTHER_SEED,
            preload=tuple(third_party_modules(self._session.facts)),
            own=self._own_distributions(),
            watch=WatchRequest(tuple(sorted(allowed)), hide),
        )

    def _own_distributions(self) -> tuple[str, ...]:
        """Names under which the repo itself may be installed here, but not at its users."""
        from hubkit.source.project import read_project

        facts = self._session.facts
        declared = facts.hubconf.dependencies if facts.hubconf else None
        names = {*facts.packages, read_project(facts.files).name} - {""}
        return tuple(sorted(names.difference(declared.names if declared else ())))

    def _import_torch(self) -> None:
        """Import torch here while a child does so too."""
        if "torch" in third_party_modules(self._session.facts):
            # The child reports that it cannot be imported.
            with contextlib.suppress(Exception):
                import_late("torch")

    def _own(self, cases: list[PlannedCase]) -> list[PlannedCase]:
        """Those cases that this worker of xdist runs."""
        worker, workers = self._session.share
        active = self._session.plan.active
        return [one for one in cases if active.index(one) % workers == worker]

    def _with_checks(self, *codes: str) -> list[PlannedCase]:
        """The cases on which one of the checks runs; all of them for a check of the repo."""
        active = self._session.plan.active
        return [one for one in active if one.selected.intersection(codes)] or active

    def _note(self, label: str) -> None:
        if label:
            self._session.note(f"{label} in a fresh process")

    def _load(
        self, request: LoadRequest, cases: list[PlannedCase], *, run: bool = False
    ) -> LoadReply:
        awaited = [one for one in cases if one.label not in self._hanging]
        hung = {one.label: _HUNG for one in cases if one.label in self._hanging}
        if self._one_by_one and len(awaited) > 1:
            return self._load_each(request, awaited, hung, run=run)
        described = tuple(self._describe(planned, run=run) for planned in awaited)
        try:
            reply = self._run(structs.replace(request, cases=described))
        except ProbeError as error:
            failure = ChildFailure("", str(error))
        except BaseException:
            self._note_hanging(awaited)
            raise
        else:
            return merge_replies([reply, LoadReply(cases=hung)]) if hung else reply
        if not awaited:
            return LoadReply(failure, cases=hung)
        if len(awaited) > 1:
            # One of them crashed the process for all: give each a process of its own.
            return self._load_each(request, awaited, hung, run=run)
        only = {awaited[0].label: CaseReply(failure), **hung}
        return merge_replies([self._load(request, []), LoadReply(cases=only)])

    def _load_each(
        self,
        request: LoadRequest,
        cases: list[PlannedCase],
        hung: dict[str, CaseReply],
        *,
        run: bool,
    ) -> LoadReply:
        """Load each case in a child of its own, after one that only imports hubconf."""
        replies = [self._load(request, [])]
        if replies[0].failure is None:
            replies += [self._load(request, [planned], run=run) for planned in cases]
        return merge_replies([*replies, LoadReply(cases=hung)])

    def _note_hanging(self, awaited: list[PlannedCase]) -> None:
        self._one_by_one = True
        if len(awaited) == 1:
            self._hanging.add(awaited[0].label)

    def _run(self, request: LoadRequest) -> LoadReply:
        session = self._session
        call = Call(
            "pytest_hubkit.child.load:load_all",
            request,
            env={
                "PYTHONPATH": python_path(session.root),
                "TORCH_HOME": str(session.folder / "child-home"),
                # Weights that were saved from a GPU must load without one.
                **({"CUDA_VISIBLE_DEVICES": ""} if request.store else {}),
            },
            interpreter=() if self._is_fresh else session.interpreter,
        )
        try:
            return run_child(call, LoadReply, self._import_torch, self._note).reply
        except ChildError as error:
            raise ProbeError(
                f"The code of {session.root} {error.reason} before it finished.",
                hint=error.output and f"The last lines of its output:\n{error.output}",
            ) from error

    def _describe(self, planned: PlannedCase, *, run: bool) -> CaseRequest:
        run = run and bool(planned.selected.intersection(codes_of_child("archive")))
        return CaseRequest(
            planned.label,
            planned.case.entrypoint,
            planned.case.config,
            # The work tree has shown the rest.
            pickle="C210" in planned.selected and not run,
            digests="C304" in planned.selected and not run,
            run=str(self._file_for(planned, ".cwd")) if run else "",
            inputs=self._save_inputs(planned) if run else None,
        )

    def _file_for(self, planned: PlannedCase, suffix: str) -> Path:
        number = self._session.plan.active.index(planned)
        return self._session.folder / f"case-{number}{suffix}"

    def _save_inputs(self, planned: PlannedCase) -> str | None:
        """Write the input of the hook to a file; None if the child can make it as well."""
        if find_declared(planned.case) is not None:
            return None
        try:
            inputs = self._find_inputs(planned)
        except (NotApplicableError, PrerequisiteError):
            # The hook cannot be asked without a model; C106 reports why there is none.
            return None
        if inputs is None:
            return None
        import torch

        path = self._file_for(planned, ".pt")
        torch.save((inputs.args, inputs.kwargs), path)
        return str(path)


def _module_names(names: tuple[str, ...]) -> set[str]:
    """Top-level modules of ``dependencies``, which may name distributions instead."""
    from hubkit.analysis import import_name

    return {name.partition(".")[0] for name in names} | {import_name(name) or "" for name in names}
