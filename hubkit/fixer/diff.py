"""Changes as a unified diff that ``patch`` and ``git apply`` take."""

from __future__ import annotations

import difflib
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hubkit.fixer.passes import Change

_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def render_diff(changes: Mapping[str, Change]) -> bytes:
    """What changes, file by file, in the files' own encodings.

    Args:
        changes: Files that change, by path.
    """
    return b"".join(line for path, change in changes.items() for line in _lines(path, change))


def _lines(path: str, change: Change) -> Iterator[bytes]:
    # Lines end with a newline alone: a carriage return is part of its line.
    before = io.BytesIO(change.before or b"").readlines()
    after = io.BytesIO(change.after).readlines()
    old = "/dev/null" if change.before is None else f"a/{path}"
    yield f"--- {old}\n+++ b/{path}\n".encode(errors="surrogateescape")
    # difflib.unified_diff passes over lines that stand often in a file, and shows them as changed.
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes():
        (_, start, _, new_start, _), (_, _, end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@\n".encode()
        for tag, first, last, new_first, new_last in group:
            if tag == "equal":
                yield from _marked(b" ", before[first:last])
            else:
                yield from _marked(b"-", before[first:last])
                yield from _marked(b"+", after[new_first:new_last])


def _range(start: int, end: int) -> str:
    length = end - start
    # An empty range names the line before it.
    return f"{start + 1}" if length == 1 else f"{start + (length > 0)},{length}"


def _marked(mark: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line + (b"" if line.endswith(b"\n") else _NO_NEWLINE)
