from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import pytest

from hubkit.scaffold import read_discovery, read_work_tree, write_git_repo
from tests.git_host import git
from tests.scaffold.conftest import write_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_folder_tells_its_name(tmp_path: Path) -> None:
    found = read_discovery(tmp_path / "Shape Net")
    assert (found.folder, found.module, found.repo) == (
        "Shape Net",
        "shape_net",
        "your-name/Shape-Net",
    )
    assert found.author == "The Shape Net authors"
    assert found.year == dt.datetime.now(tz=dt.timezone.utc).year
    assert (found.has_code, found.has_hubconf) == (False, False)
    assert (found.config_file, found.license_file, found.license) == ("", "", "")


def test_git_tells_author_and_repo(tmp_path: Path) -> None:
    git("init", "--quiet", cwd=tmp_path)
    git("config", "user.name", "Ada Lovelace", cwd=tmp_path)
    git("remote", "add", "origin", "https://github.com/acme/shapes.git", cwd=tmp_path)
    found = read_discovery(tmp_path)
    assert (found.author, found.repo) == ("Ada Lovelace", "acme/shapes")
    assert read_discovery(tmp_path / "part").repo == "acme/part"


@pytest.mark.parametrize(
    ("url", "repo"),
    [
        ("git@github.com:acme/shapes.git", "acme/shapes"),
        ("ssh://git@github.com/acme/shape.net", "acme/shape.net"),
        ("https://user:secret@github.com/acme/shapes/", "acme/shapes"),
        ("https://example.org/acme/shapes", "your-name/here"),
        ("../shapes", "your-name/here"),
    ],
)
def test_remotes_are_read_in_every_spelling(url: str, repo: str, tmp_path: Path) -> None:
    target = tmp_path / "here"
    target.mkdir()
    git("init", "--quiet", cwd=target)
    git("remote", "add", "origin", url, cwd=target)
    assert read_discovery(target).repo == repo


def test_without_git_there_are_still_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = read_discovery(tmp_path / "shapes")
    assert (found.author, found.repo) == ("The shapes authors", "your-name/shapes")
    assert read_work_tree(tmp_path) is None
    assert not write_git_repo(tmp_path)


@pytest.mark.parametrize(
    ("names", "module", "has_code"),
    [
        ([], "here", False),
        (["README.md", "docs/x.md"], "here", False),
        (["train.py"], "here", True),
        (["shapenet/__init__.py", "tests/__init__.py"], "shapenet", True),
        (["a/__init__.py", "b/__init__.py"], "here", True),
        (["models/__init__.py"], "here", True),
    ],
)
def test_an_existing_package_gives_the_module_name(
    names: list[str], module: str, *, has_code: bool, tmp_path: Path
) -> None:
    write_tree(tmp_path / "here", dict.fromkeys([".keep", *names], ""))
    found = read_discovery(tmp_path / "here")
    assert (found.module, found.has_code) == (module, has_code)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("hubkit.toml", '[init]\ntemplate = "minimal"\nentrypoint = "net"\ndocs = true\n'),
        (
            "pyproject.toml",
            '[tool.hubkit.init]\ntemplate = "minimal"\nentrypoint = "net"\ndocs = true\n',
        ),
    ],
)
def test_earlier_answers_are_read_back(file: str, text: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {file: text})
    found = read_discovery(tmp_path)
    assert found.config_file == file
    assert found.template == "minimal"
    assert dict(found.answers) == {"entrypoint": "net", "docs": "yes"}


@pytest.mark.parametrize("text", ["[tool.ruff]\n", "[tool.hubkit", "tool = 1\n", ""])
def test_a_pyproject_without_hubkit_is_not_a_config(text: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {"pyproject.toml": text})
    found = read_discovery(tmp_path)
    assert not found.config_file
    assert not found.answers


def test_a_git_repo_is_made_on_main_whatever_git_would_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text("[init]\n\tdefaultBranch = trunk\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.fspath(config))
    target = tmp_path / "target"
    target.mkdir()
    assert write_git_repo(target)
    assert git("symbolic-ref", "HEAD", cwd=target) == "refs/heads/main"
    assert read_work_tree(target) == target.resolve()
