"""What all commands share: ``-q``, ``-v`` and ``--json``, with one meaning everywhere."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from hubkit._util.console import detail, note
from hubkit._util.git import _shown
from hubkit._util.logs import log
from hubkit.cli import main
from hubkit.commands.base import Command, print_answer, subcommand
from tests.commands.tree import COMMANDS
from tests.doc_pages import DOCS
from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

HUBCONF = '''dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line.

    Args:
        pretrained: Load weights.
    """
    return _torch.nn.Linear(1, 1)
'''
# They do something, and there is nothing to read but that they did.
ONLY_ACT = {"completion", "trust add", "trust remove"}
ANSWERING = sorted(COMMANDS.keys() - ONLY_ACT)
# Where nothing of a repo or a hub dir is needed; the report of the linter has a form of its own.
SIMPLE = (
    "cache dir",
    "cache ls",
    "cache verify",
    "cache prune --dry-run",
    "card --repo own/rep",
    "card --repo own/rep --check",
    "card --repo own/rep --diff",
    "explain HUB105 HUB1",
    "help . net",
    "init --list",
    "init new --defaults --dry-run",
    "init new --defaults --diff",
    "init new --defaults",
    "list",
    "release --tag v1.0 --dry-run --level 0 --repo own/rep",
    "rules",
    "rules --output-format json",
    "status",
    "site --out site --repo own/rep",
    "stubs .",
    "stubs . -o typed.py --check",
    "stubs . -o typed.py",
    "trust list",
)


def run(line: str) -> Result:
    return CliRunner().invoke(main, line.split())


@pytest.fixture
def repo(tmp_path: Path, hub_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    commit_files(folder, {"hubconf.py": HUBCONF, "LICENSE": "MIT\n"})
    assert not hub_dir.exists()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_quiet_and_verbose(name: str) -> None:
    command = COMMANDS[name]
    assert isinstance(command, Command), "make it with subcommand() of hubkit/commands/base.py"
    spellings = [option for one in command.params for option in one.opts]
    assert {"-q", "--quiet", "-v", "--verbose"} <= set(spellings)
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_answers_something_can_answer_in_json(name: str) -> None:
    options = {option for one in COMMANDS[name].params for option in one.opts}
    assert ("--json" in options) is (name not in ONLY_ACT)


def test_the_list_of_commands_without_json_is_current() -> None:
    assert COMMANDS.keys() >= ONLY_ACT


def test_the_fields_of_every_answer_are_documented() -> None:
    page = (DOCS / "formats.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?`) \| ", page, re.MULTILINE)
    shown = {name for row in rows for name in re.findall(r"`(.+?)`", row)}
    assert not set(ANSWERING) - shown - {"check"}


@pytest.mark.parametrize("name", ANSWERING)
def test_every_json_error_is_a_document(name: str, repo: Path) -> None:
    assert repo.is_dir()
    done = run(f"{name} --json --no-such-option")
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["schema"], answer["command"]) == (2, 1, name)
    assert answer["error"]["kind"] == "UsageError"
    assert "--no-such-option" in answer["error"]["message"]
    assert "--no-such-option" in done.stderr


def test_an_error_of_hubkit_is_a_document_too(repo: Path) -> None:
    assert repo.is_dir()
    for line in ("list nowhere/", "check nowhere/", "help . nett", "lock --check"):
        done = run(f"{line} --json")
        error = json.loads(done.stdout)["error"]
        assert error["kind"].endswith("Error")
        assert error["message"] in done.stderr
        assert error["hint"] in done.stderr
        assert done.exit_code in (1, 2)


def test_an_internal_error_is_a_document_too(monkeypatch: pytest.MonkeyPatch) -> None:
    done = _call(lambda: int("no"), monkeypatch, "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["kind"], done.exit_code) == ("InternalError", 2)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("line", SIMPLE)
def test_answers_have_one_envelope(line: str, repo: Path) -> None:
    assert repo.is_dir()
    done = run(f"{line} --json")
    answer = json.loads(done.stdout)
    assert list(answer)[:2] == ["schema", "command"]
    assert line.startswith(answer["command"])
    assert answer["command"] in COMMANDS
    assert "error" not in answer, answer
    assert done.stdout.isascii()


def test_a_release_is_described(repo: Path) -> None:
    sha = commit_files(repo, {"README.md": "# Net\n"})
    answer = json.loads(run("release --tag v1.0 --repo own/rep --level 0 --json").stdout)
    assert (answer["tag"], answer["repo"], answer["commit"]) == ("v1.0", "own/rep", sha)
    assert {one["state"] for one in answer["checks"]} <= {"ok", "note", "missing"}


def test_pins_are_described(git_host: GitHost, tmp_path: Path, monkeypatch: Any) -> None:
    sha = commit_files(tmp_path / "rep", {"hubconf.py": HUBCONF})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    monkeypatch.chdir(tmp_path)
    made = json.loads(run("lock own/rep:main --json").stdout)
    assert made["repos"] == [{"repo": "own/rep:main", "sha": sha}]
    assert made["not_pinned"] == []
    checked = json.loads(run("lock --check --json").stdout)
    assert [one["state"] for one in checked["pins"]] == ["ok"]
    fetched = json.loads(run("lock --fetch --json").stdout)
    assert fetched["repos"] == made["repos"]
    removed = json.loads(run("cache rm own/rep --dry-run --json").stdout)
    assert (removed["dry_run"], len(removed["removed"]), removed["kept"]) == (True, 1, [])


def test_json_is_another_name_for_the_format_of_check(repo: Path) -> None:
    assert repo.is_dir()
    assert run("check --json").stdout == run("check --output-format json").stdout
    done = run("check --json --output-format sarif")
    assert json.loads(done.stdout)["error"]["kind"] == "UsageError"


@pytest.mark.parametrize(
    "line",
    ["init new --defaults", "cache ls", "cache verify", "status", "card --repo own/rep", "check"],
)
def test_a_quiet_command_prints_nothing_but_results(line: str, repo: Path) -> None:
    assert repo.is_dir()
    done = run(f"{line} -q")
    assert (done.exit_code, done.stderr) == (0, "")
    assert not done.stdout


def test_a_quiet_command_reports_errors(repo: Path) -> None:
    assert repo.is_dir()
    assert "error: " in run("list nowhere/ -q").stderr
    assert "cannot be combined" in run("list -q -v").stderr


def _call(act: Any, monkeypatch: pytest.MonkeyPatch, *options: str) -> Result:
    """Run a command line whose command ``list`` calls a function."""

    @subcommand(answers=True)
    def command(*, as_json: bool) -> None:
        act()
        if as_json:
            print_answer({"done": True})

    monkeypatch.setattr("hubkit.commands.list_.command", command)
    return CliRunner().invoke(main, ["list", *options])


def test_each_degree_prints_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def act() -> None:
        note("a note")
        detail("a detail")
        log.debug("a request to %s", "host")
        log.info("a step")
        log.warning("a doubt about %s", "it")

    shown = {option: _call(act, monkeypatch, *option.split()).stderr for option in LINES}
    for option, lines in LINES.items():
        for line in ("a note", "a detail", "a request to host", "a step"):
            assert (f"{line}\n" in shown[option]) is (line in lines), (option, line)
    assert "warning: a doubt about it\n" in shown["-v"]
    assert "hubkit 0." in shown["-v"]
    assert "Finished after" in shown["-v"]
    assert log.level == logging.NOTSET
    assert not log.handlers


def test_a_check_says_what_it_reads_and_calls(repo: Path) -> None:
    shown = run("check -vv").stderr
    assert f"Reading {repo}\n" in shown
    assert "Settings: none\n" in shown
    assert "git -C . ls-files " in shown
    assert "core.hooksPath" not in shown
    assert "git " not in run("check -v").stderr


def test_logins_in_calls_of_git_are_not_shown() -> None:
    command = ["/usr/bin/git", "--no-pager", "-c", "a=b", "fetch", "https://me:pw@host.example/a/b"]
    assert _shown(command) == "git fetch https://host.example/a/b"


LINES = {
    "": ("a note",),
    "-q": (),
    "-v": ("a note", "a detail", "a step"),
    "-vv": ("a note", "a detail", "a step", "a request to host"),
    "-vvv": ("a note", "a detail", "a step", "a request to host"),
}


def test_nothing_but_the_document_is_on_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    from hubkit._util.console import echo, echo_data

    def act() -> None:
        echo("for people")
        echo_data("a patch")

    done = _call(act, monkeypatch, "--json")
    assert json.loads(done.stdout) == {"schema": 1, "command": "list", "done": True}
    assert done.stderr == "for people\n"
    assert _call(act, monkeypatch, "--json", "-q").stderr == ""
    assert _call(act, monkeypatch).stdout == "for people\na patch"


def test_a_group_suggests_its_commands() -> None:
    done = run("cache lss")
    assert (done.exit_code, "Did you mean `ls`?" in done.stderr) == (2, True)
