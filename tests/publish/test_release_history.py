"""``hubkit release``: each obstacle alone stands in the way of a repo that is ready otherwise."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files
from tests.git_host.repos import git
from tests.publish.conftest import DRY, READY, hubkit, missing, read_items

if TYPE_CHECKING:
    from pathlib import Path


def test_a_ready_release_gets_an_annotated_tag_and_no_more(ready: Path) -> None:
    before = git("for-each-ref", cwd=ready)
    dry = hubkit("release", *DRY)
    assert dry.exit_code == 0, dry.output
    assert {state for state, _ in read_items(dry).values()} == {"ok", "note"}
    assert git("for-each-ref", cwd=ready) == before
    git("config", "user.name", "Ada", cwd=ready)
    git("config", "user.email", "ada@example.org", cwd=ready)
    result = hubkit("release", "--level", "0")
    assert result.exit_code == 0, result.output
    assert git("cat-file", "-t", "v1.1.0", cwd=ready) == "tag"
    assert git("rev-parse", "v1.1.0^{commit}", cwd=ready) == git("rev-parse", "HEAD", cwd=ready)
    assert "git push origin main v1.1.0" in result.stdout
    assert "gh release create v1.1.0 net-0123456789abcdef.pth" in result.stdout
    again = hubkit("release", "--level", "0")
    assert again.exit_code == 0
    assert "Tag exists: v1.1.0" in again.stdout


@pytest.mark.usefixtures("ready")
def test_lines_that_nobody_ran_are_not_shown() -> None:
    message = hubkit("release", *DRY).stdout
    assert ".load(" not in message
    assert (
        "\nTo run and print the lines that load this release: hubkit release --verify\n" in message
    )


def test_changes_that_are_not_committed(ready: Path) -> None:
    (ready / "README.md").write_text("other")
    found = missing(hubkit("release", *DRY))
    assert found == {"working tree": "1 file differs from the commit: README.md"}
    git("checkout", "README.md", cwd=ready)
    (ready / "stray.txt").write_text("x")
    result = hubkit("release", *DRY)
    assert result.exit_code == 0
    assert read_items(result)["working tree"][0] == "note"


def test_an_owner_that_nobody_filled_in(ready: Path) -> None:
    assert read_items(hubkit("release", *DRY))["name"] == ("ok", "acme/nets")
    for path in [path for path in ready.iterdir() if path.suffix in (".md", ".toml", ".py")]:
        text = path.read_text("utf-8")
        path.write_text(text.replace("acme/nets", "your-name/nets"), "utf-8")
    commit_files(ready, {})
    found = missing(hubkit("release", *DRY))
    assert found["name"] == "the files use the placeholder your-name/nets"
    assert "git grep -n your-name" in hubkit("release", *DRY).stdout
    assert "name" in missing(hubkit("release", "--repo", "acme/nets", *DRY))


def test_a_name_that_files_and_origin_do_not_share(ready: Path) -> None:
    git("remote", "add", "origin", "git@github.com:fork/nets.git", cwd=ready)
    message = read_items(hubkit("release", *DRY))
    assert message["name"] == ("note", "acme/nets, but git's origin is fork/nets")
    message = read_items(hubkit("release", "--repo", "fork/nets", *DRY))
    assert message["name"] == ("note", "the files use acme/nets, not fork/nets")


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("v1.0.0", "v1.0.0 exists at"),
        ("main", "there is a branch main too"),
        ("deadbeef", "looks like a commit"),
        ("a b", "is not a valid name"),
        ("-x", "is not a valid name"),
        ("v1..2", "is not a valid name"),
        ('v1"x', "cannot be used in owner/name:tag"),
        ("v1$(x)", "cannot be used in owner/name:tag"),
        ("a@{b", "is not a valid name"),
    ],
)
@pytest.mark.usefixtures("ready")
def test_a_tag_that_cannot_be_or_would_mean_two_things(tag: str, message: str) -> None:
    found = missing(hubkit("release", f"--tag={tag}", *DRY))
    assert message in found["tag"]


def test_versions_that_disagree(ready: Path) -> None:
    found = missing(hubkit("release", "--tag", "v1.2.0", *DRY))
    assert found["versions"] == (
        "pyproject.toml declares 1.1.0, CITATION.cff declares 1.1.0 and the tag is v1.2.0"
    )
    assert found["changelog"] == "CHANGELOG.md does not mention 1.2.0"
    assert "but there is no such tag" in found["checkpoints"]
    commit_files(ready, {"CITATION.cff": "cff-version: 1.2.0\nversion: '1.0'\n"})
    assert missing(hubkit("release", *DRY)) == {
        "versions": "CITATION.cff declares 1.0 and the tag is v1.1.0"
    }


def test_a_changelog_must_say_the_whole_version(ready: Path) -> None:
    commit_files(ready, {"CHANGELOG.md": "## 11.1.0\n## 1.1.0.1\n## 1.1.01\n"})
    assert "changelog" in missing(hubkit("release", *DRY))
    commit_files(ready, {"CHANGELOG.md": "## [1.1.0] - 2026\n"})
    assert hubkit("release", *DRY).exit_code == 0


def test_breaking_changes_need_a_version_that_says_so(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    commit_files(ready, {"hubconf.py": source.replace("def bundled", "def packed")})
    hubkit("card")
    commit_files(ready, {})
    found = missing(hubkit("release", *DRY))
    assert set(found) == {"breaking changes"}
    assert "the entrypoint `bundled` of v1.0.0 was removed" in found["breaking changes"]
    message = hubkit("release", *DRY).stdout
    assert "-> raise the version in pyproject.toml and CITATION.cff to 2.0.0, and commit" in message
    major = read_items(hubkit("release", "--tag", "v2.0.0", *DRY))
    assert major["breaking changes"] == ("ok", "1 change since v1.0.0, announced by v2.0.0")
    odd = read_items(hubkit("release", "--tag", "final", *DRY))
    assert odd["breaking changes"][0] == "note"


def test_a_new_default_is_reported_unless_the_version_announces_it(ready: Path) -> None:
    source = READY["hubconf.py"]
    assert isinstance(source, str)
    commit_files(ready, {"hubconf.py": source.replace("width: int = 2", "width: int = 3")})
    hubkit("card")
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert result.exit_code == 0
    state, message = read_items(result)["breaking changes"]
    assert (state, message.partition("(")[0]) == (
        "note",
        "`net`: the default of `width` changed from `2` to `3` ",
    )
    assert "hubkit check --against v1.0.0" in result.stdout
    major = read_items(hubkit("release", "--tag", "v2.0.0", *DRY))
    assert major["breaking changes"] == ("ok", "1 change since v1.0.0, announced by v2.0.0")


def test_a_version_that_is_released_is_to_be_raised(ready: Path) -> None:
    git("tag", "v1.1.0", cwd=ready)
    commit_files(ready, {"more.py": ""})
    result = hubkit("release", *DRY)
    assert "v1.1.0 exists at" in missing(result)["tag"]
    action = "-> raise the version in pyproject.toml and CITATION.cff, and commit it\n"
    assert action in result.stdout
    assert "--tag" not in result.stdout.partition("\nok       license")[0]


def test_a_shallow_clone_does_not_know_the_last_tag(ready: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git("clone", "-q", "--depth=1", "--no-tags", ready.as_uri(), str(shallow))
    state, message = read_items(hubkit("release", shallow, *DRY))["breaking changes"]
    assert state == "note"
    assert "shallow" in message


@pytest.mark.usefixtures("ready")
def test_a_version_comes_after_the_last_one() -> None:
    found = missing(hubkit("release", "--tag", "v0.9.0", *DRY))
    assert found["breaking changes"] == "v0.9.0 is not newer than v1.0.0"


def test_a_detached_head_is_reported(ready: Path) -> None:
    git("checkout", "-q", "--detach", cwd=ready)
    result = hubkit("release", *DRY)
    assert result.exit_code == 0
    assert "HEAD is detached" in read_items(result)["working tree"][1]


def test_without_a_version_the_tag_is_to_be_named(ready: Path) -> None:
    git("rm", "-q", "pyproject.toml", "CITATION.cff", cwd=ready)
    commit_files(ready, {})
    found = read_items(hubkit("release", *DRY))
    assert found["tag"] == ("ok", "v1.1.0 is not taken in this clone")  # of the README's snippet
    git("rm", "-q", "README.md", cwd=ready)
    commit_files(ready, {})
    result = hubkit("release", *DRY)
    assert missing(result)["tag"] == "no file declares a version to name it after"
    assert "-> --tag v1.0.1" in result.stdout


def test_no_git_no_commit_no_hubconf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "nets"
    folder.mkdir()

    def stderr() -> str:
        result = hubkit("release", folder, "--dry-run")
        assert result.exit_code in (1, 2)
        return result.stderr

    assert "is not a folder" in hubkit("release", tmp_path / "gone").stderr
    assert "is not in a git repo" in stderr()
    git("init", "-q", cwd=folder)
    assert "has no commits" in stderr()
    commit_files(folder, {"readme.md": "x"})
    assert "is not a hub repo: hubconf.py does not exist" in stderr()
    commit_files(folder, {"hubconf.py": "def net(:\n"})
    assert "hubconf.py, line 1" in stderr()
    commit_files(folder, {"hubconf.py": "def net():\n    return 1\n", "sub/hubconf.py": ""})
    refused = hubkit("release", folder / "sub").stderr
    assert "is not the root of a git repo" in refused
    assert "git subtree split --prefix sub -b sub-hub" in refused
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", str(folder), str(bare))
    assert "is a bare repo" in hubkit("release", bare).stderr


def test_whom_a_tag_is_from_must_be_known(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("config", "user.useConfigOnly", "true", cwd=ready)
    for name in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        monkeypatch.delenv(name)
    result = hubkit("release", "--level", "0")
    assert result.exit_code == 2
    assert "user.name and user.email" in result.stderr
    assert git("tag", cwd=ready) == "v1.0.0"


@pytest.fixture
def canary(ready: Path, tmp_path: Path) -> Path:
    """A file that programs of the repo's configuration leave, hooks among them."""
    canary, spy = tmp_path / "canary", tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\necho $0 >> {canary}\ncat\n")
    spy.chmod(0o755)
    commit_files(ready, {".gitattributes": "*.md filter=spy\n"})
    for setting in ("core.fsmonitor", "filter.spy.clean", "filter.spy.smudge", "gpg.program"):
        git("config", setting, str(spy), cwd=ready)
    (ready / ".git/hooks").mkdir(exist_ok=True)
    (ready / ".git/hooks/reference-transaction").symlink_to(spy)
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git("config", name, value, cwd=ready)
    return canary


def test_a_dry_run_runs_no_program_of_the_repos(ready: Path, canary: Path) -> None:
    (ready / "README.md").write_bytes((ready / "README.md").read_bytes()[::-1])
    assert missing(hubkit("release", *DRY)) == {
        "working tree": "1 file differs from the commit: README.md"
    }
    assert not canary.exists()


def test_the_tag_runs_the_hook_that_the_docs_name(ready: Path, canary: Path) -> None:
    assert hubkit("release", "--level", "0").exit_code == 0
    assert git("cat-file", "-t", "v1.1.0", cwd=ready) == "tag"
    assert "reference-transaction" in canary.read_text()


def test_contents_of_a_git_lfs_pointer_are_not_a_change(ready: Path) -> None:
    content = b"many weights"
    digest = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 12\n"
    commit_files(ready, {".gitattributes": "*.dat filter=lfs\n", "a.dat": pointer})
    (ready / "a.dat").write_bytes(content)
    assert read_items(hubkit("release", *DRY))["working tree"][0] == "ok"
    (ready / "a.dat").write_bytes(b"other")
    assert "a.dat" in missing(hubkit("release", *DRY))["working tree"]


def test_a_release_is_of_the_repo_that_is_named(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a hook or a `rebase --exec` of another repo, which set such variables."""
    other = tmp_path / "other"
    commit_files(other, {"a": "a"})
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / ".git/index",
    }.items():
        monkeypatch.setenv(name, str(value))
    for name, text in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git("config", name, text, cwd=ready)
    result = hubkit("release", "--level", "0")
    assert result.exit_code == 0, result.output
    assert git("rev-parse", "v1.1.0^{commit}", cwd=ready) == git("rev-parse", "HEAD", cwd=ready)
    assert git("tag", cwd=other) == ""
