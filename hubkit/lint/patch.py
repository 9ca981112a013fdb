"""Apply edits to files: patch their bytes, show a diff, write them."""

from __future__ import annotations

import ast
import difflib
import io
import os
import re
import stat
import tokenize
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.atomic import create_file, write_file
from hubkit._util.paths import UnsafePathError, read_file, resolve_inside
from hubkit.errors import FixError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hubkit.facts import Edit


# What Python takes for the end of a line; form feeds and the like stand inside lines.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


class FileChange(Struct, frozen=True):
    """A file before and after; before it is made there is none."""

    before: bytes | None
    after: bytes


class PatchError(Exception):
    """A file is not such that the edits can be made; the text says why."""


class _Text(Struct, frozen=True):
    """A file's text with its own line ends."""

    encoding: str
    lines: list[str]

    def offset(self, line: int, column: int) -> int:
        if not 0 < line <= len(self.lines):
            raise PatchError(f"it has no line {line}")
        return sum(map(len, self.lines[: line - 1])) + column - 1

    def newline(self, line: int) -> str:
        """How lines end around a place."""
        for text in (*self.lines[line - 1 : line], *reversed(self.lines[: line - 1])):
            ending = text[len(text.rstrip("\r\n")) :]
            if ending:
                return ending
        return "\n"


def apply_edits(path: str, data: bytes, edits: Iterable[Edit]) -> bytes:
    """A file's bytes with edits made.

    Args:
        path: The file, by whose ending the encoding is told.
        data: Its bytes.
        edits: What to change; they do not overlap.

    Raises:
        PatchError: When an edit does not fit the file, or cannot be written in its encoding.
    """
    text = _decode(path, data)
    joined = "".join(text.lines)
    # A stable sort: insertions at one place keep their order.
    spans = sorted(((_span(text, edit), edit) for edit in edits), key=lambda pair: pair[0])
    parts: list[str] = []
    done = 0
    for (start, end), edit in spans:
        if not done <= start <= end <= len(joined):
            raise PatchError(f"line {edit.location.line} is not what it was")
        newline = text.newline(edit.location.line)
        parts += [joined[done:start], edit.text.replace("\n", newline)]
        done = end
    parts.append(joined[done:])
    try:
        return "".join(parts).encode(text.encoding)
    except UnicodeEncodeError:
        raise PatchError(f"its encoding, {text.encoding}, lacks a character") from None


def require_parses(path: str, data: bytes) -> None:
    """Check that a Python file is one still; other files pass.

    Raises:
        PatchError: When it does not parse.
    """
    if not path.endswith(".py"):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        raise PatchError(f"it would not parse any more: {error.msg}, line {error.lineno}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise PatchError(f"it would not parse any more: {error}") from None


def _span(text: _Text, edit: Edit) -> tuple[int, int]:
    place = edit.location
    start = text.offset(place.line, place.column)
    return start, text.offset(place.end_line, place.end_column)


def _decode(path: str, data: bytes) -> _Text:
    try:
        if path.endswith(".py"):
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        else:
            encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        text = data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise PatchError(f"it cannot be decoded: {error}") from None
    # The last match is the line behind the last line end, be it empty.
    lines = _LINE.findall(text)
    if len(lines) > 1 and not lines[-2].endswith(("\r", "\n")):
        lines.pop()
    return _Text(encoding, lines)


_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def render_diff(changes: Mapping[str, FileChange]) -> bytes:
    """What changes, file by file, in the files' own encodings.

    Args:
        changes: Files that change, by path.
    """
    return b"".join(line for path, change in changes.items() for line in _diff_lines(path, change))


def _diff_lines(path: str, change: FileChange) -> Iterator[bytes]:
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


def write_changes(root: Path, changes: Mapping[str, FileChange]) -> None:
    """Write changed and new files, after a check of all of them.

    Symbolic links stay, and what they lead to changes; modes stay. A new file replaces nothing, and
    its folder is created if necessary.

    Args:
        root: The repo's folder.
        changes: The changes by path.

    Raises:
        FixError: A file has changed meanwhile, is outside the repo or may not be written. Nothing
            is written then, unless the disk itself fails halfway.
    """
    targets = {path: _require_target(root, path, change) for path, change in changes.items()}
    for path, target in targets.items():
        _write_target(target, changes[path])


def _require_target(root: Path, path: str, change: FileChange) -> Path:
    try:
        target = resolve_inside(root, path)
    except UnsafePathError as error:
        raise FixError(
            f"{path} is not changed: {error.strerror}",
            hint="Nothing was written. Fix it where it lies, or ignore the finding with --ignore.",
        ) from None
    if change.before is None:
        return target
    try:
        current, mode = read_file(target), target.stat().st_mode
    except OSError as error:
        raise FixError(
            f"{target} cannot be read any more: {error.strerror or error}",
            hint="Nothing was written. What a sparse checkout leaves out must be checked out first.",
        ) from None
    if current != change.before:
        raise FixError(
            f"{path} was changed by somebody else meanwhile",
            hint="Nothing was written. Run it again.",
        )
    # Replacing a file asks for leave to write to its folder only, and its author said more.
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(target, os.W_OK):
        raise FixError(
            f"{path} is write-protected", hint="Nothing was written. Allow it: `chmod u+w`."
        )
    return target


def _write_target(target: Path, change: FileChange) -> None:
    try:
        if change.before is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            create_file(target, change.after)
        else:
            write_file(target, change.after, durable=True)
    except FileExistsError:
        raise FixError(f"{target} was created meanwhile", hint="Run the command again.") from None
    except OSError as error:
        raise FixError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="It is unchanged; files before it are written.",
        ) from None
