"""Submodules, which come along where the git program fetches."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from tests.git_host import GitHost, commit_files, git
from tests.hubdir.vcs.conftest import AFRESH, add_submodule, fetch, files, head

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes programs of shell scripts")


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
        "https://user@host/x",
        "https://user:secret@host/x",
        "ssh://git:secret@host/x",
        "ssh://-oProxyCommand=x@host/x",
        "-oProxyCommand=x@host:x",
        "ssh://%2DoProxyCommand=x/x",
        "https://host=x/x",
        "https://*.host/x",
        "https://a;b/x",
        "https://a@b@host/x",
        "https://evil\\\\@host/x",
        "https://host/a b",
        "https://host/a\\tb",
        "https://host/a\\nb",
        "../../../user:secret@host/x",
        "../a b",
        "git@host:a b",
        "host::x",
        "--upload-pack=x",
    ],
)
def test_a_submodule_may_not_lead_to_this_machine(
    host: GitHost, worktree: Path, tmp_path: Path, address: str
) -> None:
    commit_files(tmp_path / "ops", {"ops.py": "O = 1\n"})
    address = address.format(marker=tmp_path / "marker")
    add_submodule(worktree, tmp_path / "ops", address, "ops")
    host.add_repo("acme", "shapes", worktree)
    with pytest.raises(errors.FetchError, match="ops of acme/shapes cannot be fetched from"):
        fetch("git+https://github.com/acme/shapes")
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("start", ["", "../../../"])
def test_a_submodules_address_sets_no_credential_helper(
    host: GitHost,
    worktree: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: str,
) -> None:
    canary = tmp_path / "canary"
    monkeypatch.setenv("CANARY", str(canary))
    monkeypatch.setenv("HUBKIT_TOKEN_127_0_0_1", "t0ken")
    place = host.url.removeprefix("http://")
    commit_files(tmp_path / "ops", {"ops.py": "O = 1\n"})
    host.add_repo("acme", "ops", tmp_path / "ops")
    evil = f"{place}.helper=!touch${{IFS}}$CANARY;@{place}/acme/ops.git"
    add_submodule(worktree, tmp_path / "ops", start + evil if start else f"http://{evil}", "ops")
    host.add_repo("acme", "shapes", worktree)
    with pytest.raises(errors.FetchError, match="is not a URL"):
        fetch("git+https://github.com/acme/shapes")
    assert not canary.exists()
    assert not host.paths("ops")


def test_a_submodule_over_ssh_may_name_a_user(host: GitHost, worktree: Path, ssh: Path) -> None:
    source = host.root / "ops"
    commit_files(source, {"ops.py": "O = 1\n"})
    host.add_repo("acme", "ops", source)
    add_submodule(worktree, source, "ssh://ada_1@elsewhere:2222/acme/ops.git", "ops")
    add_submodule(worktree, source, "git@elsewhere:acme/ops.git", "more")
    host.add_repo("acme", "shapes", worktree)
    cached = fetch("git@host:acme/shapes.git")
    assert (cached.path / "ops/ops.py").is_file()
    assert (cached.path / "more/ops.py").is_file()
    assert "ada_1@elsewhere" in ssh.read_text()


@pytest.mark.parametrize(
    "shape",
    [
        "{evil}\\@{good}",
        "{evil}\\.{good}",
        "{evil} @{good}",
        "x@{evil}@{good}",
        "{evil}%2f@{good}%40",
    ],
)
def test_a_submodule_may_not_lead_to_two_hosts(
    host: GitHost, worktree: Path, tmp_path: Path, shape: str
) -> None:
    commit_files(tmp_path / "ops", {"ops.py": "O = 1\n"})
    with GitHost() as evil:
        evil.add_repo("acme", "ops", tmp_path / "ops")
        where = shape.format(evil=f"127.0.0.1:{evil.port}", good=f"127.0.0.1:{host.port}")
        add_submodule(worktree, tmp_path / "ops", f"http://{where}/acme/ops.git", "ops")
        host.add_repo("acme", "shapes", worktree)
        with pytest.raises(errors.FetchError, match="submodule ops of acme/shapes") as refused:
            fetch("git+https://github.com/acme/shapes")
        assert evil.requests == []
        assert str(evil.port) not in str(refused.value)
    assert not host.paths("ops")


def test_a_submodule_without_an_address_stays_empty(host: GitHost, worktree: Path) -> None:
    entry = f"160000,{head(worktree)},stray"
    git("update-index", "--add", "--cacheinfo", entry, cwd=worktree)
    git("commit", "--quiet", "-m", "Stray", cwd=worktree)
    host.add_repo("acme", "shapes", worktree)
    assert not list((fetch("git+https://github.com/acme/shapes").path / "stray").iterdir())


def test_an_edited_tree_is_mended_when_fetched_afresh(nested: GitHost) -> None:
    first = fetch("git+https://github.com/acme/shapes")
    inode = first.path.stat().st_ino
    assert fetch("git+https://github.com/acme/shapes", AFRESH).path.stat().st_ino == inode
    (first.path / "net" / "ops" / "ops.py").write_text("O = 2\n")
    mended = fetch("git+https://github.com/acme/shapes", AFRESH)
    assert (mended.path / "net" / "ops" / "ops.py").read_text() == "O = 1\n"
    assert nested.requests
