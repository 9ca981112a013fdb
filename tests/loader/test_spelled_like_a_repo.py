"""A folder in the working directory never stands in for the repo of its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import hubkit
from hubkit.cli import main
from hubkit.errors import FetchError, RepoNotFoundError, RepoSpecError
from hubkit.facts import RepoRef
from hubkit.hubdir.spec import parse_spec
from hubkit.loader import locate_repo
from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.git_host import GitHost

HUBCONF = (
    "from pathlib import Path as _Path\n_Path(CANARY).touch()\ndef which():\n    return 'folder'\n"
)

# Each is also the name of a folder below.
REPOS = [
    "own/rep",
    "own/rep@v1",
    "own/rep:v1",
    " own/rep",
    "git.example.org/own/rep",
    "https://git.example.org/own/rep",
    "git+https://git.example.org/own/rep",
    "git+ssh://git@git.example.org/own/rep",
    "git@git.example.org:own/rep",
]
NEITHER = ["rep", "a/b/c", "ftp://git.example.org/own/rep", "own/rep\\x", "https://a\\@b/own/rep"]


def make_folder(spec: str, canary: Path) -> None:
    """A hub repo in the working directory, in the folder that a text would be as a path."""
    Path(spec).mkdir(parents=True)
    Path(spec, "hubconf.py").write_text(HUBCONF.replace("CANARY", repr(str(canary))))


@pytest.fixture
def canary(git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the code of a folder would make; no request gets farther than this machine."""
    assert not git_host.requests
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "canary"


@pytest.fixture
def folder(canary: Path) -> str:
    """``own/rep`` in the working directory."""
    make_folder("own/rep", canary)
    return "own/rep"


CALLS: list[Callable[[str], object]] = [
    lambda spec: hubkit.load(spec, "which", trust_repo=True),
    lambda spec: hubkit.list(spec, trust_repo=True),
    lambda spec: hubkit.help(spec, "which", trust_repo=True),
    locate_repo,
]


@pytest.mark.parametrize("spec", REPOS)
def test_what_reads_as_a_repo_is_one(
    spec: str, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    make_folder(spec, canary)
    assert isinstance(parse_spec(spec), RepoRef)
    for call in CALLS:
        with pytest.raises(FetchError, match="offline"):
            call(spec)
    for command in (["check", spec], ["list", spec], ["help", spec, "which"], ["lock", spec]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code
        assert "offline" in done.stderr
    assert not canary.exists()


@pytest.mark.parametrize("spec", NEITHER)
def test_text_that_is_neither_repo_nor_folder_is_refused(spec: str, canary: Path) -> None:
    make_folder(spec, canary)
    for call in CALLS:
        with pytest.raises(RepoSpecError) as caught:
            call(spec)
        assert f'pass "./{spec}"' in caught.value.hint
    for command in (["check", spec], ["list", spec], ["help", spec, "which"], ["lock", spec]):
        assert CliRunner().invoke(main, command).exit_code
    assert not canary.exists()


def test_a_folder_that_is_written_as_one_is_one(
    folder: str, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = str(Path.cwd())
    monkeypatch.setenv("HOME", here)
    for spec in (f"./{folder}", f"../here/{folder}", f"{here}/{folder}", f"~/{folder}"):
        assert hubkit.load(spec, "which") == "folder"
        assert hubkit.list(spec) == ["which"]
        for command in (["list", spec], ["help", spec, "which"], ["check", spec, "--exit-zero"]):
            assert CliRunner().invoke(main, command).exit_code == 0
    assert hubkit.load(folder, "which", source="local") == "folder"
    assert canary.exists()


def test_it_does_not_come_before_the_repo(
    folder: str, git_host: GitHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": "def which():\n    return 'host'\n"})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    for _ in range(2):
        assert hubkit.load(folder, "which", trust_repo=True) == "host"
    assert caplog.text.count("Loading the repo own/rep on github.com, not the folder") == 1
    for spelling in ("./own/rep", tmp_path / "here" / "own" / "rep"):
        assert hubkit.load(spelling, "which") == "folder"
    assert hubkit.load(folder, "which", source="local") == "folder"


def test_a_command_says_which_of_the_two_it_takes(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hubkit", "list", folder],
        env={**os.environ, "HUBKIT_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'not the folder of that name. To use the folder, pass "./own/rep".' in done.stderr


def test_where_there_is_no_such_repo_the_error_says_how_to_mean_it(folder: str) -> None:
    with pytest.raises(RepoNotFoundError) as caught:
        hubkit.load(folder, "which", trust_repo=True)
    assert 'pass "./own/rep", or pass source="local"' in caught.value.hint
