"""How old a copy may be: ``max_age``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, find_cached, parse_repo
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

ALWAYS = FetchPolicy(max_age=0)


def test_a_branch_that_has_not_moved_costs_one_request(host: GitHost) -> None:
    first = fetch_repo(parse_repo("acme/shapes:main"), FetchPolicy())
    asked = len(host.requests)
    again = fetch_repo(parse_repo("acme/shapes:main"), ALWAYS)
    assert (again.path, again.sha) == (first.path, first.sha)
    assert [request.path for request in host.requests[asked:]] == ["/acme/shapes.git/info/refs"]


@pytest.mark.parametrize("text", ["acme/shapes", "acme/shapes:main"])
def test_a_branch_that_has_moved_is_followed(host: GitHost, worktree: Path, text: str) -> None:
    old = fetch_repo(parse_repo(text), FetchPolicy())
    sha = commit_files(worktree, {"net/a.py": "A = 2\n"})
    host.add_repo("acme", "shapes", worktree)
    assert fetch_repo(parse_repo(text), FetchPolicy(max_age=3600)).sha == old.sha
    new = fetch_repo(parse_repo(text), ALWAYS)
    assert new.sha == sha
    assert (new.path / "net" / "a.py").read_text() == "A = 2\n"
    assert (old.path / "net" / "a.py").read_text() == "A = 1\n"  # for who runs it still
    found = find_cached(parse_repo(text))
    assert found is not None
    assert found.sha == sha


def test_weights_stay_when_a_branch_moves(host: GitHost, worktree: Path) -> None:
    repo = parse_repo("acme/shapes:main")
    fetch_repo(repo, FetchPolicy())
    url = host.add_file("/w.pt", worktree / "net" / "a.py")
    fetch_checkpoint(url, policy=FetchPolicy(), repo=repo)
    commit_files(worktree, {"net/a.py": "A = 2\n"})
    host.add_repo("acme", "shapes", worktree)
    fetch_repo(repo, ALWAYS)
    asked = len(host.requests)
    fetch_checkpoint(url, policy=FetchPolicy(), repo=repo)
    assert len(host.requests) == asked


def test_a_commit_is_never_asked_about(host: GitHost, worktree: Path) -> None:
    repo = replace(parse_repo("acme/shapes"), ref=git("rev-parse", "HEAD", cwd=worktree))
    fetch_repo(repo, FetchPolicy())
    asked = len(host.requests)
    fetch_repo(repo, ALWAYS)
    assert len(host.requests) == asked


@pytest.mark.usefixtures("host")
def test_an_outage_leaves_the_copy_usable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    old = fetch_repo(parse_repo("acme/shapes"), FetchPolicy())
    monkeypatch.setenv("HUBKIT_GITHUB_URL", "http://127.0.0.1:1")
    assert fetch_repo(parse_repo("acme/shapes"), ALWAYS).sha == old.sha
    assert "Using the copy in" in caplog.text
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert fetch_repo(parse_repo("acme/shapes"), ALWAYS).sha == old.sha
