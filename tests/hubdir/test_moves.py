"""Repos that a redirect leads to another owner: the old owner's trust does not go along."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit import errors
from hubkit.facts import FetchPolicy, RepoRef
from hubkit.hubdir import add_trust, fetch_repo, find_cached, parse_repo, read_trust
from hubkit.hubdir.refs import find_move
from tests.git_host import GitHost, commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

ASK = FetchPolicy()
OLD, NEW = "acme/shapes", "evil/shapes"


def redirect(host: GitHost, sha: str, target: str) -> None:
    """Have the host send whoever asks for the old repo on to another address."""
    for old, new in (
        (r"^/acme/shapes.git/info/refs", ".git/info/refs?service=git-upload-pack"),
        (r"^/acme/shapes/archive/", f"/archive/{sha}.zip"),
        (r"^/acme/shapes.git/git-upload-pack", ".git/git-upload-pack"),
    ):
        host.fail(old, status=301, headers={"Location": f"{target}{new}"}, times=99)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """What exists once the new owner's code has run."""
    return tmp_path / "canary"


@pytest.fixture
def moved(host: GitHost, tmp_path: Path, canary: Path) -> str:
    """The old repo, trusted, redirects to another owner's; gives that one's commit."""
    add_trust(parse_repo(OLD))
    hubconf = f"open({str(canary)!r}, 'w').close()\n\ndef version():\n    return 2\n"
    sha = commit_files(tmp_path / "evil", {"hubconf.py": hubconf})
    host.add_repo("evil", "shapes", tmp_path / "evil")
    redirect(host, sha, f"{host.url}/{NEW}")
    return sha


@pytest.mark.parametrize("way", ["", "git+https://github.com/"])
@pytest.mark.parametrize("pinned", [False, True])
def test_another_owners_code_is_not_run(
    host: GitHost,
    moved: str,
    canary: Path,
    caplog: pytest.LogCaptureFixture,
    pinned: bool,
    way: str,
) -> None:
    caplog.set_level(logging.WARNING, "hubkit")
    text = f"{way}{OLD}@{moved}" if pinned else f"{way}{OLD}"
    for _ in ("cold", "warm"):
        with pytest.raises(errors.UntrustedRepoError, match="evil/shapes is not a trusted") as no:
            hubkit.load(text, "version", trust_repo="check", skip_validation=pinned)
        assert no.value.repo == NEW
        assert "hubkit trust add evil/shapes" in no.value.hint
    assert "acme/shapes now redirects to evil/shapes" in caplog.text
    assert not canary.exists()
    assert not [line for line in read_trust() if "evil" in line]
    assert host.requests


def test_torchs_path_does_not_lead_to_another_owners_code(
    host: GitHost, moved: str, hub_dir: Path
) -> None:
    cached = fetch_repo(parse_repo(OLD), ASK)
    assert cached.sha == moved
    assert not list(hub_dir.glob("acme_shapes_*"))
    assert host.requests


@pytest.mark.usefixtures("moved")
def test_it_is_run_once_the_new_owner_is_trusted(canary: Path) -> None:
    add_trust(parse_repo(NEW))
    assert hubkit.load(OLD, "version", trust_repo="check") == 2
    assert canary.exists()


@pytest.mark.usefixtures("moved")
def test_trust_repo_for_a_moved_repo_gives_a_warning(
    canary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "hubkit")
    assert hubkit.load(OLD, "version", trust_repo=True) == 2
    assert "which is not a trusted repository" in caplog.text
    assert canary.exists()


def test_code_that_came_before_the_move_is_still_trusted(
    host: GitHost, worktree: Path, tmp_path: Path
) -> None:
    commit_files(worktree, {"hubconf.py": "def version():\n    return 1\n"})
    host.add_repo("acme", "shapes", worktree)
    assert hubkit.load(OLD, "version", trust_repo=True) == 1
    redirect(host, git("rev-parse", "HEAD", cwd=worktree), f"{host.url}/{NEW}")
    assert hubkit.load(OLD, "version", trust_repo="check") == 1
    assert tmp_path.exists()


def test_refs_from_a_place_that_is_not_a_repo_are_refused(host: GitHost, worktree: Path) -> None:
    with GitHost(code_host="localhost") as other:
        other.add_repo("acme", "shapes", worktree)
        target = f"http://localhost:{other.port}/refs"
        host.fail("info/refs", status=302, headers={"Location": target}, times=9)
        other.add_file("/refs", b"")
        with pytest.raises(errors.FetchError, match="is not the address of a repo"):
            fetch_repo(parse_repo(OLD), ASK)
    assert find_cached(parse_repo(OLD)) is None


@pytest.mark.parametrize(
    ("target", "moved"),
    [
        ("https://github.com/evil/shapes", RepoRef("evil", "shapes")),
        ("https://github.com/evil/other", RepoRef("evil", "other")),
        ("https://github.com/acme/other", None),
        ("https://github.com/Acme/Shapes", None),
        ("https://www.github.com/acme/shapes", None),
        ("https://evil.org/acme/shapes", RepoRef("acme", "shapes", None, "evil.org")),
        ("https://evil.org:8443/a/b", RepoRef("a", "b", None, "evil.org:8443")),
    ],
)
@pytest.mark.parametrize("tail", [".git/info/refs", "/archive/0123.zip"])
@pytest.mark.usefixtures("hub_dir")
def test_which_repo_a_redirect_leads_to(target: str, moved: RepoRef | None, tail: str) -> None:
    asked = f"https://github.com/acme/shapes{tail}"
    assert find_move(parse_repo(OLD), [asked, f"{target}{tail}"]) == moved
    assert find_move(parse_repo(OLD), [asked]) is None
    code = "https://codeload.github.com/acme/shapes/zip/0123"
    assert find_move(parse_repo(OLD), [asked, f"{target}{tail}", code]) == moved


@pytest.mark.usefixtures("hub_dir")
def test_a_mirror_stands_for_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBKIT_GITHUB_URL", "https://mirror.example.org/github")
    asked = "https://mirror.example.org/github/acme/shapes.git/info/refs"
    repo = parse_repo(OLD)
    assert find_move(repo, [asked, "https://github.com/acme/shapes.git/info/refs"]) is None
    assert find_move(repo, [asked, asked.replace("acme", "evil")]) == RepoRef("evil", "shapes")
