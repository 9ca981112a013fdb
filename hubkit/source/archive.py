"""A commit's archive, as hosts make it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.atomic import create_file
from hubkit._util.git import GitError, work
from hubkit.errors import GitRepoError

if TYPE_CHECKING:
    from hubkit.source.git import Git

_SHA1 = 40  # digits; longer ones are SHA-256
# Hosts run no filters: of what LFS keeps they pack the pointer.
_ATTRIBUTES = "* -filter\n"


def write_archive(repo: Git, sha: str, path: Path, top: str) -> None:
    """Write a zip of a commit.

    git works in an empty repo that borrows the objects, so nothing of the repo's configuration
    counts: neither filters nor ``tar.zip.command``, which would run in place of git's own zip.

    Args:
        repo: Where the commit is.
        sha: The commit.
        path: The zip; it is overwritten.
        top: Name of the folder that holds everything in the zip.

    Raises:
        GitRepoError: git cannot pack the commit.
    """
    import tempfile

    told = repo.ask("rev-parse", "--git-path", "objects").decode("utf-8", "surrogateescape")
    objects = (repo.folder / told.removesuffix("\n")).resolve()
    kind = "sha256" if len(sha) > _SHA1 else "sha1"
    with tempfile.TemporaryDirectory(prefix="hubkit-") as folder:
        room = Path(folder)
        _run(room, "init", "--quiet", "--bare", "--template=", f"--object-format={kind}")
        (room / "info").mkdir(exist_ok=True)
        create_file(room / "info" / "attributes", _ATTRIBUTES)
        zipping = ("archive", "--format=zip", f"--prefix={top}/", f"--output={path.resolve()}")
        _run(room, *zipping, sha, objects=objects)


def _run(room: Path, *arguments: str, objects: Path | None = None) -> None:
    try:
        result = work(room, *arguments, objects=objects)
    except GitError as error:
        raise GitRepoError(f"git {arguments[0]} fails: {error}.") from error
    if result.returncode:
        reason = (result.complaint.strip().splitlines() or ["it gave no reason"])[-1]
        raise GitRepoError(
            f"git {arguments[0]} fails: {reason}",
            hint="A partial clone may lack contents: clone it without --filter.",
        )
