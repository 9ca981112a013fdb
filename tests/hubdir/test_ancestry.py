"""A commit that is no tip is taken only if it is in the repo's own history."""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import RefNotFoundError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_repo, parse_repo
from hubkit.hubdir.protocol import read_parents
from tests.git_host import commit_files, git, git_bytes
from tests.git_host.repos import publish

if TYPE_CHECKING:
    from tests.git_host import GitHost

ASK = FetchPolicy()
LONG = " ".join(str(number**3) for number in range(300))


def _data(text: str) -> str:
    return f"data {len(text)}\n{text}\n"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with a repo of 61 commits on main, its bare twin, and the hashes, oldest first."""
    folder = tmp_path_factory.mktemp("story")
    root = folder / "work"
    commit_files(root, {"hubconf.py": "dependencies = []\n", "net/__init__.py": ""})
    # Git stores commits with much text in common as deltas.
    steps = [
        f"commit refs/heads/main\ncommitter A <a@b> {n} +0000\n{_data(f'Step {n} {LONG}')}"
        + ("from refs/heads/main^0\n" if n == 0 else "")
        + f"M 644 inline net/a.py\n{_data(f'A = {n}')}"
        for n in range(60)
    ]
    git_bytes("fast-import", "--quiet", cwd=root, given="".join(steps).encode())
    git("reset", "--quiet", "--hard", cwd=root)
    shas = git("rev-list", "--reverse", "HEAD", cwd=root).split()
    publish(root, folder / "bare")
    git("gc", "--quiet", cwd=folder / "bare")
    return folder, shas


@pytest.fixture
def copied(tmp_path: Path, story: tuple[Path, list[str]]) -> Path:
    """The bare repo of the story, for the test to change."""
    return Path(shutil.copytree(story[0] / "bare", tmp_path / "copied"))


@pytest.fixture(params=[True, False], ids=["filter", "no filter"])
def storied(
    request: pytest.FixtureRequest, host: GitHost, worktree: Path, story: tuple[Path, list[str]]
) -> list[str]:
    """``acme/shapes`` with 61 commits on main; gives their hashes, the oldest first."""
    folder, shas = story
    bare = host.bare("acme", "shapes")
    for template, place in ((folder / "work", worktree), (folder / "bare", bare)):
        shutil.rmtree(place)
        shutil.copytree(template, place)
    git("config", "uploadpack.allowFilter", str(request.param).lower(), cwd=bare)
    return shas


def fetch(sha: str) -> str | None:
    return fetch_repo(parse_repo(f"acme/shapes:{sha}"), ASK).sha


@pytest.mark.parametrize("age", [1, 2, 30, 59, 60])
def test_an_older_commit_is_fetched(storied: list[str], age: int) -> None:
    assert fetch(storied[-1 - age]) == storied[-1 - age]


def test_a_commit_of_another_branch_is_fetched(
    host: GitHost, worktree: Path, storied: list[str]
) -> None:
    git("checkout", "--quiet", "-b", "side", storied[10], cwd=worktree)
    side = [commit_files(worktree, {"side.py": f"S = {n}\n"}) for n in range(3)]
    git("checkout", "--quiet", "main", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    assert fetch(side[0]) == side[0]


def test_a_commit_behind_a_merge_is_fetched(
    host: GitHost, worktree: Path, storied: list[str]
) -> None:
    git("checkout", "--quiet", "-b", "side", storied[10], cwd=worktree)
    side = commit_files(worktree, {"side.py": "S = 1\n"})
    commit_files(worktree, {"side.py": "S = 2\n"})
    git("checkout", "--quiet", "main", cwd=worktree)
    git("merge", "--quiet", "--no-edit", "side", cwd=worktree)
    git("branch", "-D", "side", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    assert fetch(side) == side


@pytest.mark.parametrize("at", [0, 30, 60])
def test_a_commit_that_only_a_fork_has_is_refused(
    host: GitHost, worktree: Path, storied: list[str], at: int
) -> None:
    git("checkout", "--quiet", "--detach", storied[at], cwd=worktree)
    message = f"parent {storied[5]}\n\nA message that looks like a header"
    forked = commit_files(worktree, {"hubconf.py": "evil = 1\n"}, message)
    assert host.add_fork("acme", "shapes", worktree) == forked
    with pytest.raises(RefNotFoundError, match="No branch or tag") as refused:
        fetch(forked)
    assert "fork" in refused.value.hint
    assert not host.paths("archive")
    assert (
        fetch_repo(parse_repo(f"acme/shapes:{forked}"), FetchPolicy(skip_validation=True)).sha
        == forked
    )


def test_a_commit_that_nobody_has_is_refused(host: GitHost) -> None:
    with pytest.raises(RefNotFoundError, match="No branch or tag"):
        fetch("0123456789" * 4)
    assert not host.paths("archive")


def test_a_host_that_cannot_be_asked_is_not_proof(host: GitHost) -> None:
    host.fail("git-upload-pack", status=404, times=9)
    with pytest.raises(RefNotFoundError, match="Cannot check whether"):
        fetch("0123456789" * 4)


@pytest.mark.parametrize("by_offset", ["true", "false"])
def test_a_pack_of_gits_own_is_read(
    story: tuple[Path, list[str]], copied: Path, by_offset: str
) -> None:
    git("config", "repack.useDeltaBaseOffset", by_offset, cwd=copied)
    git("repack", "-q", "-a", "-d", "-f", "--depth=50", cwd=copied)
    (path,) = (copied / "objects" / "pack").glob("*.pack")
    assert sorted(read_parents(path.read_bytes())) == sorted(story[1][:-1])
    verdict = git_bytes("verify-pack", "-v", str(path))
    assert re.search(rb" commit \d+ \d+ \d+ [1-9]", verdict), "no commit is stored as a delta"


@pytest.mark.parametrize("cut", [0, 4, 40, 500, -25])
def test_a_cut_pack_is_refused(story: tuple[Path, list[str]], cut: int) -> None:
    (path,) = (story[0] / "bare" / "objects" / "pack").glob("*.pack")
    with pytest.raises(ValueError, match="pack"):
        list(read_parents(path.read_bytes()[:cut]))


def _object(kind: int, size: int, content: bytes, base: bytes = b"") -> bytes:
    head = bytes([0x80 | kind << 4 | size & 15, 0x80 | size >> 4 & 0x7F, size >> 11 & 0x7F])
    return head + base + zlib.compress(content)


def test_a_delta_that_swells_is_refused() -> None:
    commit = b"tree x\n\n" + b"x" * 60_000
    first = _object(1, len(commit), commit)
    copies = b"\x00\x00" + b"\xb0\xff\xff" * 10_000  # each of 65,535 bytes from the start
    name = hashlib.sha1(b"commit %d\0%b" % (len(commit), commit), usedforsecurity=False)
    second = _object(7, len(copies), copies, name.digest())
    pack = b"PACK" + struct.pack(">II", 2, 2) + first + second + bytes(20)
    with pytest.raises(ValueError, match="too long for a commit"):
        list(read_parents(pack))


def test_content_that_swells_is_cut() -> None:
    commit = b"tree x\nparent abc\n\n" + bytes(64 << 20)
    pack = b"PACK" + struct.pack(">II", 2, 1) + _object(1, len(commit), commit) + bytes(20)
    tracemalloc.start()
    try:
        assert list(read_parents(pack)) == ["abc"]
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
