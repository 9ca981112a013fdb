"""What git can pack of a commit, and what a report says of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from hubkit.hubdir import digest_of_tree
from pytest_hubkit.checks import UndeclaredError
from pytest_hubkit.published import name_repo, publish

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

FILES = {"hubconf.py": 'def one():\n    """One."""\n', "data.txt": "some words\n"}


def blob_of(repo: HubRepo, path: str) -> str:
    done = subprocess.run(
        ["git", "rev-parse", f"HEAD:{path}"], cwd=repo.root, check=True, capture_output=True, text=True
    )  # fmt: skip
    return done.stdout.strip()


def test_a_commit_of_which_git_lacks_a_file_cannot_be_judged(repo: HubRepo) -> None:
    """As in a partial clone whose host is out of reach."""
    repo.write(FILES)
    repo.commit()
    blob = blob_of(repo, "data.txt")
    (repo.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    result = repo.run_here("--hubconf", "--hubconf-select=C101,C301", "-rs", "-k", "not check")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*git archive failed: *"])
    result.stdout.fnmatch_lines(["one * skipped *"])


def test_the_digest_is_that_of_the_files_as_they_are_locked(repo: HubRepo, tmp_path: Path) -> None:
    repo.write(FILES)
    repo.commit()
    published = publish(repo.root, tmp_path)
    assert published.digest == digest_of_tree(published.tree)


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("https://github.com/acme/shapes.git", "acme/shapes"),
        ("git@github.com:acme/shapes.py", "acme/shapes.py"),
        ("https://token@git.example.org/group/acme/shapes/", "acme/shapes"),
    ],
)
def test_a_repo_is_called_as_its_origin(repo: HubRepo, origin: str, name: str) -> None:
    repo.commit()
    assert name_repo(repo.root) == repo.root.name
    repo.git("remote", "add", "origin", origin)
    assert name_repo(repo.root) == name


def test_without_a_commit_nothing_is_published(repo: HubRepo, tmp_path: Path) -> None:
    with pytest.raises(UndeclaredError, match="is not a git repo"):
        publish(repo.root, tmp_path)


def test_packing_runs_no_program_of_the_repos(repo: HubRepo, tmp_path: Path) -> None:
    canary, spy = tmp_path / "canary", tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    spy.chmod(0o755)
    repo.write({**FILES, ".gitattributes": "*.txt filter=spy\n"})
    repo.commit()
    names = ("filter.spy.smudge", "filter.spy.clean", "tar.zip.command", "core.fsmonitor")
    for setting in names:
        repo.git("config", setting, str(spy))
    (repo.root / "data.txt").write_text("words some\n")
    (tmp_path / "room").mkdir()
    published = publish(repo.root, tmp_path / "room")
    assert (published.tree / "data.txt").read_text() == "some words\n"
    assert published.changes == ("data.txt",)
    assert not canary.exists()
