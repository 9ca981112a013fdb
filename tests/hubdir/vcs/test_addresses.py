"""pip's ``git+...`` addresses: the git program fetches, and the rest is as for archives."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import find_cached, parse_repo
from tests.git_host import GitHost, commit_files, git
from tests.hubdir.vcs.conftest import AFRESH, fetch, files, head

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes programs of shell scripts")


ADDRESSES = [
    "git+{url}/acme/shapes.git@main",
    "git+{url}/acme/shapes@v1",
    "git+{url}/acme/shapes@refs/tags/v1#egg=shapes",
    "git+https://github.com/acme/shapes@feature/x",
    "git+https://github.com/acme/shapes",
    "git+file://{root}/acme/shapes.git@main",
    "git+file://{root}/acme/shapes@{sha}",
    "git+https://github.com/acme/shapes@{short}",
    "git+ssh://git@github.com/acme/shapes@v1",
    "ssh://git@host:2222/acme/shapes.git",
    "git@github.com:acme/shapes.git",
    "git@github.com:acme/shapes.git@feature/x",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_leads_to_the_commit_and_then_to_the_cache(
    host: GitHost, hub_dir: Path, worktree: Path, ssh: Path, address: str
) -> None:
    git("tag", "-a", "v1", "-m", "annotated", cwd=worktree)
    git("branch", "feature/x", cwd=worktree)
    bare = host.add_repo("acme", "shapes", worktree)
    sha = head(worktree)
    where = {"url": host.url, "root": bare.parent.parent, "sha": sha, "short": sha[:8]}
    text = address.format(**where)
    cold = fetch(text)
    assert (cold.sha, cold.from_cache) == (sha, False)
    assert files(cold.path) == ["hubconf.py", "net/__init__.py", "net/a.py"]
    assert cold.path.is_relative_to(hub_dir)
    assert not list((hub_dir / ".hubkit" / "staging").rglob("git"))
    host.forget_requests()
    ssh.unlink(missing_ok=True)
    bare.rename(bare.with_name("gone"))
    warm = fetch(text)
    assert (warm.path, warm.from_cache) == (cold.path, True)
    assert parse_repo(str(cold.repo)) == cold.repo
    assert not host.requests
    assert not ssh.exists()


def test_a_link_that_leads_out_is_refused_as_in_archives(host: GitHost, worktree: Path) -> None:
    (worktree / "out").symlink_to("../../../etc")
    commit_files(worktree, {})
    host.add_repo("acme", "shapes", worktree)
    with pytest.raises(errors.UnsafeArchiveError, match="points outside"):
        fetch("git+https://github.com/acme/shapes")


@pytest.mark.parametrize("filtered", ["true", "false"])
def test_an_older_commit_is_taken_and_a_forks_is_refused(
    host: GitHost, worktree: Path, filtered: str
) -> None:
    old = head(worktree)
    commit_files(worktree, {"net/a.py": "A = 2\n"})
    git("config", "uploadpack.allowFilter", filtered, cwd=host.add_repo("acme", "shapes", worktree))
    git("checkout", "--quiet", "--detach", old, cwd=worktree)
    forked = commit_files(worktree, {"hubconf.py": "evil = 1\n"})
    host.add_fork("acme", "shapes", worktree)
    cached = fetch(f"git+https://github.com/acme/shapes@{old}")
    assert (cached.path / "net" / "a.py").read_text() == "A = 1\n"
    with pytest.raises(errors.RefNotFoundError, match="No branch or tag"):
        fetch(f"git+https://github.com/acme/shapes@{forked}")
    taken = fetch(f"git+https://github.com/acme/shapes@{forked}", FetchPolicy(skip_validation=True))
    assert taken.sha == forked


def test_where_a_hash_may_not_be_asked_for_the_history_is_fetched(
    host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = head(worktree)
    commit_files(worktree, {"net/a.py": "A = 2\n"})
    host.add_repo("acme", "shapes", worktree)
    settings = tmp_path / "settings"
    git("config", "--file", str(settings), "protocol.version", "0")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    cached = fetch(f"git+file://{host.bare('acme', 'shapes')}@{old}")
    assert (cached.path / "net" / "a.py").read_text() == "A = 1\n"


def test_nothing_of_the_users_settings_runs(
    host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker, settings = tmp_path / "marker", tmp_path / "settings"
    hook = tmp_path / "template" / "hooks" / "reference-transaction"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {marker}\n")
    hook.chmod(0o755)
    for name, value in {
        "filter.big.smudge": f"touch {marker}; cat",
        "filter.big.required": "true",
        "core.hooksPath": str(hook.parent),
        "core.fsmonitor": f"touch {marker}",
        "init.templateDir": str(hook.parent.parent),
        "core.autocrlf": "true",
    }.items():
        git("config", "--file", str(settings), name, value)
    commit_files(worktree, {".gitattributes": "*.py filter=big\nnet export-ignore\n"})
    host.add_repo("acme", "shapes", worktree)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    cached = fetch("git+https://github.com/acme/shapes")
    assert (cached.path / "net" / "a.py").read_bytes() == b"A = 1\n"
    assert not marker.exists()


def test_a_private_repo_is_shown_the_token_which_stays_with_its_host(
    hub_dir: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GitHost() as host, GitHost() as other:
        monkeypatch.setenv("HUBKIT_GITHUB_URL", host.url)
        monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
        host.add_repo("acme", "secret", worktree, token="t0ken")
        other.add_repo("acme", "moved", worktree)
        cached = fetch("git+https://github.com/acme/secret")
        assert cached.sha == head(worktree)
        elsewhere = f"http://localhost:{other.port}/acme/moved.git/info/refs"
        location = {"Location": f"{elsewhere}?service=git-upload-pack"}
        host.fail("moved", status=302, headers=location, times=9)
        assert fetch("git+https://github.com/acme/moved").sha == head(worktree)
        assert other.requests
        assert not [entry for entry in other.requests if "authorization" in entry.headers]
    kept = [p.read_bytes() for p in hub_dir.rglob("*") if p.is_file()]
    assert not [content for content in kept if b"t0ken" in content]


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("file:///etc", "is not an https URL"),
        ("ext::sh -c touch% {marker}", "contains a space"),
        ("ssh://-oProxyCommand=touch/x", "is not a host name"),
        ("http://elsewhere.invalid/acme/shapes.git", "elsewhere.invalid cannot be reached"),
        ("{url}/", "which is not a repo"),
        ("{url}/acme/moved.git/info/refs?service=git-upload-pack", "Exceeded 30 redirects"),
    ],
)
def test_a_redirect_that_leads_to_no_repo_is_not_followed_by_git(
    host: GitHost, tmp_path: Path, location: str, problem: str
) -> None:
    marker = tmp_path / "marker"
    where = {"Location": location.format(marker=marker, url=host.url)}
    host.fail("moved", times=99, status=301, headers=where)
    with pytest.raises(errors.FetchError, match=problem):
        fetch("git+https://github.com/acme/moved")
    assert not marker.exists()


@pytest.mark.parametrize("token", ["", "wr0ng"])
def test_a_closed_door_is_named_and_asks_nobody(
    git_host: GitHost, worktree: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    git_host.add_repo("acme", "secret", worktree, token="t0ken")
    monkeypatch.setenv("GIT_ASKPASS", "false")
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(errors.FetchError) as refused:
        fetch("git+https://github.com/acme/secret")
    assert isinstance(refused.value, errors.RepoNotFoundError | errors.AccessDeniedError)
    variable = f"HUBKIT_TOKEN_127_0_0_1_{git_host.port}"
    assert ("token in GITHUB_TOKEN" if token else f"set {variable}") in refused.value.hint
    assert "wr0ng" not in str(refused.value)


def test_a_refused_key_is_named(host: GitHost, ssh: Path) -> None:
    assert host.requests == []
    with pytest.raises(errors.AccessDeniedError, match="Permission denied") as refused:
        fetch("git@host:acme/secret.git")
    assert "ssh key" in refused.value.hint
    assert ssh.exists()


def test_errors_tell_what_is_missing(host: GitHost, tmp_path: Path) -> None:
    with pytest.raises(errors.RepoNotFoundError, match="no repo acme/nothing"):
        fetch("git+https://github.com/acme/nothing")
    with pytest.raises(errors.RepoNotFoundError):
        fetch(f"git+file://{tmp_path}/nothing")
    with pytest.raises(errors.RefNotFoundError, match="'mian'"):
        fetch("git+https://github.com/acme/shapes@mian")
    host.stop()
    with pytest.raises(errors.UnreachableError, match="git cannot fetch acme/shapes"):
        fetch("git+https://github.com/acme/shapes@other")


def test_without_git_the_error_says_so(
    host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.MissingGitError) as missing:
        fetch("git+https://github.com/acme/shapes")
    assert "Install git" in missing.value.hint
    assert host.requests == []


def test_a_silent_host_is_given_up(host: GitHost, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("hubkit.hubdir.git.LIST_LIMIT", 1.0)
    host.fail("info/refs", stall=threading.Event())
    with pytest.raises(errors.UnreachableError, match="no response from"):
        fetch("git+https://github.com/acme/shapes")


def test_offline_runs_no_git_and_an_outage_does_no_harm(
    host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold = fetch("git+https://github.com/acme/shapes")
    host.stop()
    assert fetch("git+https://github.com/acme/shapes", AFRESH).path == cold.path
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    monkeypatch.setenv("PATH", "")
    assert find_cached(cold.repo) is not None
    with pytest.raises(errors.OfflineError, match=r"git\+https://github.com/acme/shapes@v9"):
        fetch("git+https://github.com/acme/shapes@v9")
