"""``hubkit init --site``: the job is that of the host that git's remote leads to."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

from hubkit.cli import main
from tests.git_host import git

if TYPE_CHECKING:
    from pathlib import Path


def init(folder: Path, remote: str, *more: str) -> None:
    folder.mkdir(exist_ok=True)
    git("init", "--quiet", cwd=folder)
    if remote:
        git("config", "remote.origin.url", remote, cwd=folder)
    options = ("--defaults", "--site", "--repo", "acme/nets", *more)
    done = CliRunner().invoke(main, ["init", str(folder), *options])
    assert done.exit_code == 0, done.output


def test_github(tmp_path: Path) -> None:
    init(tmp_path / "nets", "https://github.com/acme/nets.git")
    assert (tmp_path / "nets/.github/workflows/site.yml").is_file()
    assert not list((tmp_path / "nets").glob(".gitlab*"))


@pytest.mark.parametrize("remote", ["git@gitlab.com:acme/nets.git", "https://gitlab.acme.org/a/b"])
def test_gitlab(tmp_path: Path, remote: str) -> None:
    folder = tmp_path / "nets"
    init(folder, remote)
    assert not (folder / ".github/workflows/site.yml").exists()
    assert yaml.safe_load((folder / ".gitlab-ci.yml").read_text()) == {
        "include": [{"local": "/.gitlab/site.yml"}]
    }
    job = yaml.safe_load((folder / ".gitlab/site.yml").read_text())["pages"]
    assert job["script"][-1] == f"hubkit site --out {job['artifacts']['paths'][0]}"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    files = [str(folder / ".gitlab-ci.yml"), str(folder / ".gitlab/site.yml")]
    done = subprocess.run([*command, *files], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_repo_without_a_remote_is_told_the_host(tmp_path: Path) -> None:
    for host, wanted in (("gitlab", ".gitlab/site.yml"), ("github", ".github/workflows/site.yml")):
        init(tmp_path / host, "", "--host", host)
        jobs = {".gitlab/site.yml", ".github/workflows/site.yml"}
        assert [one for one in jobs if (tmp_path / host / one).exists()] == [wanted]
    # The answer is recorded.
    init(tmp_path / "gitlab", "")
    assert not (tmp_path / "gitlab/.github/workflows/site.yml").exists()


def test_pipelines_of_the_author_stay(tmp_path: Path) -> None:
    folder = tmp_path / "nets"
    folder.mkdir()
    (folder / ".gitlab-ci.yml").write_text("test:\n  script: [make]\n")
    init(folder, "git@gitlab.com:acme/nets.git")
    assert (folder / ".gitlab-ci.yml").read_text() == "test:\n  script: [make]\n"
    assert (folder / ".gitlab/site.yml").is_file()
