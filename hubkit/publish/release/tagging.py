"""The annotated tag, made here; nothing is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.git import GitError, write
from hubkit.errors import GitRepoError

if TYPE_CHECKING:
    from hubkit.publish.release.situation import Situation


def write_tag(now: Situation) -> bool:
    """Make the annotated tag at the commit; False when it is there already.

    Who it is from, and whether it is signed, is as the user's git says. git may run the repo's
    ``reference-transaction`` hook and, where tags are signed, the program that signs.

    Args:
        now: What the release starts from.

    Raises:
        GitRepoError: git makes no tag.
    """
    if now.tags.get(now.tag) == now.sha:
        return False
    name = now.repo.partition("/")[2] or now.root.resolve().name
    message = f"{name} {now.tag}"
    try:
        result = write(now.root, "tag", "-a", "-m", message, "--", now.tag, now.sha)
    except GitError as error:
        raise GitRepoError(
            f"git makes no tag {now.tag}: {error}.", hint="Run `git tag -a` in the repo."
        ) from error
    if result.returncode:
        raise _refused(now.tag, result.complaint.strip())
    return True


def _refused(tag: str, complaint: str) -> GitRepoError:
    reason = next((line for line in complaint.splitlines() if "fatal" in line), complaint)
    has_author = not ("ident" in complaint or "tell me who you are" in complaint)
    return GitRepoError(
        f"git makes no tag {tag}: {reason.removeprefix('fatal: ')}",
        hint="`git tag -a` in the repo may tell more."
        if has_author
        else "git config user.name and user.email say who it is from.",
    )
