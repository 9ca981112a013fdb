"""One source file, decoded and parsed."""

from __future__ import annotations

import ast
import io
import os
import re
import string
import tokenize
import warnings
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit._util.lines import column_of
from hubkit.facts import HubconfProblem, Location

if TYPE_CHECKING:
    from hubkit.facts import Files

# git's conflict markers; Python's own complaint about them is often of some other line.
_MARKS = tuple(re.compile(mark, re.MULTILINE) for mark in ("^<{7} ", "^={7}$", "^>{7} "))

# What words consist of, and what is between them on a line.
_WORDS = (string.ascii_letters + string.digits + "_ \t").encode() + bytes(range(0x80, 0x100))

_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class SourceFile(Struct, frozen=True):
    """A file of the repo that parses.

    Attributes:
        path: POSIX path relative to the repo's root.
        module: Dotted name under which the repo imports it.
        is_package: Whether it is a package's ``__init__.py``.
        text: Its text, with normalized newlines.
        lines: The text's lines.
        tree: Its syntax tree.
        marks: The number of operators, brackets and line ends, which the size of the tree follows.
    """

    path: str
    module: str
    is_package: bool
    text: str
    lines: tuple[str, ...]
    tree: ast.Module
    marks: int = 0

    def location(self, node: ast.AST) -> Location:
        """The place of a node; for a ``def`` or ``class``, that of its name."""
        line = getattr(node, "lineno", 1)
        start = self._column(line, getattr(node, "col_offset", 0))
        if isinstance(node, _NAMED):
            return self._name_location(line, start, node.name)
        end_line = getattr(node, "end_lineno", None) or 0
        end_offset = getattr(node, "end_col_offset", None)
        end = 0 if end_offset is None else self._column(end_line, end_offset)
        return Location(self.path, line, start, end_line, end)

    def segment(self, node: ast.expr) -> str:
        """The source text of an expression, on one line."""
        if node.end_lineno != node.lineno or node.end_col_offset is None:
            return ast.unparse(node)
        start = self._column(node.lineno, node.col_offset) - 1
        return self.lines[node.lineno - 1][
            start : self._column(node.lineno, node.end_col_offset) - 1
        ]

    def _column(self, line: int, offset: int) -> int:
        if not 0 < line <= len(self.lines):
            return offset + 1
        return column_of(self.lines[line - 1], offset)

    def _name_location(self, line: int, start: int, name: str) -> Location:
        pattern = re.compile(rf"(?:def|class)\s+({re.escape(name)})\b")
        found = pattern.search(self.lines[line - 1], start - 1) if line <= len(self.lines) else None
        if found is None:
            return Location(self.path, line, start)
        return Location(self.path, line, found.start(1) + 1, line, found.end(1) + 1)


def read_source(
    files: Files,
    path: str,
    *,
    module: str,
    is_package: bool = False,
    most: int = limits.SOURCE_MARKS.most,
) -> SourceFile | HubconfProblem:
    """Read, decode and parse one file.

    Args:
        files: The repo's files.
        path: POSIX path from its root.
        module: Dotted name under which the repo imports the file.
        is_package: Whether it is a package's ``__init__.py``.
        most: How many marks it may have, see `SourceFile`.
    """
    data = _read_bytes(files, path, most)
    if isinstance(data, HubconfProblem):
        return data
    # Old sources are full of invalid escapes, which do not matter here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _parse(data, path, module=module, is_package=is_package)


def _what_it_is(files: Files, path: str) -> str:
    """What is at the path instead of a file."""
    if files.is_folder(path):
        return "is a folder"
    entry = files.entry(path)
    if entry is None:
        return "does not exist"
    return (
        "is a symbolic link that is broken or points outside the repo"
        if entry.kind == "link"
        else "is not a regular file"
    )


def _read_bytes(files: Files, path: str, most: int) -> bytes | HubconfProblem:
    location = Location(path)
    try:
        if not files.is_file(path):
            return HubconfProblem("missing", f"{path} {_what_it_is(files, path)}", location)
        data = files.read(path, limits.SOURCE_BYTES.most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return HubconfProblem("missing", f"cannot read {path}: {reason}", location)
    if len(data) > limits.SOURCE_BYTES.most:
        size = limits.SOURCE_BYTES.most // limits.MIB
        return HubconfProblem("syntax", f"{path} is larger than {size} MiB", location)
    if count_marks(data) > min(most, limits.SOURCE_MARKS.most):
        return HubconfProblem("syntax", f"{path} contains more code than hubkit reads", location)
    return data


def count_marks(data: bytes) -> int:
    """The number of operators, brackets and line ends: a syntax tree takes up to 3 KB for each."""
    return len(data.translate(None, _WORDS))


def _parse(data: bytes, path: str, *, module: str, is_package: bool) -> SourceFile | HubconfProblem:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:
        return HubconfProblem("encoding", _describe_decoding(error), Location(path))
    if os.linesep != "\n" or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return HubconfProblem("syntax", "source code contains null bytes", Location(path, line))
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        conflict = _find_conflict(text)
        if conflict:
            return HubconfProblem("syntax", "unresolved merge conflict", Location(path, conflict))
        place = Location(path, max(error.lineno or 1, 1), max(error.offset or 1, 1))
        return HubconfProblem("syntax", error.msg or "invalid syntax", place)
    except (RecursionError, MemoryError):
        return HubconfProblem("syntax", "code is nested too deeply to be parsed", Location(path))
    except ValueError as error:
        return HubconfProblem("encoding", str(error), Location(path))
    if _is_deep(tree):
        return HubconfProblem("syntax", "code is nested too deeply to be read", Location(path))
    lines = tuple(text.split("\n"))
    return SourceFile(path, module, is_package, text, lines, tree, count_marks(data))


def _is_deep(tree: ast.Module) -> bool:
    """Whether an expression is nested so deeply that walking it would exhaust the stack."""
    pending: list[ast.AST] = [tree]
    while pending:
        for value in vars(pending.pop()).values():
            for part in value if isinstance(value, list) else (value,):
                if not isinstance(part, ast.AST):
                    continue
                if not isinstance(part, ast.expr):
                    pending.append(part)
                elif _may_be_deep(part) and _has_depth(part, limits.SOURCE_DEPTH.most):
                    return True
    return False


def _may_be_deep(node: ast.expr) -> bool:
    """Whether an expression is long enough to be deep; most are not."""
    end = node.end_col_offset or 0
    return node.end_lineno != node.lineno or end - node.col_offset > limits.SOURCE_DEPTH.most


def _has_depth(node: ast.AST, depth: int) -> bool:
    layer = [node]
    for _ in range(depth):
        layer = [child for one in layer for child in ast.iter_child_nodes(one)]
        if not layer:
            return False
    return True


def _find_conflict(text: str) -> int:
    """The line of the first of git's conflict markers; 0 unless all of them are there."""
    first = end = 0
    for mark in _MARKS:
        found = mark.search(text, end)
        if found is None:
            return 0
        first, end = first or text.count("\n", 0, found.start()) + 1, found.end()
    return first


def _describe_decoding(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} cannot be decoded as {error.encoding}: {error.reason}"
    return str(error)
