"""Repos with links that lead out of them: nothing is read, printed or written there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from hubkit.reporters import FORMATS
from hubkit.source import open_commit, open_files
from tests.git_host import commit_files, git

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")

CANARY = "canary_9f1c"
# What each parser of ours would take for its own, and quote in a message.
SECRET = f"""\
# {CANARY}: torch.hub.load("acme/{CANARY}", "{CANARY}")
{CANARY} = 1; import {CANARY}x

def {CANARY}y(pretrained=True):
    return eval("{CANARY}")
"""
HUBCONF = "dependencies = []\n\n\ndef net():\n    return eval('1')\n"
NAMES = (
    "README.md",
    "hubconf.py",
    "MODEL_CARD.md",
    "pyproject.toml",
    "hubkit.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "LICENSE",
    "CHANGELOG.md",
    "CITATION.cff",
    ".gitattributes",
    "hubkit.lock",
    "hubkit-baseline.json",
    "net.py",
)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "outside" / "secret"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    commit_files(folder, {"hubconf.py": f"import net as _net\n\n{HUBCONF}", "net.py": "x = 1\n"})
    return folder


def link(repo: Path, name: str, target: Path | str) -> None:
    """Commit a link in place of a file."""
    (repo / name).unlink(missing_ok=True)
    (repo / name).parent.mkdir(exist_ok=True)
    (repo / name).symlink_to(target)
    git("add", "-A", cwd=repo)
    git("commit", "-qm", "link", cwd=repo)


# Who reads depends on the name, and how a link is followed on the way.
@pytest.mark.parametrize(
    ("way", "name"),
    [
        *(("through a folder", name) for name in NAMES),
        *((way, name) for way in ("absolute", "relative") for name in NAMES[:4]),
    ],
)
def test_commands_do_not_print_files_outside_of_the_repo(
    repo: Path, secret: Path, tmp_path: Path, name: str, way: str
) -> None:
    if way == "through a folder":
        link(repo, "docs", secret.parent)
        link(repo, name, "docs/secret")
    else:
        link(repo, name, secret if way == "absolute" else os.path.relpath(secret, repo))
    reports = {one: tmp_path / one for one in FORMATS}
    commands: tuple[tuple[str | Path, ...], ...] = (
        ("check", repo, "--select=ALL", *(f"--report={one}={at}" for one, at in reports.items())),
        ("check", repo, "--no-git", "--select=ALL"),
        ("check", repo, "--ref", "HEAD", "--select=ALL"),
        ("check", repo, "--fix", "--unsafe-fixes"),
        ("check", repo, "--diff", "--unsafe-fixes"),
        ("list", repo),
        ("help", repo, "net"),
        ("card", repo, "--stdout"),
        ("card", repo, "--diff"),
        ("init", repo, "--diff"),
        ("init", repo, "--dry-run"),
        ("release", repo, "--dry-run", "--level", "0"),
    )
    for command in commands:
        assert CANARY not in run(*command).output, command
    for one, at in reports.items():
        assert CANARY not in at.read_text("utf-8"), one
    assert secret.read_text() == SECRET


def test_a_link_to_what_git_does_not_track_is_not_read(repo: Path) -> None:
    """Such as a file with credentials that a CI system puts into the checkout."""
    (repo / ".gitignore").write_text("creds.json\n")
    link(repo, "README.md", "creds.json")
    (repo / "creds.json").write_text(SECRET)
    link(repo, "CHANGELOG.md", ".git/config")
    git("config", "hubkit.secret", CANARY, cwd=repo)
    for flags in ((), ("--ref", "HEAD")):
        assert CANARY not in run("check", repo, "--select=ALL", *flags).output
    files = open_files(repo)
    for name in ("README.md", "CHANGELOG.md"):
        with pytest.raises(OSError, match=r"git does not track|points outside the repo"):
            files.read(name)


def test_links_that_stay_in_the_repo_are_followed(repo: Path) -> None:
    commit_files(repo, {"docs/README.md": "Hello"})
    link(repo, "README.md", "docs/README.md")
    link(repo, "more", "docs")
    for files in (open_files(repo), open_commit(repo, "HEAD")):
        assert files.read_text("README.md") == "Hello"
        assert files.read_text("more/README.md") == "Hello"
        assert files.is_file("README.md")
        assert files.is_folder("more")


def test_names_and_sizes_behind_links_are_not_printed(repo: Path, secret: Path) -> None:
    link(repo, "data", secret.parent)
    files = open_files(repo)
    assert files.names("data") == files.strays("data") == frozenset()
    assert not files.is_folder("data")
    assert not files.is_file("data/secret")
    assert files.entry("data/secret") is None
    assert not files.is_file("../outside/secret")


def test_pipes_in_a_repo_do_not_block(repo: Path) -> None:
    for name in ("README.md", "hubkit.toml", "LICENSE", "setup.py", "hubkit-baseline.json"):
        os.mkfifo(repo / name)
    for command in (
        ("check", repo, "--no-git"),
        ("check", repo, "--no-git", "--update-baseline"),
        ("card", repo),
        ("init", repo, "--dry-run"),
    ):
        run(*command)


@pytest.mark.parametrize("setting", ["/abs", "../known.json", "x/../../known.json", "C:/known"])
def test_the_configured_baseline_must_be_in_the_repo(
    repo: Path, tmp_path: Path, setting: str
) -> None:
    name = str(tmp_path / "known.json") if setting == "/abs" else setting
    (repo / "hubkit.toml").write_text(f"baseline = {json.dumps(name)}\n")
    said = run("check", repo, "--update-baseline")
    assert said.exit_code == 2
    assert "baseline must be a path inside the repo" in said.stderr
    assert not (tmp_path / "known.json").exists()


@pytest.mark.parametrize("at", ["hubkit-baseline.json", "kept/known.json"])
def test_baselines_are_not_written_through_links(repo: Path, tmp_path: Path, at: str) -> None:
    (repo / "hubkit.toml").write_text(f'baseline = "{at}"\n')
    outside = tmp_path / "outside"
    outside.mkdir()
    if at == "kept/known.json":
        link(repo, "kept", outside)
    else:
        link(repo, at, outside / "known.json")
    said = run("check", repo, "--update-baseline")
    assert said.exit_code == 2
    assert "it points outside" in said.stderr
    assert list(outside.iterdir()) == []


def test_the_baseline_option_takes_any_path(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    assert run("check", repo, "--update-baseline", "--baseline", path).exit_code == 0
    assert run("check", repo, "--baseline", path).exit_code == 0


def test_reports_replace_links_and_go_into_pipes(repo: Path, secret: Path) -> None:
    link(repo, "report.json", secret)
    run("check", repo, "--report", f"json={repo / 'report.json'}", "--output-file", os.devnull)
    assert json.loads((repo / "report.json").read_text())["findings"]
    assert secret.read_text() == SECRET
    assert not Path(os.devnull).is_file()


@pytest.mark.torch
def test_weights_are_not_copied_through_a_link(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    outside = tmp_path / "outside"
    outside.mkdir()
    link(repo, "dist", outside)
    monkeypatch.chdir(repo)
    mine, behind = tmp_path / "net.pth", repo / "dist" / "net.pth"
    for file in (mine, behind):
        torch.save({"weight": torch.zeros(2)}, file)
    before = sorted(outside.rglob("*"))
    for arguments in ((mine, "--to", "dist"), (mine, "--to", "dist/inner"), (behind,)):
        said = run("weights", "add", *arguments)
        assert said.exit_code == 2
        assert "is a link that points outside the repo" in said.stderr
        assert sorted(outside.rglob("*")) == before
    assert run("weights", "add", mine, "--to", outside).exit_code == 0


def test_weights_are_not_recorded_through_a_link(
    repo: Path, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret.write_text("")
    link(repo, "pyproject.toml", secret)
    monkeypatch.chdir(repo)
    (tmp_path / "net.pth").write_bytes(b"weights")
    said = run("weights", "add", tmp_path / "net.pth", "--entrypoint", "net")
    assert said.exit_code == 2
    assert secret.read_text() == ""


def test_cards_are_not_written_through_links(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link(repo, "docs", outside)
    link(repo, "MODEL_CARD.md", outside / "card.md")
    assert run("card", repo).exit_code == 2
    assert run("card", repo, "--file", "docs/card.md").exit_code == 2
    assert list(outside.iterdir()) == []
