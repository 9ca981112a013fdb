"""Level 3: the repo as its users get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.facts import Location
from pytest_hubkit.checks.registry import Failure, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.children import ChildFailure
    from pytest_hubkit.published import Published
    from pytest_hubkit.session import Subject


@check("C301", "archive-load", level=3, requires=("C101", "C106"))
def archive_load(subject: Subject) -> Iterator[Failure]:
    """The model builds from the archive of the commit, elsewhere.

    Users do not get the work tree: they get what ``git archive`` makes of a commit, in a cache
    folder of another name, with another current folder. Files that were never committed, that
    ``.gitignore`` or ``export-ignore`` keeps out, submodules, and paths relative to the current
    folder work for the author only.

    The commit that is checked out is judged: commit first. Skipped where there is no git repo.
    """
    children = subject.conformance.children
    published, reply = children.published, children.archive
    failure = reply.failure or reply.entrypoints.get(subject.label)
    if failure is not None:
        yield _describe(subject, published, failure)
    elif subject.label in reply.skipped:
        raise subject.case.undeclared(reply.skipped[subject.label])


def _describe(subject: Subject, published: Published, failure: ChildFailure) -> Failure:
    wanted = failure.module or failure.file or ""
    missing = list(published.find_missing(wanted)) if wanted else []
    relative = bool(failure.file) and not Path(failure.file or "").is_absolute()
    place = f"{failure.path}:{failure.line}: {failure.code}" if failure.path else ""
    evidence = [failure.text, place, *(f"{path}: {reason}" for path, reason in missing)]
    if missing:
        fix = f"Commit {missing[0][0]}, or do without it."
    elif relative and (published.tree / str(failure.file)).exists():
        evidence.append(f"{failure.file} is there, but the current folder is another")
        fix = "Open files of the repo by Path(__file__).parent, not by a relative path."
    else:
        fix = "It works in the work tree: what does it find there that the commit lacks?"
    return Failure(
        f"{subject.label} works in this work tree, and its users cannot load it: the archive of "
        f"commit {published.sha[:12]} fails.",
        (*filter(None, evidence), *_say_changes(published)),
        fix,
        Location(failure.path, failure.line) if failure.path else subject.location,
    )


def _say_changes(published: Published) -> Iterator[str]:
    if published.changes:
        shown = ", ".join(published.changes[:4])
        yield f"{len(published.changes)} changes are not committed: {shown}"
