"""Errors of the command line: mistyped commands, closed and full outputs, internal errors."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hubkit.cli import Context, HubkitGroup, main
from hubkit.commands import COMMANDS
from hubkit.errors import REQUIREMENTS
from tests.commands.test_check import SLOPPY, run
from tests.commands.tree import COMMANDS as TREE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

ROOT = Path(__file__).parent.parent.parent
FULL = Path("/dev/full")


class Broken(HubkitGroup):
    """A command line with a command that has a bug."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command."""

        @click.command()
        def command() -> None:
            raise LookupError(f"no {cmd_name} in {ctx.info_name}")

        return command


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(SLOPPY, "utf-8")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_summary_of_each_command(command: str) -> None:
    found = main.get_command(click.Context(main, **main.context_settings), command)
    assert found is not None
    assert found.get_short_help_str(100) == COMMANDS[command]


def test_a_command_with_a_hyphen_is_in_a_module_with_an_underscore(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = types.ModuleType("hubkit.commands.two_words")
    module.command = click.Command("two-words")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "two-words", "Two words.")
    assert (
        main.get_command(click.Context(main, **main.context_settings), "two-words")
        is module.command
    )


def test_an_unknown_format_gets_a_suggestion() -> None:
    for option in ("--output-format=sarfi", "--report=sarfi=x"):
        result = CliRunner().invoke(main, ["check", option])
        assert result.exit_code == 2
        assert "Did you mean `sarif`?" in result.stderr


def test_every_requirement_has_an_import_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = {re.match(r"[\w-]+", text)[0] for text in project["dependencies"]}  # type: ignore[index]
    assert required <= set(REQUIREMENTS.values())


@pytest.mark.parametrize(("module", "package"), [("click", "click"), ("yaml", "pyyaml")])
def test_a_missing_requirement_is_named(tmp_path: Path, module: str, package: str) -> None:
    """The command line needs click; a rule about model cards needs PyYAML."""
    code = f"import sys; sys.modules[{module!r}] = None\nfrom hubkit.__main__ import main; main()"
    (tmp_path / "hubconf.py").write_text("def net():\n    return 1\n", "utf-8")
    (tmp_path / "MODEL_CARD.md").write_text("---\ntags: [a]\n---\n# Net\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "--no-cache"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"error: hubkit needs the package {module}, which is not installed.\n"
        f'hint: Install it: pip install "{package}"\n'
    )


def test_internal_errors_are_not_findings() -> None:
    done = CliRunner().invoke(Broken("hubkit"), ["check"])
    assert done.exit_code == 2
    assert "LookupError: no check in hubkit" in done.stderr
    assert 'test_command_line.py", line ' in done.stderr
    assert "error: Internal error: LookupError.\nhint: Please" in done.stderr


def test_a_mistyped_command_gets_a_suggestion() -> None:
    done = CliRunner().invoke(main, ["chek"])
    assert (done.exit_code, "Did you mean `check`?" in done.stderr) == (2, True)
    assert "Did you mean" not in CliRunner().invoke(main, ["bogus"]).stderr


def test_summaries_of_commands_are_whole_sentences() -> None:
    lines = CliRunner().invoke(main, ["--help"]).stdout.partition("Commands:\n")[2].splitlines()
    assert lines
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["check", "check --help", "rules", "explain HUB105"])
def test_a_full_disk_is_reported(repo: Path, command: str) -> None:
    done = run(f"hubkit {command} > /dev/full", repo)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: Cannot write the output: No space left on device.\n")
    assert run(f"hubkit {command} > /dev/full 2>&1", repo).returncode == 2


@pytest.mark.parametrize("command", ["rules", "rules --json", "check -h", "explain", "doctor"])
def test_a_reader_that_closes_the_pipe_ends_the_command(repo: Path, command: str) -> None:
    done = run(f"(hubkit {command}; echo $? >&2) | true", repo)
    assert done.stderr in (b"141\n", b"0\n")  # 0 if all was written before


def test_closed_streams_do_not_change_the_exit_code(repo: Path) -> None:
    done = run("hubkit check >&-", repo)
    assert (done.returncode, done.stderr) == (1, b"")
    assert run("hubkit check 2>&-", repo).returncode == 1
    assert run("hubkit check nowhere 2>&-", repo).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "example"),
    [
        ((), "hubkit help . unet"),
        (("net",), "hubkit help . net"),
        (("own/rep",), "hubkit help own/rep unet"),
    ],
)
def test_help_without_an_entrypoint_shows_an_example(
    arguments: tuple[str, ...], example: str
) -> None:
    done = CliRunner().invoke(main, ["help", *arguments])
    assert (done.exit_code, f"`{example}`" in done.stderr) == (2, True)
    assert "hubkit COMMAND --help" in done.stderr


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_colors_can_be_disabled(
    repo: Path, variable: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    colored = show_on_terminal("help", ".", "net", folder=repo)
    assert b"\033[" in colored
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    for arguments in (("help", ".", "net"), ("check",), ("check", "nowhere")):
        assert b"\033[" not in show_on_terminal(*arguments, folder=repo)


def show_on_terminal(*arguments: str, folder: Path) -> bytes:
    """What a command shows on a terminal of its own."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hubkit", *arguments],
        cwd=folder,
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so when nobody holds the other end any more
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    process.wait()
    return shown


def test_list_reports_that_there_are_no_entrypoints(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("dependencies = []\n")
    done = CliRunner().invoke(main, ["list", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "No entrypoints found" in done.stderr


def test_list_runs_a_hubconf_in_a_folder_only_with_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    made = f"__import__('pathlib').Path({str(canary)!r}).touch()\nglobals()['made'[:]] = print\n"
    (tmp_path / "hubconf.py").write_text(made)
    done = CliRunner().invoke(main, ["list", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert "--run" in done.stderr
    assert not canary.exists()
    done = CliRunner().invoke(main, ["list", "--run", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, "made\n")
    assert canary.exists()
    done = CliRunner().invoke(main, ["list", "--run", "owner/name"])
    assert done.exit_code == 2


def read_help(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """What --help prints on a terminal of some width, without colors."""
    monkeypatch.setenv("COLUMNS", str(columns))
    context = Context(main, info_name="hubkit", **main.context_settings)
    shown = TREE[name].get_help(Context(TREE[name], info_name=name, parent=context))
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


@pytest.mark.parametrize("columns", [36, 44, 80, 100])
@pytest.mark.parametrize("name", TREE)
def test_help_fits_the_terminal_and_breaks_no_word(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = read_help(name, columns, monkeypatch)
    assert shown.split() == read_help(name, 200, monkeypatch).split()
    wide = [line for line in shown.splitlines() if len(line) > columns]
    # Terms, such as options with their values, stay on one line; and so do words.
    assert not [line for line in wide if not line.startswith("  -") and len(line.split()) > 1]


def test_help_is_colored_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in CliRunner().invoke(main, ["list", "-h"]).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = CliRunner().invoke(main, ["list", "-h"])
    assert done.exit_code == 0, (done.output, done.exception, done.exc_info)
    shown = done.stdout
    assert "\x1b[1;32mUsage:\x1b[0m \x1b[36mmain list\x1b[0m [OPTIONS]" in shown
    assert "\x1b[36m--json\x1b[0m" in shown
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(main, ["list", "-h"]).stdout


@pytest.mark.parametrize(
    ("arguments", "painted"),
    [
        ("check", "\x1b[1mhubconf.py\x1b[0m:"),
        ("check", "\x1b[1;34m2 |\x1b[0m"),
        ("check --output-format concise", "\x1b[1mhubconf.py\x1b[0m:"),
        ("list", "\x1b[36mnet\x1b[0m"),
        ("rules", "\x1b[36mHUB001\x1b[0m"),
        ("explain HUB001", "\x1b[1m hubconf-missing\x1b[0m"),
        ("cache ls", "\x1b[1mSIZE\x1b[0m"),
        ("init new --defaults --dry-run", "\x1b[32mwould create   \x1b[0m"),
    ],
)
def test_results_are_colored_where_that_is_forced(
    arguments: str, painted: str, repo: Path, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hub_dir / "checkpoints").mkdir(parents=True)
    (hub_dir / "checkpoints" / "net.pth").write_bytes(b"weights")
    monkeypatch.chdir(repo)
    plain = CliRunner().invoke(main, arguments.split()).stdout
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    colored = CliRunner().invoke(main, arguments.split()).stdout
    assert painted in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain
    assert CliRunner().invoke(main, [*arguments.split(), "--json"]).stdout.count("\x1b") == 0
