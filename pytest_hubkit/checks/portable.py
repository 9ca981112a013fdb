"""Level 3: the repo as its users get it, elsewhere and beside others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.text import plural
from hubkit.facts import Location
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    check,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.child.protocol import ChildFailure
    from pytest_hubkit.context import CaseContext, RepoContext
    from pytest_hubkit.published import Published

_LOADS = ("C101", "C106")


@check("C301", "archive-load", level=3, requires=_LOADS)
def archive_load(context: CaseContext) -> Iterator[Failure]:
    """The model builds from the archive of the commit, elsewhere.

    Users do not get the work tree: they get what ``git archive`` makes of a commit, in a cache
    folder of another name, with another current folder. Files that were never committed, that
    ``.gitignore`` or ``export-ignore`` keeps out, submodules, symbolic links, files that git-lfs
    stores elsewhere and paths relative to the current folder work for the author only.

    The commit that is checked out is judged: commit first. Skipped where there is no git repo.
    """
    children = context.children
    published, reply = children.published, children.archive
    case = reply.case(context.label)
    failure = reply.failure or case.failure
    if failure is not None:
        yield _describe(context, published, failure)
    elif case.skipped:
        raise NotApplicableError(case.skipped)


@check("C302", "elsewhere", level=3, requires=(*_LOADS, "C201", "C301"))
def elsewhere(context: CaseContext) -> Iterator[Failure]:
    """The model runs where the current folder is another, and leaves the repo's folder alone.

    After loading, people change the current folder, and the cache may be read-only. A file that
    ``forward`` opens by a relative path, or writes beside the code, is then an error far from its
    cause. This runs in the process that loaded the archive, on the same example input as C201.

    Open files by ``Path(__file__).parent``; write to ``tempfile``.
    """
    given = context.first.inputs.provenance
    case = context.children.archive.case(context.label)
    if not case.runs:
        raise NotApplicableError("the process that loaded the archive has no torch to run it with")
    # It was given what somebody answers for, else it has guessed the same.
    failure = case.runs.get("", case.runs.get(given))
    if failure is not None:
        yield Failure(
            f"{context.label} runs here, and fails with the archive of the commit in another "
            f"current folder: {failure.text}",
            (*filter(None, [failure.place]), *failure.evidence),
            "Open files of the repo by Path(__file__).parent, not by a relative path.",
            Location(failure.path, failure.line) if failure.path else context.location,
        )
    if case.written:
        yield Failure(
            f"Running {context.label} writes into the folder of the repo, which may be read-only.",
            tuple(case.written[:4]),
            "Write to a temporary folder, or where the caller says.",
            context.location,
        )


@check("C303", "coexistence", level=3, scope="repo", requires=("C101",))
def coexistence(repo: RepoContext) -> Iterator[Failure]:
    """The repo can be loaded after another one whose modules have the same common names.

    Python keeps one module of a name. After a hub repo with a top-level ``models`` or ``utils``,
    the same import in a second repo gives the first one's code. Here a small repo that has all
    such names of this one is loaded first, by torch.hub's own means. (``hubkit.load`` keeps the two
    apart; ``torch.hub.load`` does not.)

    Move the modules into a package named after the project.
    """
    from hubkit.rules.modules import GENERIC_MODULES

    names = {one.top: one for one in repo.session.source.own_imports if one.top in GENERIC_MODULES}
    if not names:
        return
    decoy = repo.session.folder / "decoy"
    for name in names:
        (decoy / name).mkdir(parents=True, exist_ok=True)
        (decoy / name / "__init__.py").write_text("", "utf-8")
    (decoy / "hubconf.py").write_text("".join(f"import {name}\n" for name in names), "utf-8")
    reply = repo.children.load_after(decoy)
    failures = {label: case.failure for label, case in reply.cases.items() if case.failure}
    alone = repo.children.declared_only
    failure = reply.failure or next(
        (found for label, found in failures.items() if alone.case(label).failure is None), None
    )
    if failure is not None:
        shown = ", ".join(names)
        first = next(iter(names.values()))
        # A temporary folder would make every report another one.
        said = failure.text.replace(f"{decoy}/", "")
        yield Failure(
            f"After another hub repo with a top-level {shown}, torch.hub cannot load this one: {said}",
            (*filter(None, [failure.place]), *failure.evidence),
            f"Move {shown} into a package named after the project.",
            first.location,
        )


@check("C304", "seed-reproducible", level=3, requires=_LOADS)
def seed_reproducible(context: CaseContext) -> Iterator[Failure]:
    """From one seed, two processes build the same weights.

    Without that nobody can repeat a training run. The order of a set, of a folder's files, of
    threads, or a generator that is seeded by time, makes the difference.

    Sort what has no order; draw from torch's own generator.
    """
    children = context.children
    case = children.declared_only.case(context.label)
    _ = context.second_module
    if not case.is_module:
        raise NotApplicableError(case.skipped or "it could not be built in a fresh process")
    if context.digests == case.digests:
        return
    # Another order of calls may explain it; two processes that do only this leave no excuse.
    one, other = (
        children.load_single(context.planned).digests,
        children.load_single(context.planned).digests,
    )
    changed = [key for key in one if one[key] != other.get(key)]
    if changed or set(one) != set(other):
        yield Failure(
            f"From one seed, two processes build {context.label} with different weights.",
            (f"{len(changed)} of {len(one)} differ, such as {(changed or sorted(other))[0]}",),
            "Is a set or a folder listing iterated, or a generator seeded by the clock?",
            context.location,
        )


@check("C313", "worker-process", level=3, required=False, requires=(*_LOADS, "C201"))
def worker_process(context: CaseContext) -> Iterator[Failure]:
    """The model can be sent to a worker process, and runs there.

    Servers and evaluation in parallel start fresh processes and send them the model. This is how
    ``hubkit.load`` gives it, whose modules any process with hubkit finds; after ``torch.hub.load``
    no worker finds the repo's modules unless its folder is on ``PYTHONPATH``.

    Keep lambdas, locks and handles out of the model; import the repo's modules at the top.
    """
    import pickle

    if context.session.options.device != "cpu":
        raise NotApplicableError("models are sent on the cpu only")
    first, runnable = context.first, context.runnable
    try:
        with context.session.loaded.active():
            message = pickle.dumps((runnable, first.inputs.args, first.inputs.kwargs))
    except Exception as error:  # noqa: BLE001 - whatever an attribute raises
        yield Failure(
            f"{context.label} cannot be sent to a worker: {type(error).__name__}: {error}",
            location=context.location,
        )
        return
    try:
        context.session.worker.run(message)
    except Exception as error:  # noqa: BLE001 - whatever the model raises there
        yield Failure(
            f"{context.label} fails in a worker process: {type(error).__name__}: {error}",
            location=context.location,
        )


def _describe(context: CaseContext, published: Published, failure: ChildFailure) -> Failure:
    wanted = failure.module or failure.file or ""
    missing = list(published.find_missing(wanted)) if wanted else []
    missing = missing or list(published.find_altered(failure.path))
    relative = bool(failure.file) and not Path(failure.file or "").is_absolute()
    evidence = [failure.text, failure.place, *failure.evidence]
    evidence += [f"{path}: {reason}" for path, reason in missing]
    if missing:
        fix = f"Commit {missing[0][0]} itself, or do without it."
    elif relative and (published.tree / str(failure.file)).exists():
        evidence.append(f"{failure.file} is there, but the current folder is another")
        fix = "Open files of the repo by Path(__file__).parent, not by a relative path."
    else:
        fix = "It works in the work tree: what does it find there that the commit lacks?"
    return Failure(
        f"{context.label} works in this work tree, and its users cannot load it: the archive of "
        f"commit {published.sha[:12]} fails.",
        (*filter(None, evidence), *_say_changes(published)),
        fix,
        Location(failure.path, failure.line) if failure.path else context.location,
    )


def _say_changes(published: Published) -> Iterator[str]:
    if published.changes:
        shown = ", ".join(published.changes[:4])
        yield f"{plural(len(published.changes), 'uncommitted change')}: {shown}"
