"""Which folder, or which files, a command line means by PATH or OWNER/NAME[:REF]."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hubkit.facts import Files


def locate_target(text: str) -> Path:
    """The folder to read: an existing one as it is, else the repo of that name, fetched.

    Args:
        text: A path, ``owner/name[:ref]`` or the URL of a repo.

    Raises:
        UsageError: It looks like a path and there is nothing there.
        FetchError: The repo cannot be fetched.
    """
    folder = _own_folder(text)
    if folder is not None:
        return folder
    from hubkit.loader import locate_repo

    return locate_repo(text)


def open_target(text: str, *, ref: str | None = None, use_git: bool = True) -> Files:
    """The files to judge: of a folder in git what its consumers would get, else all of it.

    Args:
        text: A path, ``owner/name[:ref]`` or the URL of a repo.
        ref: The commit to read in place of the folder's own files.
        use_git: Whether git is asked at all.

    Raises:
        UsageError: The options or the path make no sense, or git cannot tell.
        FetchError: The repo cannot be fetched.
    """
    from hubkit.errors import UsageError
    from hubkit.source import Folder, open_files

    folder = _own_folder(text)
    if ref is not None and not use_git:
        raise UsageError("--ref names a commit, which only git can read.", hint="Drop --no-git.")
    if folder is None:
        if ref is not None:
            raise UsageError(
                f"{text} is no folder of yours, so --ref has no git repo to look in.",
                hint=f"Write it behind the name: {text.partition(':')[0]}:{ref}",
            )
        return Folder(locate_target(text))
    if ref is not None:
        from hubkit.source import open_commit

        return open_commit(folder, ref)
    return open_files(folder) if use_git else Folder(folder)


def open_earlier(text: str, ref: str) -> Files:
    """The files of the commit that a repo is to be compared with.

    Args:
        text: What the command line named: a folder in git, or somebody's repo.
        ref: The commit.

    Raises:
        UsageError: There is no such commit, or git cannot tell.
        FetchError: The repo cannot be fetched.
    """
    from hubkit.hubdir.names import parse_repo
    from hubkit.source import Folder, open_commit

    folder = _own_folder(text)
    if folder is not None:
        return open_commit(folder, ref)
    from hubkit.loader import locate_repo

    repo = dataclasses.replace(parse_repo(text), ref=ref)
    return Folder(locate_repo(str(repo)), ref)


def require_own(text: str, files: Files) -> None:
    """Refuse to write into what is not the user's own folder.

    Args:
        text: What the command line named.
        files: The files that were opened for it.

    Raises:
        UsageError: They are a commit's, or those of a repo in the hub dir.
    """
    from hubkit.errors import UsageError

    if files.ref:
        raise UsageError(
            f"the files of {files.ref} cannot be changed: they are a commit's",
            hint="Without --ref those of the folder can.",
        )
    if _own_folder(text) is None:
        raise UsageError(
            f"{text} is not yours to change: it lies in the hub dir as it was fetched",
            hint="Clone it, and give the clone's folder.",
        )


def is_own(text: str) -> bool:
    """Whether a text means an existing folder, which its user may change."""
    return _own_folder(text) is not None


def _own_folder(text: str) -> Path | None:
    """The existing folder that a text means, or None when it names somebody's repo."""
    from hubkit.errors import UsageError

    path = Path(text).expanduser()
    if path.is_dir():
        return path
    if path.name == "hubconf.py" and path.is_file():
        return path.parent
    if path.exists() or text.startswith((".", "/", "~")) or "/" not in text:
        raise UsageError(
            f"{text} is not a folder" if path.exists() else f"there is no folder {text!r}",
            hint="Give the folder of a hub repo, or owner/name[:ref].",
        )
    return None
