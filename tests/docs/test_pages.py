"""The commands of pages run as they are printed there, and print what the page shows.

A block of code that starts with ``# NAME`` is a file of the reader. Console blocks below
``<!-- run -->`` are run in order, in the repo that ``readers`` makes for the page. Other blocks of
commands say why they are not run.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.doc_pages import DOCS, expected, read_commands, run
from tests.docs.readers import make_repo
from tests.git_host import GitHost, commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = re.compile(
    r"```\w+\n(?P<content># (?P<name>[\w./-]+)\n.*?)```|<!-- run -->\n```console\n(?P<run>.*?)```",
    re.DOTALL,
)
TEXTS = {path.name: path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))}
NEEDS_TORCH = re.compile(r"^\$ (?:hubkit conform|hubkit weights|pytest)", re.MULTILINE)
COMMANDS = re.compile(r"(?:(<!--[^\n]*-->)\n)?[ ]*```(?:console|sh)\n(.*?)```", re.DOTALL)
MARK = re.compile(r"<!-- (?:run|story|not run: .+) -->")
SUITE = (pytest.mark.torch, pytest.mark.slow)
PAGES = [
    pytest.param(name, marks=SUITE if NEEDS_TORCH.search(text) else ())
    for name, text in TEXTS.items()
    if "<!-- run -->" in text
]
HUBCONF = '''\
import torch as _torch

dependencies = ["torch"]
_URL = "https://github.com/acme/shapes/releases/download/v0.1.0/shapes-9a129038.pth"


def shapes(pretrained: bool = False) -> _torch.nn.Module:
    """A small classifier.

    Args:
        pretrained: Load the weights.
    """
    model = _torch.nn.Linear(3, 4)
    if pretrained:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, map_location="cpu"))
    return model
'''


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    """A stand-in for GitHub, with acme/shapes on it."""
    folder = tmp_path_factory.mktemp("shapes")
    commit_files(folder, {"hubconf.py": HUBCONF})
    git("tag", "v0.1.0", cwd=folder)
    asset = tmp_path_factory.mktemp("dist") / "shapes-9a129038.pth"
    asset.write_bytes(b"weights")
    with GitHost() as host:
        host.add_repo("acme", "shapes", folder)
        host.add_asset("acme", "shapes", "v0.1.0", asset)
        yield host


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: GitHost) -> Path:
    """An empty repo, where the commands run."""
    folder = tmp_path / "nets"
    folder.mkdir()
    git("init", "-q", "-b", "main", cwd=folder)
    variables = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "Ada"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "ada@example.org"),
        "HUBKIT_GITHUB_URL": host.url,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TORCH_HOME": str(tmp_path / "torch"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", PAGES)
def test_every_command_prints_what_the_page_shows(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_repo(name, folder)
    for block in BLOCK.finditer(TEXTS[name]):
        if block["name"]:
            path = folder / block["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["content"], "utf-8")
        for command, lines in read_commands(block["run"] or ""):
            if command.startswith("cd "):
                monkeypatch.chdir(command.removeprefix("cd "))
                continue
            if command.startswith("export "):
                for pair in command.split()[1:]:
                    monkeypatch.setenv(*pair.split("=", 1))
                continue
            shown = run(command, check=False)
            assert re.fullmatch(expected(lines), shown), f"$ {command}\n{shown}"


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    unmarked = [
        f"{name}: {block.splitlines()[0]}"
        for name, text in TEXTS.items()
        if name != "publishing.md"  # tests/publish runs all of them
        for mark, block in COMMANDS.findall(text)
        if not MARK.fullmatch(mark)
    ]
    assert not unmarked


def test_messages_of_the_page_on_troubleshooting_are_in_the_source() -> None:
    page = (DOCS / "troubleshooting.md").read_text("utf-8")
    shown = re.findall(r"^### `(.+)`$", page, re.MULTILINE)
    texts = [
        node.value
        for package in ("hubkit", "pytest_hubkit")
        for path in (DOCS.parent / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    others = {"No module named 'hubkit'", "fixture 'hub_model' not found"}  # Python's and pytest's
    assert not [one for one in shown if one not in others and not any(one in t for t in texts)]
