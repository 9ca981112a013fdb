"""Level 3: the published repo, in other folders and processes, and next to other repos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.process import ChildError
from hubkit._util.text import plural
from hubkit.facts import Location
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    PrerequisiteError,
    check,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.child.protocol import ChildFailure
    from pytest_hubkit.context import CaseContext, RepoContext
    from pytest_hubkit.published import Published

_LOADS = ("C101", "C106")


@check("C301", "archive-load", level=3, requires=_LOADS, child="archive")
def archive_load(context: CaseContext) -> Iterator[Failure]:
    """The model can be built from the archive of the commit, with its weights too.

    With weights, the copy is read-only, as shared caches are. Users get the archive of a commit instead of the working tree, in a folder with another name
    and another working directory. Uncommitted and ignored files, files with ``export-ignore``,
    submodules, symbolic links, Git LFS files and relative paths work only for the author.

    This checks the commit that is checked out. It is skipped without a git repo.
    """
    children = context.children
    published, reply = children.published, context.archive
    case = reply.case(context.label)
    failure, trained = reply.failure or case.failure, case.trained
    if failure is not None:
        yield _describe(context, published, failure)
    elif trained is not None and not _works_with_weights(context):
        return  # C305 reports it.
    elif trained is not None and trained.failure is not None and not trained.written:
        yield _describe(context, published, trained.failure, context.trained_call or "")
    elif trained is not None and (trained.outside or trained.written):
        verb = "reads files outside" if trained.outside else "writes to"
        yield Failure(
            f"{context.trained_call} {verb} the folder of the repo.",
            (*trained.outside, *trained.written)[:4],
            "Open files with Path(__file__).parent, and write to a temporary folder.",
        )
    elif case.skipped and trained is None:
        raise NotApplicableError(case.skipped)


def _works_with_weights(context: CaseContext) -> bool:
    """Whether it can be loaded with its weights from the working tree."""
    try:
        return not context.pretrained.outside
    except (NotApplicableError, PrerequisiteError):
        return False


@check("C302", "elsewhere", level=3, requires=(*_LOADS, "C201", "C301"), child="archive")
def elsewhere(context: CaseContext) -> Iterator[Failure]:
    """The model runs in another working directory, and does not write to the repo's folder.

    Users change the working directory after loading, and the cache may be read-only. Then ``forward``
    cannot open a file by a relative path, or write next to the code. The check runs in the process that
    loaded the archive, on the same input as C201.

    Use ``Path(__file__).parent`` to open files, and ``tempfile`` to write them.
    """
    provenance = context.first.inputs.provenance
    case = context.archive.case(context.label)
    if not case.runs:
        raise NotApplicableError("the process that loaded the archive has no torch to run it with")
    # Declared input was sent to it; otherwise, it made the same guesses.
    failure = case.runs.get("", case.runs.get(provenance))
    if failure is not None:
        yield Failure(
            f"{context.label} runs in the working tree, but fails from the archive of the commit in "
            f"another working directory: {failure.text}",
            (*filter(None, [failure.place]), *failure.evidence),
            "Open files of the repo with Path(__file__).parent, not by a relative path.",
            Location(failure.path, failure.line) if failure.path else None,
        )
    if case.written:
        yield Failure(
            f"Running {context.label} writes to the folder of the repo, which may be read-only.",
            tuple(case.written[:4]),
            "Write to a temporary folder, or to a path from the caller.",
        )


@check("C303", "coexistence", level=3, scope="repo", requires=("C101",))
def coexistence(repo: RepoContext) -> Iterator[Failure]:
    """The repo can be loaded after another one with the same generic module names.

    Python keeps one module per name. After a hub repo with a top-level ``models`` or ``utils``, the
    same import in a second repo returns the first one's code. This check first loads a small repo
    with all generic names of this one, as ``torch.hub.load`` would. (``hubkit.load`` keeps repos
    apart.)

    Move the modules into a package named after the project.
    """
    from hubkit.rules.hubconf import GENERIC_MODULES

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
    alone = repo.children.all_declared_only
    failure = reply.failure or next(
        (found for label, found in failures.items() if alone.case(label).failure is None), None
    )
    if failure is not None:
        shown = ", ".join(names)
        first = next(iter(names.values()))
        # Without the temporary folder, so that reports can be compared.
        message = failure.text.replace(f"{decoy}/", "")
        yield Failure(
            f"torch.hub cannot load the repo after another one with a top-level {shown}: {message}",
            (*filter(None, [failure.place]), *failure.evidence),
            f"Move {shown} into a package named after the project.",
            first.location,
        )


@check("C304", "seed-reproducible", level=3, requires=_LOADS, child="work tree")
def seed_reproducible(context: CaseContext) -> Iterator[Failure]:
    """Two processes with the same seed build the same weights.

    Otherwise, training runs cannot be repeated. Typical causes are the order of a set, of the files
    in a folder or of threads, and a generator that is seeded with the time.

    Sort sets and lists of files, and draw from torch's global generator.
    """
    children = context.children
    case = context.declared_only.case(context.label)
    _ = context.second_module
    if not case.is_module:
        raise NotApplicableError(case.skipped or "it could not be built in a fresh process")
    if context.digests == case.digests:
        return
    # Another order of calls may explain it, so compare two processes that do nothing else.
    one, other = (
        children.load_single(context.planned).digests,
        children.load_single(context.planned).digests,
    )
    changed = [key for key in one if one[key] != other.get(key)]
    if changed or set(one) != set(other):
        yield Failure(
            f"Two processes build {context.label} with different weights from the same seed.",
            (f"{len(changed)} of {len(one)} differ, such as {(changed or sorted(other))[0]}",),
            "Look for iteration over sets and folders, and for generators seeded with the time.",
        )


@check(
    "C313",
    "worker-process",
    level=3,
    required=False,
    requires=(*_LOADS, "C201"),
    by_design=True,
)
def worker_process(context: CaseContext) -> Iterator[Failure]:
    """The model can be sent to a worker process, and runs there.

    Servers and parallel evaluation start fresh processes and send them the model. This checks a
    model from ``hubkit.load``, whose modules any process with hubkit can import; after
    ``torch.hub.load``, workers need the repo's folder on ``PYTHONPATH``.

    Keep lambdas, locks and handles out of the model, and import the repo's modules at the top.
    """
    from pytest_hubkit.child.worker import WorkerError, send

    if context.session.options.device != "cpu":
        raise NotApplicableError("the check runs only on the CPU")
    inputs, runnable = context.fast_path.inputs or context.first.inputs, context.runnable
    # In a file, which is faster than a pipe.
    message = context.session.folder / "message.pt"
    try:
        with context.session.loaded.active():
            send(message, runnable, inputs)
    except Exception as error:  # noqa: BLE001 - whatever an attribute raises
        yield Failure(
            f"{context.label} cannot be sent to a worker: {type(error).__name__}: {error}",
        )
        return
    try:
        context.session.worker.run(str(message))
    except (WorkerError, ChildError) as error:
        reason = f"it {error.reason}" if isinstance(error, ChildError) else str(error)
        yield Failure(f"{context.label} fails in a worker process: {reason}")


def _describe(
    context: CaseContext, published: Published, failure: ChildFailure, call: str = ""
) -> Failure:
    wanted = failure.module or failure.file or ""
    missing = list(published.find_missing(wanted)) if wanted else []
    missing = missing or list(published.find_altered(failure.path))
    relative = bool(failure.file) and not Path(failure.file or "").is_absolute()
    evidence = [failure.text, failure.place, *failure.evidence]
    evidence += [f"{path}: {reason}" for path, reason in missing]
    if missing:
        fix = f"Commit {missing[0][0]}, or make the code work without it."
    elif relative and (published.tree / str(failure.file)).exists():
        evidence.append(f"{failure.file} exists, but the working directory is a different one")
        fix = "Open files of the repo with Path(__file__).parent, not by a relative path."
    else:
        fix = "Look for files in the working tree that are not in the commit."
    return Failure(
        f"{call or context.label} works in the working tree, but not from the archive of commit "
        f"{published.sha[:12]}.",
        (*filter(None, evidence), *_list_changes(published)),
        fix,
        Location(failure.path, failure.line) if failure.path else None,
    )


def _list_changes(published: Published) -> Iterator[str]:
    if published.changes:
        shown = ", ".join(published.changes[:4])
        yield f"{plural(len(published.changes), 'uncommitted change')}: {shown}"
