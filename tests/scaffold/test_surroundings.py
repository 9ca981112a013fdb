"""What lies around and in the way when ``hubkit init`` publishes code that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files, git
from tests.scaffold.conftest import entrypoints, init, read_tree, write_tree
from tests.scaffold.samples import MADE, SAMPLE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_tree(tmp_path / "here", SAMPLE)
    monkeypatch.chdir(folder)
    return folder


def test_the_work_tree_is_what_it_was_but_for_the_new_files(here: Path) -> None:
    commit_files(here, {})
    init("--defaults")
    changed = git("status", "--porcelain", "--untracked-files=all", cwd=here).splitlines()
    assert {line[3:] for line in changed} == MADE
    assert all(line.startswith("??") for line in changed)


@pytest.mark.parametrize("name", ["模型", "class", "3D nets", "a b's", "torch"])
def test_the_folders_name_may_be_anything(name: str, here: Path) -> None:
    target = write_tree(here.parent / name, SAMPLE)
    result = init(str(target), "--defaults")
    assert result.exit_code == 0, result.stderr
    assert "All checks passed." in result.stdout
    assert entrypoints(target) == ["tiny", "wide", "unet"]


def test_without_git_or_in_another_users_repo_it_says_so(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_files(here, {})
    part = write_tree(here / "part", SAMPLE)
    result = init("part", "--defaults")
    assert f"The folder is inside the git repo {here}" in result.stdout
    assert entrypoints(part) == ["tiny", "wide", "unet"]
    monkeypatch.setenv("PATH", str(here))
    result = init("--defaults")
    assert result.exit_code == 0, result.stderr
    assert "Next steps:\n  git init -b main\n" in result.stdout
    assert "unet" in entrypoints(here)


def test_a_failure_midway_leaves_it_as_it_was(here: Path) -> None:
    write_tree(here, {".github/workflows/hub.yml/x": "a folder in the way"})
    before = read_tree(here)
    result = init("--defaults")
    assert result.exit_code == 2
    assert "hub.yml is a folder, but must be a file" in result.stderr
    assert read_tree(here) == before


def test_links_that_leave_the_folder_are_not_followed(here: Path) -> None:
    outside = write_tree(here.parent / "outside", {"x": ""})
    (here / ".github").symlink_to(outside)
    before = read_tree(here)
    result = init("--defaults")
    assert result.exit_code == 2
    assert "would be outside" in result.stderr
    assert read_tree(here) == before
    assert [path.name for path in outside.iterdir()] == ["x"]
