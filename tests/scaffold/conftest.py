"""A template in a few lines, and a place where git knows nobody."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import pytest
from click.testing import CliRunner, Result

from hubkit.analysis import read_repo, require_hubconf
from hubkit.cli import main
from hubkit.scaffold import Discovery, Template, read_template
from tests.warm import warm_children

if TYPE_CHECKING:
    from pathlib import Path

FOUND = Discovery(
    folder="shapes", module="shapes", repo="acme/shapes", author="Ada Lovelace", year=2026
)


class MakeTemplate(Protocol):
    def __call__(self, manifest: str = "", **files: str) -> Template: ...


def write_tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    return folder


def read_tree(folder: Path) -> dict[str, bytes]:
    """Every file below the folder but git's own, and every empty folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"(folder)"
        for path in folder.rglob("*")
        if ".git" not in path.relative_to(folder).parts
        and (path.is_file() or not any(path.iterdir()))
    }


def init(*arguments: str, build: bool = False) -> Result:
    builds = [] if build else ["--no-build"]
    return CliRunner().invoke(main, ["init", *builds, *arguments])


def entrypoints(folder: Path) -> list[str]:
    return [one.name for one in require_hubconf(read_repo(folder)).entrypoints]


@pytest.fixture
def make_template(tmp_path: Path) -> MakeTemplate:
    def make(manifest: str = "", **files: str) -> Template:
        folder = write_tree(tmp_path / "template", {"template.toml": manifest, **files})
        return read_template(str(folder))

    return make


@pytest.fixture(autouse=True)
def _warm_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are built in children in which torch is imported already."""
    if request.node.get_closest_marker("torch"):
        warm_children(monkeypatch)


@pytest.fixture(autouse=True)
def _nobodys_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the user's, and no repo above the test's folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
