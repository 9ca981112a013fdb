"""Changes as a unified diff that ``patch`` and ``git apply`` take."""

from __future__ import annotations

import difflib
import io
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hubkit.fixer.passes import Change

_NO_NEWLINE = "\n\\ No newline at end of file\n"


def render_diff(changes: Mapping[str, Change]) -> str:
    """What changes, file by file.

    Args:
        changes: Files that change, by path.
    """
    return "".join(line for path, change in changes.items() for line in _lines(path, change))


def _lines(path: str, change: Change) -> Iterator[str]:
    before, after = _split(path, change.before), _split(path, change.after)
    yield f"--- a/{path}\n+++ b/{path}\n"
    # difflib.unified_diff passes over lines that stand often in a file, and shows them as changed.
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes():
        (_, start, _, new_start, _), (_, _, end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n"
        for tag, first, last, new_first, new_last in group:
            if tag == "equal":
                yield from _marked(" ", before[first:last])
            else:
                yield from _marked("-", before[first:last])
                yield from _marked("+", after[new_first:new_last])


def _range(start: int, end: int) -> str:
    length = end - start
    # An empty range names the line before it.
    return f"{start + 1}" if length == 1 else f"{start + (length > 0)},{length}"


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}{_NO_NEWLINE}"


def _split(path: str, data: bytes) -> list[str]:
    encoding = "utf-8"
    if path.endswith(".py"):
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    # A byte order mark and carriage returns are part of their lines.
    text = data.decode(encoding.removesuffix("-sig"), errors="replace")
    return list(io.StringIO(text, newline="\n"))
