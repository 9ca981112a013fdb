"""What is generated is read to the end, the same way twice, and no rule stops on it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from hubkit.analysis import read_docstring, read_repo, render_docstring
from hubkit.config import Config
from hubkit.errors import HubkitError
from hubkit.lint import lint_repo
from hubkit.source import open_commit
from tests.fuzz.strategies import CONFIGS, DOCSTRINGS, SOURCES, TREES
from tests.fuzz.targets import MARK, fuzz_config, fuzz_repo
from tests.git_host import git

if TYPE_CHECKING:
    from pathlib import Path


@given(hubconf=SOURCES, module=SOURCES)
@settings(max_examples=60)
def test_generated_repos(hubconf: str, module: str) -> None:
    files = [hubconf, f"net/__init__.py\n{module}", f"net/parts.py\n{hubconf}\n{module}"]
    fuzz_repo(MARK.join(text.encode("utf-8", "surrogatepass") for text in files))


@given(text=CONFIGS)
@settings(max_examples=80)
def test_generated_settings(text: str) -> None:
    fuzz_config(text.encode())


@given(text=DOCSTRINGS)
@settings(max_examples=80)
def test_generated_docstrings(text: str) -> None:
    assert read_docstring(text) == read_docstring(text)
    assert isinstance(render_docstring(text), str)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    git("init", "--quiet", "--bare", str(tmp_path / "bare"))
    return tmp_path / "bare"


@given(tree=TREES)
@settings(max_examples=12)
def test_generated_git_trees(bare: Path, tree: dict[bytes, Any]) -> None:
    commit = git("commit-tree", "-m", "x", _write_tree(bare, tree), cwd=bare).strip()
    try:
        files = open_commit(bare, commit)
    except HubkitError:
        return
    report = lint_repo(read_repo(files), Config(), with_fixes=True)
    assert not report.crashes
    for path in files.paths():
        assert files.entry(path) is not None


def _write_tree(bare: Path, tree: dict[bytes, Any]) -> str:
    lines = []
    for name, value in tree.items():
        if isinstance(value, dict):
            line = f"040000 tree {_write_tree(bare, value)}"
        elif value[0] == "160000":
            line = f"160000 commit {'1' * 40}"
        else:
            line = f"{value[0]} blob {_ask(bare, value[1], 'hash-object', '-w', '--stdin')}"
        lines.append(line.encode() + b"\t" + name)
    return _ask(bare, b"\0".join([*lines, b""]), "mktree", "-z", "--missing")


def _ask(bare: Path, given: bytes, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=bare, input=given, capture_output=True, check=True
    )
    return done.stdout.decode().strip()
