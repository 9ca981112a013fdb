"""The repo's own modules: source files by dotted name, each decoded and parsed at most once."""

from __future__ import annotations

import ast
import io
import os
import re
import string
import sys
import tokenize
import warnings
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.text import column_of
from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.scope import Scope, read_scope
from hubkit.analysis.syntax import child_nodes, walk
from hubkit.facts import HubconfProblem, Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hubkit.facts import Files


_COMPILED = (".so", ".pyd")
# Variables that the way to one folder leads through; more is a riddle.
_MAX_VARIABLES = 4


class OwnModule(Struct, frozen=True):
    """A module of the repo.

    Attributes:
        name: Its dotted name.
        path: POSIX path of its source, or None for a folder without ``__init__.py`` and for
            compiled modules.
        is_package: Whether it may contain submodules.
        place: Its source file, its folder or the compiled file.
    """

    name: str
    path: str | None
    is_package: bool
    place: str = ""


class SourceTree(Struct):
    """The sources of a repo, read on demand.

    Attributes:
        files: The repo's files.
        search_path: Folders to search for modules, relative to the root.
        outside: Names of the hubconf's dependencies. An untracked file with such a name, or one of
            the standard library, is not a module of the repo.
        problems: Modules that could not be read so far.
    """

    files: Files
    search_path: tuple[str, ...] = ("",)
    outside: frozenset[str] = frozenset()
    problems: list[HubconfProblem] = field(default_factory=list)
    _left: int = limits.SOURCE_MARKS_TOTAL.most
    _modules: dict[str, OwnModule | None] = field(default_factory=dict)
    _scopes: dict[str, Scope | None] = field(default_factory=dict)
    _listings: dict[str, frozenset[str]] = field(default_factory=dict)
    _mentioned: dict[str, tuple[int, bool]] = field(default_factory=dict)

    def module(self, name: str) -> OwnModule | None:
        """The module of that dotted name, or None."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def scope(self, name: str) -> Scope | None:
        """The names of a module; None if it does not exist or cannot be read."""
        module = self.module(name)
        if module is None or module.path is None:
            return None
        if module.path not in self._scopes:
            self._scopes[module.path] = self._read(module, module.path)
        return self._scopes[module.path]

    def add(self, scope: Scope) -> None:
        """Add a scope that was read already."""
        self._scopes[scope.file.path] = scope

    def mentions(self, word: str) -> bool:
        """Whether the text of a module that was read so far contains a word."""
        searched, found = self._mentioned.get(word, (0, False))
        scopes = [*self._scopes.values()][searched:]
        found = found or any(scope is not None and word in scope.file.text for scope in scopes)
        self._mentioned[word] = len(self._scopes), found
        return found

    def file(self, path: str) -> str:
        """The normalized path of a file, relative to the root; "" if it does not exist."""
        if os.path.isabs(path) or len(path) > limits.PATH_BYTES.most:  # noqa: PTH117 - texts, not paths yet
            return ""
        inner = os.path.normpath(path).replace(os.sep, "/")
        return inner if not inner.startswith("../") and self.files.is_file(inner) else ""

    def top_level(self) -> frozenset[str]:
        """Import names that the repo provides at its top level."""
        names = {name for name in self._modules if name and "." not in name}
        for folder in self.search_path:
            for entry in self.files.names(folder):
                stem, dot, _ = entry.partition(".")
                if stem.isidentifier() and (not dot or self._find_in(folder, stem)):
                    names.add(stem)
        return frozenset(name for name in names if self.module(name))

    def _read(self, module: OwnModule, path: str) -> Scope | None:
        file = read_source(
            self.files,
            path,
            module=module.name,
            is_package=module.is_package,
            most=min(self._left, limits.SOURCE_MARKS.most),
        )
        if isinstance(file, HubconfProblem):
            self.problems.append(file)
            return None
        self._left -= file.marks
        try:
            return read_scope(file)
        except RecursionError:
            return None

    def _find(self, name: str) -> OwnModule | None:
        if not name:
            return OwnModule("", None, is_package=True)
        parts = name.split(".")
        for folder in self.search_path:
            found = self._find_in(folder, *parts)
            if found:
                return found
        return None

    def _find_in(self, folder: str, *parts: str) -> OwnModule | None:
        for part in parts[:-1]:
            folder = _join(folder, part)
        name, last = ".".join(parts), parts[-1]
        listing = self._listing(folder)
        inner = _join(folder, last)
        if last in listing:
            contents = self._listing(inner)
            if "__init__.py" in contents:
                source = f"{inner}/__init__.py"
                return OwnModule(name, source, is_package=True, place=source)
        if f"{last}.py" in listing:
            return OwnModule(name, f"{inner}.py", is_package=False, place=f"{inner}.py")
        for entry in listing:
            if entry.startswith(f"{last}.") and entry.endswith(_COMPILED):
                return OwnModule(name, None, is_package=False, place=_join(folder, entry))
        if (last in listing and self._holds_python(inner)) or self._is_elsewhere(inner):
            return OwnModule(name, None, is_package=True, place=inner)
        return None

    def _is_elsewhere(self, path: str) -> bool:
        """Whether a path is in a submodule that is not checked out, so that it may exist."""
        detour = self.files.detour(path) if self.files.is_tracked else None
        return detour is not None and detour.kind == "submodule" and not self._listing(detour.path)

    def _holds_python(self, folder: str) -> bool:
        """Whether a folder without ``__init__.py`` is a package rather than data."""
        contents = self._listing(folder)
        if any(entry.endswith(".py") for entry in contents):
            return True
        if any(self._is_elsewhere(_join(folder, entry)) for entry in contents if "." not in entry):
            return True
        return any(
            inner.endswith(".py")
            for entry in contents
            if "." not in entry
            for inner in self._listing(_join(folder, entry))
        )

    def _listing(self, folder: str) -> frozenset[str]:
        """Names in a folder, including untracked ones.

        So a missing module is one finding, and not one for each name in it.
        """
        if folder not in self._listings:
            names = self.files.all_names(folder)
            if folder in self.search_path:
                own = self.files.names(folder)
                names = own | {name for name in names - own if not self._is_outside(name)}
            self._listings[folder] = names
        return self._listings[folder]

    def _is_outside(self, name: str) -> bool:
        stem = name.partition(".")[0]
        return stem in self.outside or is_stdlib(stem)


def read_search_path(scope: Scope, files: Files) -> tuple[str, ...]:
    """Folders in which importing the hubconf looks for modules, as far as the source shows.

    Args:
        scope: The hubconf's names.
        files: The repo's files; folders that do not exist are left out.
    """
    folders = [""]
    if "sys.path" not in scope.file.text and "_add_to_sys_path" not in scope.file.text:
        return ("",)
    for argument in _path_entries(scope):
        folder = _literal_folder(scope, argument)
        if folder and folder not in folders and files.is_folder(folder):
            folders.append(folder)
    return tuple(folders)


def _path_entries(scope: Scope) -> Iterator[ast.expr]:
    """What a hubconf puts on ``sys.path``: with its methods, ``+=`` or torch.hub's context manager."""
    for node in walk(scope.file.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=path, attr=change), args=[*_, argument]) if (
                change in ("insert", "append", "extend") and _is_sys_path(path)
            ):
                yield from _entries(argument)
            case ast.AugAssign(target=path, value=argument) if _is_sys_path(path):
                yield from _entries(argument)
            case ast.Call(
                func=ast.Name(id="_add_to_sys_path") | ast.Attribute(attr="_add_to_sys_path"),
                args=[argument],
            ):
                yield argument


def _is_sys_path(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="sys" | "_sys"), attr="path"):
            return True
    return False


def _entries(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def _literal_folder(scope: Scope, node: ast.expr) -> str:
    """The folder that an expression over ``__file__`` names, guessed from its string literals."""
    joined = os.path.normpath("/".join(_texts(scope, node)) or ".")
    folder = joined.replace(os.sep, "/").lstrip("/")
    return "" if folder == "." or folder.startswith("..") or "\0" in folder else folder


def _texts(scope: Scope, node: ast.expr, busy: frozenset[str] = frozenset()) -> Iterator[str]:
    """The string literals of an expression and of the variables in it, in order."""
    parts = [part for part in walk(node) if isinstance(part, ast.Constant | ast.Name)]
    for part in sorted(parts, key=lambda part: (part.lineno, part.col_offset)):
        if isinstance(part, ast.Constant):
            if isinstance(part.value, str):
                yield part.value
        elif part.id not in busy and len(busy) < _MAX_VARIABLES:
            value = scope.constant(part.id)
            if value is not None:
                yield from _texts(scope, value, busy | {part.id})


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


# git's conflict markers; Python's own complaint about them is often of some other line.
_MARKS = tuple(re.compile(mark, re.MULTILINE) for mark in ("^<{7} ", "^={7}$", "^>{7} "))

# What words consist of, and what is between them on a line.
_WORDS = (string.ascii_letters + string.digits + "_ \t").encode() + bytes(range(0x80, 0x100))

_KEYWORD = re.compile(r"(?:def|class)\s+(\w+)")
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
        found = (
            _KEYWORD.search(self.lines[line - 1], start - 1) if line <= len(self.lines) else None
        )
        if found is None or found[1] != name:
            return Location(self.path, line, start)
        return Location(self.path, line, found.start(1) + 1, line, found.end(1) + 1)

    def lines_with(self, pattern: re.Pattern[str]) -> tuple[int, ...]:
        """The numbers of the lines on which a pattern matches, in order."""
        found: dict[int, None] = {}
        line, end = 1, 0
        for match in pattern.finditer(self.text):
            line += self.text.count("\n", end, match.start())
            end = match.start()
            found[line] = None
        return tuple(found)

    def lines_with_words(self, words: Iterable[str]) -> tuple[int, ...]:
        """The numbers of the lines on which any of some words is, in order.

        Searching for one word after the other takes a fraction of the time of a pattern.
        """
        starts: list[int] = []
        for word in words:
            at = self.text.find(word)
            while at >= 0:
                starts.append(at)
                at = self.text.find(word, at + 1)
        found: dict[int, None] = {}
        line, end = 1, 0
        for start in sorted(starts):
            line += self.text.count("\n", end, start)
            end = start
            found[line] = None
        return tuple(found)


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
    lines = tuple(text.split("\n"))
    if _is_deep(tree, lines):
        return HubconfProblem("syntax", "code is nested too deeply to be read", Location(path))
    return SourceFile(path, module, is_package, text, lines, tree, count_marks(data))


def _is_deep(tree: ast.Module, lines: Sequence[str]) -> bool:
    """Whether an expression is nested so deeply that walking it would exhaust the stack."""
    most = limits.SOURCE_DEPTH.most
    ends = (0, *accumulate(len(line) + 1 for line in lines))
    pending: list[tuple[ast.AST, int]] = [(tree, most)]
    while pending:
        node, left = pending.pop()
        if not left:
            return True
        if _room(node, ends) < left:  # each level takes a character; most statements are short
            continue
        if left < most or isinstance(node, ast.expr):
            left -= 1
        pending += [(child, left) for child in child_nodes(node)]
    return False


def _room(node: ast.AST, ends: Sequence[int]) -> int:
    """At most how many levels are in a node, by the length of its source."""
    line, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
    if line != last:
        return ends[min(last, len(ends) - 1)] - ends[line - 1]
    return getattr(node, "end_col_offset", sys.maxsize) - getattr(node, "col_offset", 0)


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
