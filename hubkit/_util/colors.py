"""Colors and links of terminals."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hubkit._util.addresses import find_address
from hubkit._util.text import Painted, printable

if TYPE_CHECKING:
    from typing import TextIO

_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "hint": "1;36",
    "heading": "1;32",
    "bold": "1",
    "name": "36",
    "gutter": "1;34",
    "ok": "32",
    "doubtful": "33",
    "failed": "31",
}
# Terminals that show links; those on libvte, Konsole and Windows Terminal set variables of their own.
_LINKING_PROGRAMS = {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio", "Tabby"}
_LINKING_TERMS = {"xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "wezterm"}
_FIRST_VTE = 5000


def paint(text: object, style: str, *, color: bool = True) -> Painted:
    """The text, escaped, in a style.

    Args:
        text: The text.
        style: A key of the table above; "" for none.
        color: False only escapes the text.
    """
    plain = printable(str(text))
    return Painted(f"\033[{_STYLES[style]}m{plain}\033[0m" if color and style else plain)


def join_painted(*parts: object) -> Painted:
    """A line of parts. Those that are not painted are escaped."""
    return Painted(
        "".join(printable(part if isinstance(part, str) else str(part)) for part in parts)
    )


class Palette:
    """Paints what is written to a stream.

    Args:
        stream: The stream; None for text that is neither colored nor linked.
        color: Whether to use colors, if it is known.
    """

    def __init__(self, stream: TextIO | None = None, *, color: bool | None = None) -> None:
        colored = stream is not None and use_color(stream)
        self.has_colors = colored if color is None else color
        self.has_links = stream is not None and shows_links(stream)

    def paint(self, text: object, style: str) -> Painted:
        """The text, escaped, in a style."""
        return paint(text, style, color=self.has_colors)

    def link(self, code: str, text: Painted) -> Painted:
        """The text as a link to the page of a rule or check, if its address is known."""
        return link(code, text) if self.has_links else text


def link(code: str, text: Painted) -> Painted:
    """The text as a link of terminals to the page of a rule or check, if its address is known."""
    page = find_page(code)
    return Painted(f"\033]8;;{page}\033\\{text}\033]8;;\033\\") if page else text


def find_page(code: str) -> str:
    """The address of the page of a rule or check in the documentation; "" if it is unknown.

    Args:
        code: The code, such as "HUB105" or "C204".
    """
    site = find_docs()
    folder = "rules" if code.startswith("HUB") else "checks"
    return f"{site}/{folder}/{code}.html" if site else ""


def use_color(stream: TextIO) -> bool:
    """Whether to use colors in what is written to a stream."""
    setting = color_setting()
    if setting is not None and stream in (sys.stdout, sys.stderr):
        return setting
    return setting is not False and stream.isatty()


def color_setting() -> bool | None:
    """False if colors are disabled, True if they are forced, None to use them on terminals only."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "") not in ("", "0"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def find_docs() -> str:
    """The address of the documentation: the variable's, or that of the project; "" without one."""
    setting = os.environ.get("HUBKIT_DOCS_URL")
    site = (find_address("Documentation") if setting is None else setting).rstrip("/")
    return site if site.startswith(("https://", "http://")) and printable(site) == site else ""


def shows_links(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows links."""
    forced = os.environ.get("FORCE_HYPERLINK", "")
    if forced:
        return forced != "0" and stream in (sys.stdout, sys.stderr)
    term = os.environ.get("TERM", "")
    if not (use_color(stream) and stream.isatty()) or term.startswith(("screen", "tmux")):
        return False
    vte = os.environ.get("VTE_VERSION", "")
    return (
        os.environ.get("TERM_PROGRAM") in _LINKING_PROGRAMS
        or term in _LINKING_TERMS
        or (vte.isdecimal() and int(vte) >= _FIRST_VTE)
        or any(os.environ.get(name) for name in ("WT_SESSION", "KONSOLE_VERSION"))
    )
