"""pip's ``git+...`` addresses: the git program fetches, and the rest is as for archives."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_repo, find_cached, parse_repo
from tests.git_host import GitHost, commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import CachedRepo

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes programs of shell scripts")
ASK = FetchPolicy()
AFRESH = FetchPolicy(refresh=True)
LOCAL = ("-c", "protocol.file.allow=always")


def fetch(text: str, policy: FetchPolicy = ASK) -> CachedRepo:
    return fetch_repo(parse_repo(text), policy)


def head(worktree: Path) -> str:
    return git("rev-parse", "HEAD", cwd=worktree)


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def add_submodule(worktree: Path, source: Path, address: str, path: str) -> None:
    """Commit a submodule that was made from ``source`` and says that it is at ``address``."""
    git(*LOCAL, "submodule", "--quiet", "add", str(source), path, cwd=worktree)
    git("config", "-f", ".gitmodules", f"submodule.{path}.url", address, cwd=worktree)
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


def test_submodules_come_along_those_of_submodules_too(nested: GitHost, worktree: Path) -> None:
    assert files(fetch("acme/shapes").path) == [
        ".gitmodules",
        "hubconf.py",
        "net/__init__.py",
        "net/a.py",
    ]
    cached = fetch("git+https://github.com/acme/shapes")
    found = files(cached.path)
    assert cached.sha == head(worktree)
    assert {"net/ops/ops.py", "net/ops/lib/deep/deep.py", "net/a.py"} <= set(found)
    assert not [name for name in found if ".git/" in name]
    assert nested.paths("deep")


def test_submodules_of_a_folder_are_read_from_folders(nested: GitHost) -> None:
    cached = fetch(f"git+file://{nested.root}/repos/acme/shapes.git")
    assert (cached.path / "net/ops/lib/deep/deep.py").read_text() == "D = 1\n"
    assert nested.requests == []


def test_submodules_over_ssh_are_asked_over_ssh(nested: GitHost, ssh: Path) -> None:
    cached = fetch("git@host:acme/shapes.git")
    assert (cached.path / "net/ops/lib/deep/deep.py").is_file()
    assert nested.requests == []
    assert all("BatchMode=yes" in line for line in ssh.read_text().splitlines())


@pytest.mark.parametrize(
    "address",
    [
        "/etc",
        "file:///etc",
        "ext::sh -c touch% {marker}",
        "-oProxyCommand=touch:x",
        "ssh://-oProxyCommand=touch/x",
        "../../../../../x",
    ],
)
def test_a_submodule_may_not_lead_to_this_machine(
    host: GitHost, worktree: Path, tmp_path: Path, address: str
) -> None:
    commit_files(tmp_path / "ops", {"ops.py": "O = 1\n"})
    address = address.format(marker=tmp_path / "marker")
    add_submodule(worktree, tmp_path / "ops", address, "ops")
    host.add_repo("acme", "shapes", worktree)
    with pytest.raises(errors.FetchError, match="submodule ops of acme/shapes"):
        fetch("git+https://github.com/acme/shapes")
    assert not (tmp_path / "marker").exists()


def test_a_submodule_without_an_address_stays_empty(host: GitHost, worktree: Path) -> None:
    entry = f"160000,{head(worktree)},stray"
    git("update-index", "--add", "--cacheinfo", entry, cwd=worktree)
    git("commit", "--quiet", "-m", "Stray", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    assert not list((fetch("git+https://github.com/acme/shapes").path / "stray").iterdir())


def test_a_link_that_leads_out_is_refused_as_in_archives(host: GitHost, worktree: Path) -> None:
    (worktree / "out").symlink_to("../../../etc")
    commit_files(worktree, {})
    host.add_repo("acme", "shapes", worktree)
    with pytest.raises(errors.UnsafeArchiveError, match="leads out"):
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
    with pytest.raises(errors.RefNotFoundError, match="on no branch or tag"):
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
    assert "token" in refused.value.hint
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

    monkeypatch.setattr("hubkit.hubdir.remotes.LIST_LIMIT", 1.0)
    host.fail("info/refs", stall=threading.Event())
    with pytest.raises(errors.UnreachableError, match="got nowhere"):
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


def test_an_edited_tree_is_mended_when_fetched_afresh(nested: GitHost) -> None:
    first = fetch("git+https://github.com/acme/shapes")
    inode = first.path.stat().st_ino
    assert fetch("git+https://github.com/acme/shapes", AFRESH).path.stat().st_ino == inode
    (first.path / "net" / "ops" / "ops.py").write_text("O = 2\n")
    mended = fetch("git+https://github.com/acme/shapes", AFRESH)
    assert (mended.path / "net" / "ops" / "ops.py").read_text() == "O = 1\n"
    assert nested.requests
