"""What a tree consists of is written down when it comes, and tells later what was changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.facts import FetchPolicy
from hubkit.hubdir import digest_of_tree, fetch_repo, parse_repo
from hubkit.hubdir.layout import read_record
from hubkit.hubdir.manifest import compare_tree, manifest_file, measure_tree, read_manifest
from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

FILES: dict[str, str | bytes] = {
    "hubconf.py": "dependencies = []\n",
    "a b/ünï.py": "A = 1\n",
    "data/empty": b"",
    "data/__pycache__/kept.bin": b"\x00\xff",
}


@pytest.fixture
def tree(git_host: GitHost, tmp_path: Path) -> Path:
    """An unpacked tree with odd names, a script and a link."""
    worktree = tmp_path / "work"
    commit_files(worktree, FILES)
    (worktree / "run.sh").write_text("#!/bin/sh\n")
    (worktree / "run.sh").chmod(0o755)
    (worktree / "link.py").symlink_to("hubconf.py")
    commit_files(worktree, {})
    git_host.add_repo("acme", "odd", worktree)
    return fetch_repo(parse_repo("acme/odd"), FetchPolicy()).path


def test_the_manifest_lists_the_files_of_the_repo(tree: Path) -> None:
    known = read_manifest(tree)
    assert known == measure_tree(tree)
    assert known is not None
    assert {entry.path for entry in known.entries} == {*FILES, "run.sh", "link.py"}
    record = read_record(tree.with_name(f"{tree.name}.json")) or {}
    assert record["digest"] == known.digest == digest_of_tree(tree)
    assert record["files"] == len(known.entries)


def test_bytecode_that_python_leaves_does_not_count(tree: Path) -> None:
    before = digest_of_tree(tree)
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "hubconf.cpython-311.pyc").write_bytes(b"code")
    (tree / "data" / "__pycache__" / "x.pyc").write_bytes(b"code")
    assert digest_of_tree(tree) == before
    assert compare_tree(tree) == ()
    (tree / "__pycache__" / "hubconf.py").write_text("")
    assert [found.path for found in compare_tree(tree)] == ["__pycache__/hubconf.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are made up there")
def test_each_change_is_named(tree: Path) -> None:
    (tree / "a b" / "ünï.py").write_text("A = 2\n")
    (tree / "data" / "empty").unlink()
    (tree / "new.py").write_text("")
    (tree / "run.sh").chmod(0o644)
    (tree / "link.py").unlink()
    (tree / "link.py").symlink_to("run.sh")
    (tree / "data" / "__pycache__" / "kept.bin").write_bytes(b"\x00\xfe")
    assert {(found.kind, found.path) for found in compare_tree(tree)} == {
        ("changed", "a b/ünï.py"),
        ("missing", "data/empty"),
        ("added", "new.py"),
        ("changed", "run.sh"),
        ("changed", "link.py"),
        ("changed", "data/__pycache__/kept.bin"),
    }


@pytest.mark.parametrize("text", ["nonsense\n", "a b c d\n", "\udcff"])
def test_a_manifest_that_cannot_be_read_tells_nothing(tree: Path, text: str) -> None:
    manifest_file(tree).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_manifest(tree) is None
    assert compare_tree(tree) == ()
