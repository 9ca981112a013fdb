"""The parts of a card that hubkit writes: what stands between two HTML comments of its own.

::

    <!-- hubkit:begin weights, written by "hubkit card" -->
    ...
    <!-- hubkit:end weights -->

All else is somebody's text, and stays byte for byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.analysis import find_snippets
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEGIN = re.compile(r"[ \t]*<!--[ \t]*hubkit:begin[ \t]+([\w-]+)[^\r\n]*-->[ \t]*\r?\n?")
_END = re.compile(r"[ \t]*<!--[ \t]*hubkit:end[ \t]+([\w-]+)[ \t]*-->[ \t]*\r?\n?")
# str.splitlines also splits where Markdown does not.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)")
_LISTED = re.compile(r"hub\.list\(\"([\w.-]+/[\w.-]+)(?::([^\"]+))?\"\)")
_ANY = ("hubkit:begin", "hubkit:end")


class Region(Struct, frozen=True):
    """One part that hubkit writes.

    Attributes:
        name: Which.
        text: What stands there now, with its line ends.
        start: Offset of its first character.
        end: Offset behind its last.
    """

    name: str
    text: str
    start: int
    end: int


class Source(Struct, frozen=True):
    """What a snippet loads; each is empty where nothing tells.

    Attributes:
        repo: "owner/name".
        ref: The tag.
        entrypoint: The entrypoint.
    """

    repo: str = ""
    ref: str = ""
    entrypoint: str = ""


def find_regions(text: str, path: str) -> dict[str, Region]:
    """The parts of a card, by name, in the order in which they stand.

    Comments that are shown in a fenced block are no markers.

    Args:
        text: The card.
        path: Its path, for errors.

    Raises:
        UsageError: A marker stands alone, in another part, or twice.
    """
    regions: dict[str, Region] = {}
    opened: tuple[str, int, int] | None = None
    fence: tuple[str, int] | None = None
    offset = 0
    for number, line in enumerate(_LINE.findall(text), start=1):
        mark, offset = offset, offset + len(line)
        fence, is_code = _follow(fence, line, number)
        if is_code:
            continue
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if begin:
            if opened or begin[1] in regions:
                raise _misplaced(path, number, f"`{begin[1]}` begins inside of another, or twice")
            opened = begin[1], offset, number
        elif end:
            if opened is None or opened[0] != end[1]:
                raise _misplaced(path, number, f"`{end[1]}` ends and did not begin")
            regions[end[1]] = Region(end[1], text[opened[1] : mark], opened[1], mark)
            opened = None
    if opened:
        raise _misplaced(path, opened[2], f"`{opened[0]}` begins and does not end")
    if fence and any(word in text for word in _ANY):
        raise _misplaced(path, fence[1], "a fenced block begins and does not end")
    return regions


def _follow(
    fence: tuple[str, int] | None, line: str, number: int
) -> tuple[tuple[str, int] | None, bool]:
    """The fence that is open after a line, and whether the line is code or a fence itself."""
    found = _FENCE.match(line)
    if fence is None:
        return ((found[1], number), True) if found else (None, False)
    closes = found and found[1].startswith(fence[0]) and not found[2].strip()
    return (None if closes else fence), True


def render_region(name: str, content: str) -> str:
    """A part with its markers; its lines end in a newline alone."""
    return (
        f'<!-- hubkit:begin {name}, written by "hubkit card" -->\n{content}'
        f"<!-- hubkit:end {name} -->\n"
    )


def replace_regions(text: str, regions: Mapping[str, Region], contents: Mapping[str, str]) -> str:
    """The card with new contents in its parts.

    Args:
        text: The card.
        regions: Its parts.
        contents: What is to stand in some of them, with the line ends of the card.
    """
    for region in sorted(regions.values(), key=lambda one: one.start, reverse=True):
        if region.name in contents:
            text = text[: region.start] + contents[region.name] + text[region.end :]
    return text


def _misplaced(path: str, line: int, what: str) -> UsageError:
    return UsageError(
        f"{path}, line {line}: {what}.",
        hint="Each part is between <!-- hubkit:begin NAME --> and <!-- hubkit:end NAME -->. "
        "Mend the comments; nothing was written.",
    )


def find_source(card: bytes | None) -> Source:
    """What the snippet in a card's own part loads."""
    text = (card or b"").decode(errors="replace")
    found = re.search(r"hubkit:begin usage\b.*?hubkit:end usage\b", text, re.DOTALL)
    if found is None:
        return Source()
    first = next(find_snippets(found[0], ""), None)
    if first is not None:
        return Source(first.repo, first.ref, first.entrypoint or "")
    listed = _LISTED.search(found[0])
    return Source(listed[1], listed[2] or "") if listed else Source()
