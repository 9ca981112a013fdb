"""What shows that something runs: after a while, replaced on a terminal, in lines elsewhere."""

from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit._util import progress
from hubkit._util.console import echo, note
from hubkit._util.progress import show_progress, show_wait
from hubkit.cli import main
from hubkit.commands.base import subcommand
from hubkit.hubdir import find_damage, read_inventory
from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = pytest.mark.usefixtures("progress_shown")


class Screen(io.StringIO):
    """Standard error, which tells when a text was written to it."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self.written = threading.Event()

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        done = super().write(text)
        self.written.set()
        return done

    @property
    def shown(self) -> str:
        """The lines as a terminal shows them."""
        lines = []
        for line in self.getvalue().split("\n"):
            cells: list[str] = []
            at = 0
            for letter in line:
                if letter == "\r":
                    at = 0
                    continue
                cells[at : at + 1] = letter
                at += 1
            lines.append("".join(cells).rstrip())
        return "\n".join(lines).rstrip("\n")

    def wait(self) -> None:
        """Wait until something is written since the last time."""
        assert self.written.wait(120)
        self.written.clear()


def watch(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> Screen:
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(progress, "AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    return screen


def test_a_terminal_shows_one_line_and_then_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch, is_terminal=True)
    monkeypatch.setattr(progress, "_REDRAWN", 0.01)
    with show_wait("Checking x\x1b[2J") as part:
        screen.wait()
        assert re.fullmatch(r"Checking x\\x1b\[2J \(\d+ s\)", screen.shown)
        part("pin\x07 2")
        screen.wait()
        screen.wait()
        assert re.fullmatch(r"Checking x\\x1b\[2J: pin\\x07 2 \(\d+ s\)", screen.shown)
    assert screen.shown == ""


def test_a_log_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch, is_terminal=False)
    with show_wait("Checking x"):
        screen.wait()
        screen.wait()
    lines = screen.getvalue().splitlines()
    assert len(lines) >= 2
    assert all(re.fullmatch(r"Checking x \(\d+ s\)", line) for line in lines)


def test_what_is_quick_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch, is_terminal=True)
    monkeypatch.setattr(progress, "AFTER", 1e6)
    with show_wait("Checking x"):
        pass
    with show_wait("Checking x", wanted=False), show_progress("x", 5, unit="pins") as advance:
        advance(5)
    assert screen.shown == ""


def test_lines_are_printed_in_place_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch, is_terminal=True)
    monkeypatch.setattr(progress, "_REDRAWN", 1e6)
    with show_wait("Checking everything"):
        screen.wait()
        echo("short", err=True)
    assert screen.shown == "short"


def test_the_line_belongs_to_a_bar_while_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watch(monkeypatch, is_terminal=True)
    monkeypatch.setattr(progress, "_REDRAWN", 0.01)
    with show_wait("Checking x"), show_wait("inside"):
        screen.wait()
        with show_progress("net.pt", 10**8) as advance:
            advance(1)
            before = screen.getvalue().count("Checking")
            advance(10**7)
            assert screen.getvalue().count("Checking") == before
        screen.wait()
    assert "inside" not in screen.getvalue()
    assert "net.pt" in screen.getvalue()


def test_a_quiet_command_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    @subcommand()
    def command() -> None:
        with show_wait("Checking x"):
            note("a note")
        with show_progress("net.pt", 10**8) as advance:
            advance(10**8)

    monkeypatch.setattr("hubkit.commands.list_.command", command)
    monkeypatch.setattr(progress, "AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    assert CliRunner().invoke(main, ["list", "-q"]).stderr == ""
    assert "net.pt: " in CliRunner().invoke(main, ["list"]).stderr


def test_verifying_the_hub_dir_shows_how_much_is_read(
    git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": "", "data.bin": b"x" * (3 << 20)})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    assert (
        CliRunner().invoke(main, ["lock", "own/rep:main", "-o", str(tmp_path / "l")]).exit_code == 0
    )
    screen = watch(monkeypatch, is_terminal=False)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    assert not list(find_damage(read_inventory()))
    assert screen.getvalue().startswith("verify: 3.1 of 3.1 MB")


def test_a_fetch_with_git_shows_that_it_runs(
    hub_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not hub_dir.exists()
    commit_files(tmp_path / "rep", {"hubconf.py": "def net():\n    return 1\n"})
    address = f"git+file://{tmp_path}/rep"
    waits: list[str] = []
    shown = progress.show_wait

    def record(what: str, *, wanted: bool = True) -> object:
        waits.append(what)
        return shown(what, wanted=wanted)

    monkeypatch.setattr("hubkit.hubdir.git.show_wait", record)
    assert CliRunner().invoke(main, ["list", address]).exit_code == 0
    assert waits
    assert all(re.fullmatch(r"Fetching file://\S+ with git", one) for one in waits)
