"""What git knows about a folder, and making it a git repo. Everything here works without git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def read_git(folder: Path, *arguments: str) -> str:
    """What git says in the folder, or in the nearest one above that exists; "" when it fails."""
    place = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    done = _run(place, arguments) if place else None
    return done.stdout.decode("utf-8", "replace").strip() if done and not done.returncode else ""


def read_work_tree(folder: Path) -> Path | None:
    """The root of the git work tree that the folder lies in, or would lie in; None when in none."""
    top = read_git(folder, "rev-parse", "--show-toplevel")
    return Path(top).resolve() if top else None


def write_git_repo(folder: Path) -> bool:
    """Make the folder a git repo whose branch is ``main``; False when git is missing or fails.

    Nothing is committed.
    """
    # `git init -b` is younger (2.28) than the git of some long-lived systems.
    steps = (("init", "--quiet"), ("symbolic-ref", "HEAD", "refs/heads/main"))
    for step in steps:
        done = _run(folder, step)
        if done is None or done.returncode:
            return False
    return True


def _run(folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes] | None:
    git = shutil.which("git")
    if git is None:
        return None
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(  # noqa: S603 - our own arguments, no shell
            [git, *arguments], cwd=folder, env=environment, capture_output=True, check=False
        )
    except OSError:
        return None
