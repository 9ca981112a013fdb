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
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.atomic import create_file, write_file
from hubkit._util.paths import UnsafePathError, read_file, resolve_inside
from hubkit.errors import FixError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hubkit.facts import Edit


# A line as Python splits them: form feeds and the like do not end it.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


class FileChange(Struct, frozen=True):
    """The contents of a file before and after; None before it is created."""

    before: bytes | None
    after: bytes


class PatchError(Exception):
    """The edits cannot be applied; the text is the reason."""


class _Text(Struct, frozen=True):
    """The text of a file with its own line ends.

    Attributes:
        encoding: Its encoding.
        lines: Its lines.
        offsets: Where each line starts.
    """

    encoding: str
    lines: list[str]
    offsets: list[int]

    def offset(self, line: int, column: int) -> int:
        if not 0 < line <= len(self.lines):
            raise PatchError(f"the file has no line {line}")
        return self.offsets[line - 1] + column - 1

    def newline(self, line: int) -> str:
        """The line end at a line, or at the closest line before it that has one."""
        for number in range(line - 1, -1, -1):
            text = self.lines[number]
            ending = text[len(text.rstrip("\r\n")) :]
            if ending:
                return ending
        return "\n"


def apply_edits(path: str, data: bytes, edits: Iterable[Edit]) -> bytes:
    """Apply edits to the contents of a file.

    Args:
        path: The file. Its suffix determines how its encoding is detected.
        data: Its contents.
        edits: The edits, which do not overlap.

    Raises:
        PatchError: An edit does not fit the file, or its text cannot be encoded.
    """
    text = _decode(path, data)
    joined = "".join(text.lines)
    # The sort is stable: insertions at one place keep their order.
    spans = sorted(((_span(text, edit), edit) for edit in edits), key=lambda pair: pair[0])
    parts: list[str] = []
    done = 0
    for (start, end), edit in spans:
        if not done <= start <= end <= len(joined):
            raise PatchError(f"line {edit.location.line} has changed")
        newline = text.newline(edit.location.line)
        parts += [joined[done:start], edit.text.replace("\n", newline)]
        done = end
    parts.append(joined[done:])
    try:
        return "".join(parts).encode(text.encoding)
    except UnicodeEncodeError:
        raise PatchError(f"the text cannot be encoded in {text.encoding}") from None


def require_parses(path: str, data: bytes) -> None:
    """Require that a Python file parses; other files pass.

    Raises:
        PatchError: It does not parse.
    """
    if not path.endswith(".py"):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        raise PatchError(f"the result does not parse: {error.msg}, line {error.lineno}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise PatchError(f"the result does not parse: {error}") from None


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
        raise PatchError(f"the file cannot be decoded: {error}") from None
    # The last match is the text behind the last line end, which may be empty.
    lines = _LINE.findall(text)
    if len(lines) > 1 and not lines[-2].endswith(("\r", "\n")):
        lines.pop()
    return _Text(encoding, lines, [0, *accumulate(map(len, lines))])


_NO_NEWLINE = b"\n\\ No newline at end of file\n"


def render_diff(changes: Mapping[str, FileChange]) -> bytes:
    """Render changes as a unified diff that ``patch`` and ``git apply`` accept."""
    return b"".join(line for path, change in changes.items() for line in _diff_lines(path, change))


def _diff_lines(path: str, change: FileChange) -> Iterator[bytes]:
    # Only a newline ends a line: a carriage return is part of it.
    before = io.BytesIO(change.before or b"").readlines()
    after = io.BytesIO(change.after).readlines()
    old = "/dev/null" if change.before is None else f"a/{path}"
    yield f"--- {old}\n+++ b/{path}\n".encode(errors="surrogateescape")
    # difflib.unified_diff ignores frequent lines and shows them as changed.
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
    # An empty range has the number of the line before it.
    return f"{start + 1}" if length == 1 else f"{start + (length > 0)},{length}"


def _marked(mark: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield mark + line + (b"" if line.endswith(b"\n") else _NO_NEWLINE)


def write_changes(root: Path, changes: Mapping[str, FileChange]) -> None:
    """Write changed and new files. All of them are checked before the first is written.

    Symbolic links and modes are kept; the target of a link changes. A new file replaces nothing,
    and its folder is created if necessary.

    Raises:
        FixError: A file has changed since it was read, is outside the repo, or cannot be written.
            Nothing is written, unless the disk fails halfway.
    """
    targets = {path: _require_target(root, path, change) for path, change in changes.items()}
    for path, target in targets.items():
        _write_target(target, changes[path])


def _require_target(root: Path, path: str, change: FileChange) -> Path:
    try:
        target = resolve_inside(root, path)
    except UnsafePathError as error:
        raise FixError(
            f"Cannot change {path}: {error.strerror}",
            hint="Nothing was written. Change the file itself, or ignore the finding.",
        ) from None
    if change.before is None:
        return target
    try:
        current, mode = read_file(target), target.stat().st_mode
    except OSError as error:
        raise FixError(
            f"Cannot read {target}: {error.strerror or error}",
            hint="Nothing was written. If the checkout is sparse, check out the file first.",
        ) from None
    if current != change.before:
        raise FixError(
            f"{path} has changed since it was read",
            hint="Nothing was written. Run the command again.",
        )
    # Replacing a file needs write permission for its folder only; respect that of the file too.
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(target, os.W_OK):
        raise FixError(
            f"{path} is read-only", hint="Nothing was written. Run `chmod u+w` on it first."
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
        raise FixError(
            f"{target} was created by another process", hint="Run the command again."
        ) from None
    except OSError as error:
        raise FixError(
            f"Cannot write {target}: {error.strerror or error}",
            hint="It was not changed, but the files before it were.",
        ) from None
