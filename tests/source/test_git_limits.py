"""What git cannot tell is an error with a way out, and nothing that a repo says is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.errors import GitRepoError
from hubkit.source import Folder, open_commit, open_files
from tests.git_host import commit_files
from tests.git_host.repos import git

NET = "def net():\n    'A net.'\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    commit_files(tmp_path / "repo", {"hubconf.py": NET, "pkg/net.py": "x = 1\n"})
    return tmp_path / "repo"


def test_an_unknown_commit_is_an_error_that_names_near_ones(repo: Path) -> None:
    for tag in ("v1.0", "v1.1", "v2.0"):
        git("tag", tag, cwd=repo)
    with pytest.raises(GitRepoError, match=r"no branch, tag or commit 'v1\.2'") as caught:
        open_commit(repo, "v1.2")
    assert "v1.0" in caught.value.hint
    assert "v1.1" in caught.value.hint
    for odd in ("", "--all", "HEAD:pkg", "nonsense"):
        with pytest.raises(GitRepoError, match="no branch, tag or commit"):
            open_commit(repo, odd)


def test_a_shallow_clone_says_that_it_lacks_tags(tmp_path: Path, repo: Path) -> None:
    git("tag", "v1", cwd=repo)
    commit_files(repo, {"b": "c"})
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", "--no-tags", repo.as_uri(), str(shallow))
    assert open_commit(shallow, "HEAD").is_file("b")
    with pytest.raises(GitRepoError) as caught:
        open_commit(shallow, "v1")
    assert "--unshallow" in caught.value.hint


def test_a_clone_without_its_blobs_fetches_none(tmp_path: Path, repo: Path) -> None:
    git("config", "uploadpack.allowFilter", "true", cwd=repo)
    commit_files(repo, {"pkg/net.py": "y = 2\n"})
    partial = tmp_path / "partial"
    git("clone", "--quiet", "--filter=blob:none", repo.as_uri(), str(partial))
    assert open_commit(partial, "HEAD").read("pkg/net.py") == b"y = 2\n"
    with pytest.raises(GitRepoError, match="is a partial clone"):
        open_commit(partial, "HEAD~1")


def test_a_sparse_clone_without_its_blobs_is_not_a_repo_of_broken_files(
    tmp_path: Path, repo: Path
) -> None:
    git("config", "uploadpack.allowFilter", "true", cwd=repo)
    commit_files(repo, {"hubconf.py": "from pkg import net as _net\n" + NET})
    partial = tmp_path / "partial"
    git("clone", "--quiet", "--filter=blob:none", "--sparse", repo.as_uri(), str(partial))
    assert not (partial / "pkg").exists()
    with pytest.raises(GitRepoError, match="is a partial clone"):
        read_repo(open_files(partial))


def test_a_repo_that_git_cannot_read_is_an_error_with_a_way_out(repo: Path) -> None:
    (repo / ".git/HEAD").write_text("nonsense")
    for make in (open_files, lambda folder: open_commit(folder, "HEAD")):
        with pytest.raises(GitRepoError, match="git cannot read the repo") as caught:
            make(repo)
        assert "--no-git" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives away")
def test_a_repo_of_another_user_is_an_error_with_a_way_out(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    for path in (repo, repo / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(GitRepoError, match="belongs to another user") as caught:
        open_files(repo)
    assert "safe.directory" in caught.value.hint


def test_without_git_only_folders_can_be_read(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(GitRepoError, match="git is not installed") as caught:
        open_files(repo)
    assert "--no-git" in caught.value.hint
    assert isinstance(open_files(tmp_path), Folder)


def test_outside_git_there_are_no_commits(tmp_path: Path) -> None:
    with pytest.raises(GitRepoError, match="is not in a git repo"):
        open_commit(tmp_path, "main")


def test_a_hooks_environment_does_not_lead_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert open_files(repo).paths() == ("hubconf.py", "pkg/net.py")


def test_a_hook_sees_the_index_of_its_own_commit(repo: Path) -> None:
    (repo / "pkg/staged.py").write_text("x = 1\n")
    git("add", "pkg/staged.py", cwd=repo)
    (repo / "pkg/net.py").write_text("from pkg import staged\n")
    hook = repo / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    shown = "import sys; from pathlib import Path; from hubkit.source import open_files"
    hook.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c '{shown}; sys.exit(str(open_files(Path()).paths()))'"
    )
    hook.chmod(0o755)
    who = ("-c", "user.name=T", "-c", "user.email=t@example.org")

    def paths(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *who, "commit", "--quiet", "-m", "x", *arguments],
            cwd=repo,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        return done.stderr.strip()

    # What is committed by name is all that is; nothing of what is staged besides.
    assert paths("pkg/net.py") == "('hubconf.py', 'pkg/net.py')"
    assert paths() == paths("-a") == "('hubconf.py', 'pkg/net.py', 'pkg/staged.py')"


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("HEAD:pkg", "pkg --ref HEAD"),
        ("HEAD^{tree}", "newest tag is v1"),
        ("@{upstream}", "newest tag is v1"),
    ],
)
def test_an_unknown_commit_in_an_intact_repo(repo: Path, ref: str, hint: str) -> None:
    git("tag", "v1", cwd=repo)
    with pytest.raises(GitRepoError, match="no branch, tag or commit") as caught:
        open_commit(repo, ref)
    assert hint in caught.value.hint


def test_nothing_that_the_repos_settings_name_is_run(repo: Path, tmp_path: Path) -> None:
    spy, proof = tmp_path / "spy", tmp_path / "proof"
    spy.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    spy.chmod(0o755)
    commit_files(repo, {".gitattributes": "*.md export-ignore filter=spy\n", "a.md": "x"})
    for setting in ("core.fsmonitor", "filter.spy.smudge", "filter.spy.clean", "core.sshCommand"):
        git("config", setting, str(spy), cwd=repo)
    for hook in ("post-index-change", "reference-transaction"):
        (repo / ".git/hooks").mkdir(exist_ok=True)
        (repo / ".git/hooks" / hook).write_bytes(spy.read_bytes())
        (repo / ".git/hooks" / hook).chmod(0o755)
    for files in (open_files(repo), open_commit(repo, "HEAD")):
        assert "a.md" not in files.paths()
        assert require_hubconf(read_repo(files)).entrypoints
    assert not proof.exists()
