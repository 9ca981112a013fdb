"""Each mode of the git runner in real repos that are made to run something: nothing must."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit._util.git import (
    GitError,
    GitMissingError,
    GitTimeoutError,
    Remote,
    fetch,
    read,
    start_reading,
    work,
    write,
)
from hubkit.errors import GitRepoError
from hubkit.source import open_commit
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes programs of shell scripts")

PROGRAMS = (
    *("core.fsmonitor", "core.sshCommand", "core.askPass", "core.editor", "core.pager"),
    *("core.gitProxy", "core.alternateRefsCommand", "credential.helper", "diff.external"),
    *("diff.spy.command", "diff.spy.textconv", "merge.spy.driver", "gpg.program"),
    *("gpg.ssh.program", "uploadpack.packObjectsHook", "pager.status", "sequence.editor"),
    *("tar.zip.command", "interactive.diffFilter"),
)
HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman")
READING = (
    ("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty"),
    ("ls-files", "-t", "--stage", "-z"),
    ("ls-tree", "-r", "-l", "-z", "HEAD"),
    ("check-attr", "-z", "filter", "diff", "--", "a.md"),
    ("check-ignore", "--quiet", "--", "a.md"),
    ("describe", "--tags", "--always", "HEAD"),
    ("diff-tree", "-r", "--name-only", "-z", "HEAD~1", "HEAD"),
    ("for-each-ref", "--format=%(refname)"),
    ("cat-file", "-p", "HEAD:a.md"),
    ("rev-parse", "--show-toplevel"),
    ("symbolic-ref", "HEAD"),
)


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that hostile programs write their name to."""
    return tmp_path / "canary"


@pytest.fixture
def spy(tmp_path: Path, canary: Path) -> Path:
    """A program that leaves its mark."""
    return write_program(tmp_path / "spy", f'echo "$0 $@" >> {canary}\nexit 1')


def make_hostile(repo: Path, spy: Path) -> None:
    """Have the configuration of a repo run a program wherever git reads of one."""
    commit_files(repo, {"a.md": "one\n"})
    attributes = (
        "*.md filter=spy diff=spy merge=spy\n*.txt filter=odd=name.x\n*.py filter=\u00fcn\u00ef\n"
    )
    commit_files(
        repo, {".gitattributes": attributes, "a.md": "two\n", "b.txt": "bc\n", "d.py": "de\n"}
    )
    for setting in PROGRAMS:
        git("config", setting, str(spy), cwd=repo)
    for name in ("spy", "odd=name.x", "\u00fcn\u00ef", "Never Used"):
        for kind in ("clean", "smudge", "process"):
            git("config", f"filter.{name}.{kind}", str(spy), cwd=repo)
        git("config", f"filter.{name}.required", "true", cwd=repo)
    git("config", "alias.status", f"!{spy}", cwd=repo)
    git("config", "submodule.recurse", "true", cwd=repo)
    for hook in HOOKS:
        write_program(repo / ".git/hooks" / hook, f'exec {spy} "$0"')
    for name in ("a.md", "b.txt", "d.py"):  # of the same size, so git has to look at the contents
        (repo / name).write_text((repo / name).read_text()[::-1])


@pytest.fixture
def hostile(tmp_path: Path, spy: Path) -> Path:
    make_hostile(tmp_path / "hostile", spy)
    return tmp_path / "hostile"


@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_reading_runs_nothing_of_the_repos(
    hostile: Path, canary: Path, command: tuple[str, ...]
) -> None:
    result = read(hostile, *command)
    assert result.returncode == (command[0] == "check-ignore"), result.complaint
    assert not canary.exists()


def test_reading_still_sees_what_changed(hostile: Path, canary: Path) -> None:
    rows = read(hostile, *READING[0]).text.split("\0")
    assert [row for row in rows if row] == [" M a.md", " M b.txt", " M d.py"]
    assert not canary.exists()


def test_reading_into_an_index_of_its_own_runs_no_hook(
    hostile: Path, canary: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert read(hostile, "read-tree", "HEAD", index=index).returncode == 0
    assert index.is_file()
    assert not canary.exists()


def test_reading_runs_nothing_of_a_submodules(tmp_path: Path, spy: Path, canary: Path) -> None:
    make_hostile(tmp_path / "inner", spy)
    outer = tmp_path / "outer"
    commit_files(outer, {"c.txt": "c\n"})
    (tmp_path / "inner").rename(outer / "inner")
    git("-c", "core.fsmonitor=false", "add", "inner", cwd=outer)
    canary.unlink(missing_ok=True)
    assert read(outer, *READING[0]).text == "A  inner\0"
    assert not canary.exists()


def test_filters_that_cannot_be_turned_off_are_not_run(
    hostile: Path, canary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gits before 2.31 take no settings from the environment."""
    put_git_first(tmp_path, monkeypatch, "unset GIT_CONFIG_COUNT")
    with pytest.raises(GitError, match=r"git 2\.31"):
        read(hostile, *READING[0])
    assert not canary.exists()


def put_git_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A git on the path that runs a line before the real one."""
    real = shutil.which("git")
    write_program(tmp_path / "bin/git", f'{script}\nexec {real} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("protocol", ["ext", "ssh", "file", "vcs"])
def test_no_missing_object_is_fetched_whatever_the_repo_allows(
    tmp_path: Path, spy: Path, canary: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    put_git_first(tmp_path, monkeypatch, "unset GIT_NO_LAZY_FETCH")
    write_program(tmp_path / "bin/git-remote-odd", f"exec {spy} remote-odd")
    address = {
        "ext": f"ext::{spy} %S",
        "ssh": "ssh://host.invalid/x",
        "file": f"file://{tmp_path}",
        "vcs": "x",
    }[protocol]
    repo, blob = make_partial(tmp_path / "partial", address)
    git("config", "core.sshCommand", str(spy), cwd=repo)
    git("config", "remote.origin.uploadpack", str(spy), cwd=repo)
    if protocol == "vcs":
        git("config", "remote.origin.vcs", "odd", cwd=repo)
    assert read(repo, "cat-file", "-p", blob).returncode
    process = start_reading(repo, "cat-file", "--batch")
    process.communicate(f"{blob}\n".encode())
    assert not canary.exists()


def test_no_host_is_asked_for_a_missing_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_git_first(tmp_path, monkeypatch, "unset GIT_NO_LAZY_FETCH")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        repo, blob = make_partial(tmp_path / "partial", address)
        git("config", "fetch.bundleURI", address, cwd=repo)
        assert read(repo, "cat-file", "-p", blob).returncode
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def make_partial(repo: Path, address: str) -> tuple[Path, str]:
    """A repo that lacks a blob and allows whatever protocol may bring it; the blob's name."""
    commit_files(repo, {"a.md": "one\n"})
    blob = git("rev-parse", "HEAD:a.md", cwd=repo)
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for protocol in ("ext", "ssh", "file", "http", "odd"):
        git("config", f"protocol.{protocol}.allow", "always", cwd=repo)
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "protocol.allow": "always",
        "remote.origin.promisor": "true",
        "remote.origin.url": address,
    }.items():
        git("config", name, value, cwd=repo)
    return repo, blob


def test_only_reading_commands_read(hostile: Path) -> None:
    for command in ("archive", "checkout", "diff", "fetch", "ls-remote", "log", "-c"):
        with pytest.raises(ValueError, match="not a read-only command"):
            read(hostile, command)


LEAKING = {
    "GIT_DIR": "{elsewhere}/.git",
    "GIT_WORK_TREE": "{elsewhere}",
    "GIT_INDEX_FILE": "{elsewhere}/.git/index",
    "GIT_OBJECT_DIRECTORY": "{elsewhere}/.git/objects",
    "GIT_COMMON_DIR": "{elsewhere}/.git",
    "GIT_NAMESPACE": "other",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "{spy}",
    "GIT_CONFIG_PARAMETERS": "'core.fsmonitor={spy}'",
    "GIT_EXTERNAL_DIFF": "{spy}",
    "GIT_PAGER": "{spy}",
    "GIT_EDITOR": "{spy}",
    "GIT_TEMPLATE_DIR": "{elsewhere}",
    "GIT_ATTR_SOURCE": "HEAD",
    "GIT_TRACE": "{canary}",
    "GIT_TRACE2": "{canary}",
}


@pytest.mark.parametrize("name", LEAKING)
def test_no_variable_leads_to_another_repo(
    tmp_path: Path, spy: Path, canary: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here, elsewhere, made = tmp_path / "here", tmp_path / "elsewhere", tmp_path / "made"
    sha = commit_files(here, {"a": "here\n"})
    commit_files(elsewhere, {"a": "elsewhere\n"})
    refs = git("for-each-ref", cwd=elsewhere)
    made.mkdir()
    for variable in LEAKING if name.startswith("GIT_CONFIG_") else (name,):
        value = LEAKING[variable].format(elsewhere=elsewhere, spy=spy, canary=canary)
        monkeypatch.setenv(variable, value)
    assert read(here, "rev-parse", "HEAD").text.strip() == sha
    assert read(here, "status", "--porcelain").stdout == b""
    assert write(here, "update-ref", "refs/tags/v1", sha).returncode == 0
    assert write(made, "init", "--quiet").returncode == 0
    assert work(made, "symbolic-ref", "HEAD", "refs/heads/x").returncode == 0
    assert git("rev-parse", "v1", cwd=here) == sha
    assert git("symbolic-ref", "HEAD", cwd=made) == "refs/heads/x"
    assert git("for-each-ref", cwd=elsewhere) == refs
    assert not canary.exists()


def test_own_repos_know_no_settings_of_the_users(
    tmp_path: Path, spy: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    git("config", "--file", str(settings), "tar.zip.command", str(spy))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    repo = tmp_path / "repo"
    commit_files(repo, {"a": "a\n"})
    made = work(repo, "archive", "--format=zip", f"--output={tmp_path / 'a.zip'}", "HEAD")
    assert made.returncode == 0
    assert (tmp_path / "a.zip").read_bytes().startswith(b"PK")
    assert not canary.exists()


def test_writing_runs_the_hooks_of_the_users_own_repo(
    tmp_path: Path, spy: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = commit_files(tmp_path / "repo", {"a": "a\n"})
    write_program(tmp_path / "repo/.git/hooks/reference-transaction", f'{spy} "$0" || true')
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
    assert write(tmp_path / "repo", "tag", "-a", "-m", "v1", "v1", sha).returncode == 0
    assert "Ada" in git("cat-file", "-p", "v1", cwd=tmp_path / "repo")
    assert "reference-transaction" in canary.read_text()


@pytest.mark.parametrize(
    "url",
    [
        *("", "github.com/a/b", "ext::sh -c x", "https://", "https:///a"),
        *("https://evil\\@github.com/a", "https://a@b@github.com/a", "https://-o/x"),
        *("https://host=x/a", "https://*.com/a", "https://a;b/a", "https://%2do/x"),
        *("ssh://-oProxyCommand=x@host/a", "ssh://git:secret@host/a", "ssh://a%2d@host/a"),
        *("https://host:22x/a", "https://host\n/a", "https://host/a\nb", "https://ho st/a"),
        *("https://host/a\x7f", "https://host\u2028/a", "https://h\u043est/a", "https://host/\\a"),
    ],
)
def test_an_address_that_parsers_may_disagree_about_is_not_fetched(
    url: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"has|contains|is|not an address"):
        fetch(tmp_path, Remote(url, ("me", "t0ken")), "ls-remote", "--", url, limit=9)


def test_without_git_there_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for run in (read, start_reading, work, write):
        with pytest.raises(GitMissingError):
            run(tmp_path, "status")


def test_a_git_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    write_program(tmp_path / "bin/git", f"exec 3>{held}\nsleep 1000 &\nsleep 1000")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("hubkit._util.git.LIMIT", 1.0)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(GitTimeoutError, match="within 1 s"):
        work(tmp_path, "status")
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # ends once nobody holds the other end
    os.close(reader)


def test_a_repo_whose_object_is_a_pipe_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, blob = make_partial(tmp_path / "repo", "x")
    os.mkfifo(repo / ".git/objects" / blob[:2] / blob[2:])
    monkeypatch.setattr("hubkit._util.git.LIMIT", 1.0)
    with pytest.raises(GitRepoError, match="did not finish within 1 s"):
        open_commit(repo, "HEAD").read("a.md")
