"""Changes as a unified diff that ``patch`` and ``git apply`` take."""

from __future__ import annotations

import difflib
import io
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hubkit.fixer.passes import Change


def render_diff(changes: Mapping[str, Change]) -> str:
    """What changes, file by file.

    Args:
        changes: Files that change, by path.
    """
    return "".join(line for path, change in changes.items() for line in _lines(path, change))


def _lines(path: str, change: Change) -> Iterator[str]:
    before, after = _split(path, change.before), _split(path, change.after)
    for line in difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _split(path: str, data: bytes) -> list[str]:
    encoding = "utf-8"
    if path.endswith(".py"):
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    # A byte order mark and carriage returns are part of their lines.
    text = data.decode(encoding.removesuffix("-sig"), errors="replace")
    return text.splitlines(keepends=True) if "\n" not in text else _keep(text)


def _keep(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
