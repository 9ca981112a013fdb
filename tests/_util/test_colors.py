"""Colors and links: where they are used, and that nothing else passes as one."""

from __future__ import annotations

import io
import sys

import pytest

from hubkit._util.colors import Palette, color_setting, join_painted, paint, use_color
from hubkit._util.text import Painted, align_columns, display_width, printable
from tests.doc_pages import DOCS

COLORED = "\x1b[36mnet\x1b[0m"
SITE = "https://docs.example/hubkit"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("TERM_PROGRAM", "VTE_VERSION", "WT_SESSION", "KONSOLE_VERSION", "TMUX"):
        monkeypatch.delenv(name, raising=False)


def test_painted_text_is_escaped_once() -> None:
    assert paint("net", "name") == COLORED
    assert paint("a\x1b[2J", "name") == "\x1b[36ma\\x1b[2J\x1b[0m"
    assert paint("net", "name", color=False) == "net"
    assert printable(paint("net", "name")) == COLORED
    assert join_painted("\x1b[2J ", paint("net", "name"), " \r") == f"\\x1b[2J {COLORED} \\r"


def test_what_is_made_of_painted_text_is_escaped_again() -> None:
    assert printable(f"{paint('net', 'name')} x").startswith("\\x1b")


def test_columns_are_as_wide_as_their_text() -> None:
    linked = Painted(f"\x1b]8;;https://x.example/\x1b\\{COLORED}\x1b]8;;\x1b\\")
    assert [display_width(one) for one in (paint("net", "name"), linked, "net")] == [3, 3, 3]
    lines = align_columns([(paint("net", "name"), "a\x1b"), ("longer", "b")])
    assert lines == [f"{COLORED}     a\\x1b", "longer  b"]


@pytest.mark.parametrize(
    ("variables", "setting"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, None),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "3"}, True),
    ],
    ids=str,
)
def test_variables_enable_and_disable_colors(
    variables: dict[str, str], setting: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert color_setting() is setting
    assert use_color(Terminal()) is (setting is not False)
    assert use_color(io.StringIO()) is False  # a report in a file
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert use_color(sys.stdout) is (setting is True)


@pytest.mark.parametrize(
    ("variables", "shows"),
    [
        ({}, False),
        ({"TERM_PROGRAM": "vscode"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"VTE_VERSION": "7006"}, True),
        ({"VTE_VERSION": "4200"}, False),
        ({"VTE_VERSION": "7006", "TERM": "screen-256color"}, False),
        ({"WT_SESSION": "1"}, True),
        ({"WT_SESSION": "1", "NO_COLOR": "1"}, False),
        ({"WT_SESSION": "1", "HUBKIT_DOCS_URL": ""}, False),
        ({"WT_SESSION": "1", "HUBKIT_DOCS_URL": "javascript:x"}, False),
        ({"WT_SESSION": "1", "HUBKIT_DOCS_URL": "https://x\x1b\\"}, False),
        ({"WT_SESSION": "1", "FORCE_HYPERLINK": "0"}, False),
    ],
    ids=str,
)
def test_links_are_written_where_the_terminal_shows_them(
    variables: dict[str, str], shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBKIT_DOCS_URL", f"{SITE}/")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    text = Painted("HUB105")
    linked = Palette(Terminal()).link("HUB105", text)
    page = f"\x1b]8;;{SITE}/rules/HUB105.html\x1b\\HUB105\x1b]8;;\x1b\\"
    assert linked == (page if shows else text)
    assert Palette(io.StringIO()).link("HUB105", text) == text
    assert Palette().link("HUB105", text) == text


def test_rules_and_checks_have_pages_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBKIT_DOCS_URL", SITE)
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    palette = Palette(sys.stdout)
    for code, folder in (("HUB105", "rules"), ("C204", "checks")):
        assert f"{SITE}/{folder}/{code}.html" in palette.link(code, Painted(code))
    source = (DOCS / "_ext" / "hubkit_docs.py").read_text("utf-8")
    assert """f"{'rules' if code.startswith('HUB') else 'checks'}/{code}\"""" in source
