"""Repos in the hub dir: found without the network, fetched with as little of it as possible."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hubkit import errors, limits
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, fetch_repo, find_cached, parse_repo
from hubkit.hubdir.layout import read_record, ref_record
from tests.git_host import GitHost, commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import CachedRepo

ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)


@pytest.fixture
def trusted(git_host: GitHost, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git_host.url  # whose making forgets such settings
    monkeypatch.setenv("HUBKIT_TRUST", "*")


def fetch(text: str, policy: FetchPolicy = ASK) -> CachedRepo:
    return fetch_repo(parse_repo(text), policy)


def head(worktree: Path) -> str:
    return git("rev-parse", "HEAD", cwd=worktree)


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder with its times, so that any write shows."""
    found = (path for path in folder.rglob("*"))
    return {str(p): (p.lstat().st_mtime_ns, p.lstat().st_ino) for p in found}


def test_a_cold_fetch_asks_for_the_refs_and_the_archive(host: GitHost, worktree: Path) -> None:
    cached = fetch("acme/shapes")
    sha = head(worktree)
    assert (cached.sha, cached.from_cache) == (sha, False)
    assert (cached.path / "net" / "a.py").read_text() == "A = 1\n"
    assert host.paths() == [
        "/acme/shapes.git/info/refs",
        f"/acme/shapes/archive/{sha}.zip",
        f"/codeload/acme/shapes/zip/{sha}",
    ]


def test_the_archive_of_a_usual_branch_names_its_commit(host: GitHost, worktree: Path) -> None:
    cached = fetch("acme/shapes:main")
    assert (cached.sha, cached.from_cache) == (head(worktree), False)
    assert (cached.path / "net" / "a.py").read_text() == "A = 1\n"
    assert host.paths() == [
        "/acme/shapes/archive/refs/heads/main.zip",
        "/codeload/acme/shapes/zip/refs/heads/main",
    ]
    record = read_record(ref_record(cached.repo, "main")) or {}
    assert (record["full_name"], record["sha"]) == ("refs/heads/main", cached.sha)
    host.forget_requests()
    assert fetch("acme/shapes").sha == cached.sha  # only the name of the default branch is missing
    assert host.paths() == ["/acme/shapes.git/info/refs"]


def test_a_usual_name_that_is_no_branch_is_resolved(host: GitHost, worktree: Path) -> None:
    git("tag", "master", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    sha = head(worktree)
    assert fetch("acme/shapes:master").sha == sha
    assert host.paths() == [
        "/acme/shapes/archive/refs/heads/master.zip",
        "/acme/shapes.git/info/refs",
        f"/acme/shapes/archive/{sha}.zip",
        f"/codeload/acme/shapes/zip/{sha}",
    ]


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"PK\5\6" + bytes(18)])
def test_an_archive_that_names_no_commit_is_not_the_branch(
    host: GitHost, worktree: Path, body: bytes
) -> None:
    host.changes["codeload.*main"] = lambda answer: replace(answer, body=body)
    assert fetch("acme/shapes:main").sha == head(worktree)
    assert "/acme/shapes.git/info/refs" in host.paths()


@pytest.mark.parametrize("text", ["acme/shapes", "acme/shapes:main"])
def test_a_warm_hit_makes_no_request_and_no_write(host: GitHost, hub_dir: Path, text: str) -> None:
    cold = fetch(text)
    host.forget_requests()
    before = snapshot(hub_dir)
    found, warm = find_cached(parse_repo(text)), fetch(text)
    assert found == warm
    assert (warm.path, warm.sha, warm.from_cache) == (cold.path, cold.sha, True)
    assert host.requests == []
    assert snapshot(hub_dir) == before


def test_the_default_branch_is_asked_for_and_not_guessed(git_host: GitHost, tmp_path: Path) -> None:
    commit_files(tmp_path / "w", {"hubconf.py": "old = 1\n"}, branch="main")
    git("checkout", "--quiet", "-b", "develop", cwd=tmp_path / "w")
    sha = commit_files(tmp_path / "w", {"hubconf.py": "new = 1\n"})
    git_host.add_repo("acme", "odd", tmp_path / "w")
    assert fetch("acme/odd").sha == sha


def test_each_way_to_name_a_commit_leads_to_it(host: GitHost, worktree: Path) -> None:
    sha = head(worktree)
    git("tag", "v1", cwd=worktree)
    git("tag", "-a", "v2", "-m", "annotated", cwd=worktree)
    git("branch", "feature/x", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    names = ["v1", "v2", "feature/x", "refs/tags/v2", "refs/heads/main", sha, sha[:7]]
    assert {fetch(f"acme/shapes:{name}").sha for name in names} == {sha}
    assert len(host.paths("codeload")) == 1


def test_a_branch_wins_over_a_tag_of_its_name(host: GitHost, worktree: Path) -> None:
    git("tag", "both", cwd=worktree)
    tagged = head(worktree)
    git("checkout", "--quiet", "-b", "both", cwd=worktree)
    branch = commit_files(worktree, {"hubconf.py": "later = 1\n"})
    host.add_repo("acme", "shapes", worktree)
    with pytest.warns(UserWarning, match="both a branch and a tag"):
        assert fetch("acme/shapes:both").sha == branch
    assert fetch("acme/shapes:refs/tags/both").sha == tagged


@pytest.mark.usefixtures("trusted")
def test_names_that_share_torchs_path_are_distinguished(
    git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    one = commit_files(tmp_path / "one", {"hubconf.py": "one = 1\n"})
    two = commit_files(tmp_path / "two", {"hubconf.py": "two = 1\n"}, branch="c_main")
    git_host.add_repo("own", "ab_c", tmp_path / "one")
    git_host.add_repo("own", "ab", tmp_path / "two")
    assert fetch("own/ab_c:main").sha == one
    assert fetch("own/ab:c_main").sha == two
    assert fetch("own/ab_c:main").sha == one
    assert (hub_dir / "own_ab_c_main" / "hubconf.py").read_text() == "one = 1\n"


def test_refs_that_share_torchs_path_are_distinguished(host: GitHost, worktree: Path) -> None:
    git("branch", "release/1", cwd=worktree)
    git("checkout", "--quiet", "-b", "release_1", cwd=worktree)
    commit_files(worktree, {"hubconf.py": "later = 1\n"})
    host.add_repo("acme", "shapes", worktree)
    shas = [fetch(f"acme/shapes:{ref}").sha for ref in ("release/1", "release_1", "release/1")]
    assert shas[0] == shas[2] != shas[1]


def test_an_archive_that_does_not_end_is_refused(
    host: GitHost, worktree: Path, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = limits.Limit(1 << 20, "bytes", "")
    monkeypatch.setattr(limits, "ARCHIVE_BYTES", small)
    host.add_archive(head(worktree), os.urandom(8 << 20))  # sent in pieces, without its length
    with pytest.raises(errors.UnsafeArchiveError, match="larger than 1048576 bytes"):
        fetch("acme/shapes")
    assert find_cached(parse_repo("acme/shapes")) is None
    assert [path for path in hub_dir.rglob("*.zip*") if path.is_file()] == []


def test_a_folder_that_torch_hub_left_is_used_as_it_is(git_host: GitHost, hub_dir: Path) -> None:
    left = hub_dir / "acme_shapes_main"
    left.mkdir(parents=True)
    (left / "hubconf.py").write_text("dependencies = []\n")
    cached = fetch("acme/shapes:main")
    assert (cached.path, cached.sha, cached.from_cache) == (left, None, True)
    assert git_host.requests == []


def test_a_folder_that_torch_hub_left_gives_way_when_fetched_afresh(
    host: GitHost, hub_dir: Path, worktree: Path
) -> None:
    left = hub_dir / "acme_shapes_main"
    left.mkdir(parents=True)
    (left / "hubconf.py").write_text("dependencies = []\n")
    cached = fetch("acme/shapes:main", AFRESH)
    assert (cached.sha, cached.path != left) == (head(worktree), True)
    assert (left / "net" / "a.py").read_text() == "A = 1\n"
    assert host.paths("codeload")


def test_fetching_afresh_follows_the_branch_and_keeps_the_old_tree(
    host: GitHost, worktree: Path
) -> None:
    old = fetch("acme/shapes")
    sha = commit_files(worktree, {"net/a.py": "A = 2\n"})
    host.add_repo("acme", "shapes", worktree)
    assert fetch("acme/shapes").sha == old.sha
    assert fetch("acme/shapes", AFRESH).sha == sha
    assert fetch("acme/shapes").sha == sha
    assert (old.path / "net" / "a.py").read_text() == "A = 1\n"


def test_fetching_afresh_mends_an_edited_tree_and_leaves_a_sound_one(host: GitHost) -> None:
    first = fetch("acme/shapes")
    inode = first.path.stat().st_ino
    assert fetch("acme/shapes", AFRESH).path.stat().st_ino == inode
    (first.path / "net" / "a.py").write_text("A = 3\n")
    mended = fetch("acme/shapes", AFRESH)
    assert (mended.path / "net" / "a.py").read_text() == "A = 1\n"
    assert len(host.paths("codeload")) == 3


@pytest.mark.parametrize("policy", [ASK, AFRESH], ids=["ask", "afresh"])
@pytest.mark.parametrize("ref", ["", ":main"])
def test_with_a_copy_an_outage_does_no_harm(
    host: GitHost, caplog: pytest.LogCaptureFixture, ref: str, policy: FetchPolicy
) -> None:
    cold = fetch(f"acme/shapes{ref}")
    host.stop()
    assert fetch(f"acme/shapes{ref}", policy).path == cold.path
    assert ("cannot be reached" in caplog.text) == policy.refresh


def test_a_host_that_says_no_is_heard_even_with_a_copy(host: GitHost) -> None:
    fetch("acme/shapes:main")
    host.bare("acme", "shapes").rename(host.root / "gone")
    with pytest.raises(errors.RepoNotFoundError):
        fetch("acme/shapes:main", AFRESH)


def test_offline_uses_what_is_there_and_names_what_is_not(
    host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = fetch("acme/shapes")
    host.forget_requests()
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    assert fetch("acme/shapes").path == cold.path
    assert fetch("acme/shapes", AFRESH).path == cold.path
    with pytest.raises(errors.OfflineError, match=r"acme/shapes:v9 is not in the hub dir"):
        fetch("acme/shapes:v9")
    assert host.requests == []


def test_a_complete_cache_works_read_only(host: GitHost, hub_dir: Path) -> None:
    cold = fetch("acme/shapes")
    folders = [hub_dir, *(path for path in hub_dir.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert fetch("acme/shapes").path == cold.path
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert host.paths("codeload")


def test_errors_tell_what_is_missing_and_what_to_do(host: GitHost) -> None:
    with pytest.raises(errors.RepoNotFoundError, match="no repo acme/nothing") as no_repo:
        fetch("acme/nothing")
    # GitHub's token may mean nothing to a mirror.
    assert f"set HUBKIT_TOKEN_127_0_0_1_{host.port}." in no_repo.value.hint
    with pytest.raises(errors.RefNotFoundError, match="'mian'") as no_ref:
        fetch("acme/shapes:mian")
    assert "main" in no_ref.value.hint
    assert not host.paths("archive")


def test_rate_limits_say_until_when(host: GitHost) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}
    host.fail("info/refs", status=403, headers=headers)
    with pytest.raises(errors.RateLimitedError) as limited:
        fetch("acme/shapes")
    assert limited.value.retry_at == 4102444800.0


RESET = {"x-ratelimit-remaining": "59", "x-ratelimit-reset": "4102444800"}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_busy_host_that_counts_requests_is_not_a_rate_limit(host: GitHost, status: int) -> None:
    host.fail("info/refs", status=status, headers=RESET)
    assert (fetch("acme/shapes").path / "hubconf.py").exists()
    assert [entry.status for entry in host.requests][:2] == [status, 200]


def test_a_rate_limit_names_the_host_and_what_helps_there(host: GitHost) -> None:
    host.fail("net.pt", status=429, headers=RESET)
    with pytest.raises(
        errors.RateLimitedError, match=r"Rate limited by 127\.0\.0\.1:\d+ until"
    ) as limited:
        fetch_checkpoint(f"{host.url}/net.pt", policy=ASK)
    assert f"set HUBKIT_TOKEN_127_0_0_1_{host.port} " in limited.value.hint
    with GitHost() as other:
        other.fail("net.pt", status=429, headers=RESET)
        with pytest.raises(errors.RateLimitedError) as limited:
            fetch_checkpoint(f"{other.url}/net.pt", policy=ASK)
        assert f"set HUBKIT_TOKEN_127_0_0_1_{other.port} " in limited.value.hint


def test_a_host_that_wants_a_long_wait_is_asked_once(host: GitHost) -> None:
    host.fail("info/refs", status=503, headers={"Retry-After": "3600"}, times=9)
    with pytest.raises(errors.UnreachableError, match=r"503 and asked to wait .* \(1 request\)"):
        fetch("acme/shapes")
    assert len(host.requests) == 1


def test_a_busy_or_rude_host_is_asked_again(host: GitHost) -> None:
    host.fail("info/refs", status=503, headers={"Retry-After": "0"})
    host.fail("archive", drop=True)
    host.fail("codeload", cut=100)
    assert (fetch("acme/shapes").path / "hubconf.py").exists()


def test_a_login_page_is_not_taken_for_refs(host: GitHost) -> None:
    host.fail("info/refs", status=200)
    with pytest.raises(errors.UnreachableError, match="did not return a list of refs"):
        fetch("acme/shapes")


def test_nothing_is_left_behind_when_the_archive_never_arrives(
    host: GitHost, hub_dir: Path
) -> None:
    host.fail("codeload", cut=10, times=99)
    with pytest.raises(errors.IncompleteDownloadError):
        fetch("acme/shapes")
    assert [path for path in hub_dir.rglob("*") if path.is_file()] == []


def test_a_private_repo_is_shown_the_token_and_nobody_else_is(
    hub_dir: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not hub_dir.exists()
    with GitHost(code_host="localhost") as host:
        monkeypatch.setenv("HUBKIT_GITHUB_URL", host.url)
        monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
        host.add_repo("acme", "secret", worktree, token="t0ken")
        assert fetch("acme/secret").sha == head(worktree)
        signed = {
            entry.path.split("/")[1] for entry in host.requests if "authorization" in entry.headers
        }
    assert signed == {"acme"}
