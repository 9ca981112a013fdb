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


SETTINGS = {
    "init.defaultBranch": "main",
    "safe.directory": "*",
    # A repo of a test lives for a second: nothing needs to be packed or to outlive a power cut.
    "maintenance.auto": "false",
    "gc.auto": "0",
    "core.fsync": "none",
}
_OPTIONS = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]


def git_bytes(*arguments: str, cwd: Path | None = None, given: bytes = b"") -> bytes:
    command = ["git", *_OPTIONS, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=GIT_ENVIRONMENT, input=given, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def commit_files(
    folder: Path, files: Mapping[str, str | bytes], message: str = "Change", *, branch: str = "main"
) -> str:
    """Write files into a work tree, making it a repo first where needed, and commit; gives the SHA."""
    if not (folder / ".git").exists():
        _init(folder / ".git", branch)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "-m", message, cwd=folder)
    return read_head(folder / ".git")


def publish(worktree: Path, bare: Path) -> None:
    """Let a bare repo have the branches and tags of a work tree, and its current branch."""
    if not bare.exists():
        _init(bare, "main", bare=True)
    refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    options = ("--quiet", "--prune", "--update-head-ok")
    git("fetch", *options, str(worktree.resolve()), *refs, cwd=bare)
    (bare / "HEAD").write_bytes((worktree / ".git" / "HEAD").read_bytes())


def _init(store: Path, branch: str, *, bare: bool = False) -> None:
    """Make what ``git init`` would, without a process and its sample hooks."""
    for name in ("hooks", "info", "objects", "refs/heads", "refs/tags"):
        (store / name).mkdir(parents=True)
    (store / "HEAD").write_text(f"ref: refs/heads/{branch}\n", "utf-8")
    lines = (
        "[core]",
        "repositoryformatversion = 0",
        "filemode = true",
        f"bare = {str(bare).lower()}",
    )
    (store / "config").write_text("\n\t".join(lines) + "\n", "utf-8")


def read_head(store: Path) -> str:
    """The commit that was just made; git would say the same, for another process."""
    head = (store / "HEAD").read_text("utf-8").strip()
    kind, _, ref = head.partition(": ")
    return (store / ref).read_text("utf-8").strip() if kind == "ref" else head
