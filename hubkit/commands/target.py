"""Resolve PATH or OWNER/NAME[:REF] to a folder or files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from hubkit._util.console import detail
from hubkit._util.paths import is_folder_spec

if TYPE_CHECKING:
    from hubkit.facts import Files


def locate_target(text: str) -> Path:
    """The folder of a repo; a repo on a git host is fetched.

    Args:
        text: A path, ``owner/name[:ref]`` or the URL of a repo.

    Raises:
        RepoSpecError: It is neither a path nor the name of a repo.
        UsageError: There is no such folder.
        FetchError: The repo cannot be fetched.
    """
    folder = find_folder(text)
    if folder is not None:
        detail(f"Reading {folder.resolve()}")
        return folder
    from hubkit._util.progress import show_wait
    from hubkit.loader import locate_repo

    with show_wait(f"Fetching {text}"):
        return locate_repo(text)


def open_target(text: str, *, ref: str | None = None, use_git: bool = True) -> Files:
    """The files to check: in a git repo the tracked ones, otherwise all files in the folder.

    Args:
        text: A path, ``owner/name[:ref]`` or the URL of a repo.
        ref: The commit to read instead of the working tree.
        use_git: Whether to ask git for the tracked files.

    Raises:
        UsageError: The options conflict, the path does not exist, or git fails.
        FetchError: The repo cannot be fetched.
    """
    from hubkit.errors import UsageError
    from hubkit.source import Folder, open_files

    folder = find_folder(text)
    detail(f"Reading {folder.resolve() if folder else text}")
    if ref is not None and not use_git:
        raise UsageError("--ref cannot be combined with --no-git", hint="Remove one of them.")
    if folder is None:
        if ref is not None:
            raise UsageError(
                f"--ref requires a folder, but {text} is not one",
                hint=f"Append the ref to the name: {text.partition(':')[0]}:{ref}",
            )
        return Folder(locate_target(text))
    if ref is not None:
        from hubkit.source import open_commit

        return open_commit(folder, ref)
    return open_files(folder) if use_git else Folder(folder)


def open_earlier(text: str, ref: str) -> Files:
    """The files of an earlier commit, to compare with.

    Args:
        text: A folder in a git repo, or ``owner/name``.
        ref: The commit.

    Raises:
        UsageError: There is no such commit, or git fails.
        FetchError: The repo cannot be fetched.
    """
    from hubkit.hubdir.spec import parse_repo
    from hubkit.source import Folder, open_commit

    folder = find_folder(text)
    if folder is not None:
        return open_commit(folder, ref)
    from hubkit.loader import locate_repo

    repo = structs.replace(parse_repo(text), ref=ref)
    return Folder(locate_repo(str(repo)), ref)


def require_folder(path: Path) -> None:
    """Check that a path is a folder.

    Raises:
        UsageError: It is not.
    """
    from hubkit.errors import UsageError

    if not path.is_dir():
        raise UsageError(f"{path} is not a folder", hint="Pass the folder of a hub repo.")


def require_own(text: str, files: Files) -> None:
    """Reject writing to anything but the user's own folder.

    Args:
        text: The argument of the command.
        files: The files that were opened for it.

    Raises:
        UsageError: They belong to a commit, or to a repo in the hub dir.
    """
    from hubkit.errors import UsageError

    if files.ref:
        raise UsageError(
            f"Cannot change the files of the commit {files.ref}",
            hint="Remove --ref to change the files in the folder.",
        )
    if find_folder(text) is None:
        raise UsageError(
            f"Cannot change {text}: it is a cached copy in the hub dir",
            hint="Clone the repo and pass the folder of the clone.",
        )


def require_own_to_run(text: str) -> None:
    """Reject ``--run`` for anything but a folder of the user.

    Raises:
        UsageError: The argument names a repo on a git host.
    """
    from hubkit.errors import UsageError

    if not is_own(text):
        raise UsageError(
            f"--run requires a folder, but {text} is a repo on a git host",
            hint="In Python, hubkit.list(...) runs the hubconf of a trusted repo.",
        )


def is_own(text: str) -> bool:
    """Whether the argument is a folder of the user, not a repo on a git host."""
    return find_folder(text) is not None


def find_folder(text: str) -> Path | None:
    """The folder that the argument names; None for a repo on a git host."""
    from hubkit.errors import UsageError

    path = _parse(text)
    if path is None:
        return None
    if path.is_dir():
        return path
    if path.name == "hubconf.py" and path.is_file():
        return path.parent
    raise UsageError(
        f"{text} is not a folder" if path.exists() else f"Folder not found: {text!r}",
        hint="Pass the folder of a hub repo, such as ./repo, or owner/name[:ref].",
    )


def _parse(text: str) -> Path | None:
    if is_folder_spec(text):  # the common case, which needs nothing of the hub dir
        return Path(os.path.expanduser(text))  # noqa: PTH111 - Path's raises for ~nobody
    from hubkit.hubdir.spec import parse_spec

    path = parse_spec(text)
    return path if isinstance(path, Path) else None
