"""Errors call a repo what the user called it, and only then say where its copy lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit import errors
from tests.git_host import GitHost, commit_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REPO = "acme/shapes:main"
HUBCONF = "def net():\n    return 1\n\n\nvalue = 1\n"


@pytest.fixture
def host(git_host: GitHost, tmp_path: Path) -> GitHost:
    commit_files(tmp_path / "work", {"hubconf.py": HUBCONF})
    git_host.add_repo("acme", "shapes", tmp_path / "work")
    commit_files(tmp_path / "other", {"hubconf.py": "dependencies = ['no_such_module']\n"})
    git_host.add_repo("acme", "other", tmp_path / "other")
    return git_host


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hubkit.load(REPO, "nett", trust_repo=True), "'nett' is not in {repo} ({path})."),
        (
            lambda: hubkit.load(REPO, "value", trust_repo=True),
            "is not callable in {repo} ({path}).",
        ),
        (lambda: hubkit.help(REPO, "nett"), "'nett' is not in {repo} ({path})."),
        (
            lambda: hubkit.load("acme/other", "net", trust_repo=True),
            "acme/other ({path}) needs modules that are not installed: no_such_module.",
        ),
    ],
    ids=["load", "not callable", "help", "dependencies"],
)
def test_the_repo_is_named_before_its_path(
    host: GitHost, call: Callable[[], object], message: str
) -> None:
    for _ in range(2):  # fetched, and then from the cache
        with pytest.raises(errors.HubconfError) as refused:
            call()
        found = refused.value.message
        path = found[found.index("(") + 1 : found.index(")")]
        assert path.endswith("hubconf.py")
        assert found.endswith(message.format(repo=REPO, path=path))
    assert host.requests


def test_a_damaged_copy_is_named_before_its_path(host: GitHost) -> None:
    assert hubkit.load(REPO, "net", trust_repo=True) == 1
    root = hubkit.loader.locate_repo(REPO)
    host.stop()
    (root / "hubconf.py").unlink()
    with pytest.raises(errors.HubkitError) as refused:
        hubkit.load("acme/shapes:main", "net")
    assert str(root) not in refused.value.message.partition(REPO)[0]


def test_a_folder_keeps_its_path(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    with pytest.raises(errors.EntrypointNotFoundError) as refused:
        hubkit.load(tmp_path, "nett")
    assert refused.value.message == f"Entrypoint 'nett' is not in {tmp_path / 'hubconf.py'}."
