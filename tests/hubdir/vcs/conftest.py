"""Repos with submodules, and an ``ssh`` that leads to the host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_repo, parse_repo
from tests.git_host import GitHost, commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import CachedRepo


ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)


def fetch(text: str, policy: FetchPolicy = ASK) -> CachedRepo:
    return fetch_repo(parse_repo(text), policy)


def head(worktree: Path) -> str:
    return git("rev-parse", "HEAD", cwd=worktree)


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def add_submodule(worktree: Path, source: Path, address: str, path: str) -> None:
    """Commit a submodule that was made from ``source`` and says that it is at ``address``."""
    (worktree / path).mkdir(parents=True)
    git("update-index", "--add", "--cacheinfo", f"160000,{head(source)},{path}", cwd=worktree)
    for key, value in (("path", path), ("url", address)):
        git("config", "-f", ".gitmodules", f"submodule.{path}.{key}", value, cwd=worktree)
    commit_files(worktree, {}, f"Add {path}")


@pytest.fixture
def nested(host: GitHost, worktree: Path, tmp_path: Path) -> GitHost:
    """``acme/shapes`` with a submodule that has one itself, both with relative addresses."""
    commit_files(tmp_path / "deep", {"deep.py": "D = 1\n"})
    commit_files(tmp_path / "ops", {"ops.py": "O = 1\n"})
    add_submodule(tmp_path / "ops", tmp_path / "deep", "../../other/deep.git", "lib/deep")
    add_submodule(worktree, tmp_path / "ops", "../ops.git", "net/ops")
    host.add_repo("acme", "shapes", worktree)
    host.add_repo("acme", "ops", tmp_path / "ops")
    host.add_repo("other", "deep", tmp_path / "deep")
    return host


@pytest.fixture
def ssh(host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ``ssh`` program that runs what it is told on the host's repos; gives its log."""
    log, program = tmp_path / "ssh.log", tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    script = f"""#!/bin/sh
    echo "$@" >> {log}
    for last; do :; done
    case "$last" in *secret*) echo "git@host: Permission denied (publickey)." >&2; exit 255;; esac
    cd {host.root}/repos && eval "$(echo "$last" | sed "s:'/:'./:")"
    """
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log
