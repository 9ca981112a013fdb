"""Completion, in real shells as far as they are installed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import CompletionItem, ShellComplete
from click.testing import CliRunner

from hubkit.cli import main
from hubkit.commands import COMMANDS
from hubkit.commands.completion import SHELLS
from tests.commands.tree import COMMANDS as TREE
from tests.git_host import commit_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.git_host import GitHost

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of Unix")

HUBCONF = "def tiny():\n    return 1\n\n\ndef tiny_gray():\n    return 1\n"


@pytest.fixture
def cached(git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a repo; the hub dir has one, and nothing else can be reached."""
    commit_files(tmp_path / "rep", {"hubconf.py": HUBCONF})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    assert CliRunner().invoke(main, ["list", "own/rep:main"]).exit_code == 0
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    here = tmp_path / "here"
    here.mkdir()
    (here / "hubconf.py").write_text("def mine():\n    return 1\n")
    monkeypatch.chdir(here)
    return here


def complete(line: str) -> list[CompletionItem]:
    words = line.split(" ")
    return ShellComplete(main, {}, "hubkit", "_HUBKIT_COMPLETE").get_completions(
        words[:-1], words[-1]
    )


def values(line: str) -> list[str]:
    return [one.value for one in complete(line) if one.type == "plain"]


def test_commands_and_options_are_completed() -> None:
    assert values("") == list(COMMANDS)
    assert values("ca") == ["card", "cache"]
    assert [one.help for one in complete("rule")] == [COMMANDS["rules"]]
    assert values("cache l") == ["ls"]
    assert values("list --js") == ["--json"]
    assert values("check --fail-on er") == ["error"]
    assert values("--ver") == ["--version"]
    for line in ("explain hub10", "check --select HUB10", "conform --ignore hub10"):
        assert values(line)[:2] == ["HUB101", "HUB102"]


@pytest.mark.usefixtures("cached")
def test_repos_and_entrypoints_of_the_hub_dir_are_completed() -> None:
    for line in (
        "help o",
        "list ",
        "lock own/",
        "stubs ow",
        "status o",
        "trust add o",
        "cache rm o",
    ):
        assert values(line) == ["own/rep"], line
    assert values("help own/rep:") == ["own/rep:main"]
    assert values("help own/rep:main t") == ["tiny", "tiny_gray"]
    assert values("help other/rep t") == []
    assert values("help . ") == values("conform . m") == values("card --entrypoint m") == ["mine"]
    assert {one.type for one in complete("list ./")} == {"dir"}


@pytest.mark.usefixtures("cached")
def test_names_that_a_shell_would_run_are_not_completed(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_files(tmp_path / "evil", {"hubconf.py": HUBCONF}, branch="a$(id)")
    git_host.add_repo("evil", "rep", tmp_path / "evil")
    monkeypatch.delenv("HUBKIT_OFFLINE")
    assert CliRunner().invoke(main, ["list", "evil/rep:a$(id)"]).exit_code == 0
    assert values("help evil/rep:") == []
    assert values("help evil/r") == ["evil/rep"]


@pytest.mark.parametrize("name", TREE)
def test_every_argument_for_repos_is_completed(name: str, cached: Path) -> None:
    assert cached.is_dir()
    for one in TREE[name].params:
        shown = one.metavar or ""
        if isinstance(one, click.Argument) and "OWNER/NAME" in shown:
            context = click.Context(TREE[name], **main.context_settings)
            found = [item.value for item in one.shell_complete(context, "own")]
            assert "own/rep" in found, f"pass shell_complete=complete_repos to {one.name}"
        if "ENTRYPOINT" in shown or one.name == "entrypoint":
            context = click.Context(TREE[name], **main.context_settings)
            found = [item.value for item in one.shell_complete(context, "m")]
            if name != "init":  # which makes it
                assert found == ["mine"], f"pass shell_complete=complete_entrypoints to {one.name}"


@contextlib.contextmanager
def shell(*command: str) -> Iterator[Terminal]:
    """A shell on a terminal of its own."""
    ours, theirs = os.openpty()
    variables = {**os.environ, "TERM": "dumb", "PS1": "> ", "HISTFILE": "/dev/null"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


class Terminal:
    """What a user types and sees."""

    def __init__(self, file: int) -> None:
        self.file = file

    def type(self, text: str, wanted: str) -> None:
        """Type something and wait until a text is there."""
        os.write(self.file, text.encode())
        shown = ""
        while wanted not in shown:
            shown += os.read(self.file, 4096).decode(errors="replace")
            shown = re.sub(r"\x08|\x1b\[[0-9;?]*\w", "", shown)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "options", "setup"),
    [
        ("bash", ("--norc", "--noprofile", "-i"), ""),
        ("zsh", ("-f", "-i"), "autoload -Uz compinit; compinit -u; "),
    ],
)
def test_a_shell_completes_what_is_typed(
    name: str, options: tuple[str, ...], setup: str, cached: Path, tmp_path: Path
) -> None:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    assert cached.is_dir()
    script = tmp_path / "script"
    script.write_text(CliRunner().invoke(main, ["completion", name]).stdout)
    with shell(program, *options) as terminal:
        terminal.type(f"{setup}source {script}; echo rea''dy\n", "ready")
        terminal.type("hubkit hel\t", "hubkit help ")
        terminal.type("own/rep:m\t", "own/rep:main ")
        terminal.type("tiny_\t", "tiny_gray ")
        terminal.type("--js\t", "--json ")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_a_line(cached: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(CliRunner().invoke(main, ["completion", "fish"]).stdout)
    lines = ("hubkit hel", "hubkit help own/r", "hubkit help own/rep:", "hubkit help own/rep tiny_")
    asked = "; ".join(f"complete -C '{line}'" for line in lines)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {script}; {asked}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=cached,
    )
    shown = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert shown == ["help", "own/rep", "own/rep:main", "tiny_gray"]


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_is_printed_for_each_shell(name: str) -> None:
    done = CliRunner().invoke(main, ["completion", name])
    assert (done.exit_code, "_HUBKIT_COMPLETE" in done.stdout) == (0, True)
    assert CliRunner().invoke(main, ["completion", "csh"]).exit_code == 2
