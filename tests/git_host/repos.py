"""git as the tests run it: with nobody's configuration but its own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GIT_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "PATH": os.environ.get("PATH", os.defpath),
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
    },
}


def git(*arguments: str, cwd: Path | None = None) -> str:
    """Run git with nobody's configuration but its own; gives what it says, stripped."""
    return git_bytes(*arguments, cwd=cwd).decode().strip()


def git_bytes(*arguments: str, cwd: Path | None = None) -> bytes:
    command = ["git", "-c", "init.defaultBranch=main", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=cwd, env=GIT_ENVIRONMENT, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def commit_files(
    folder: Path, files: Mapping[str, str | bytes], message: str = "Change", *, branch: str = "main"
) -> str:
    """Write files into a work tree, making it a repo first where needed, and commit; gives the SHA."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", f"--initial-branch={branch}", cwd=folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "-m", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)
