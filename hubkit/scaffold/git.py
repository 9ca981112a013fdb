"""What git knows about a folder, and making it a git repo. All of it works without git."""

from __future__ import annotations

from pathlib import Path

from hubkit._util.git import GitError, read, write


def read_git(folder: Path, *arguments: str) -> str:
    """What git prints in the folder, or in the nearest one above that exists; "" when it fails."""
    place = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    if place is None:
        return ""
    try:
        result = read(place, *arguments)
    except GitError:
        return ""
    return "" if result.returncode else result.stdout.decode("utf-8", "replace").strip()


def read_work_tree(folder: Path) -> Path | None:
    """The root of the git work tree that the folder lies in, or would lie in; None when in none."""
    top = read_git(folder, "rev-parse", "--show-toplevel")
    return Path(top).resolve() if top else None


def write_git_repo(folder: Path) -> bool:
    """Make the folder a git repo whose branch is ``main``; False when git is missing or fails.

    Nothing is committed.
    """
    # `git init -b` is younger (2.28) than the git of some long-lived systems.
    try:
        steps = (("init", "--quiet"), ("symbolic-ref", "HEAD", "refs/heads/main"))
        return not any(write(folder, *step).returncode for step in steps)
    except GitError:
        return False
