"""Files of the repo that its code finds by ``__file__``."""

from __future__ import annotations

import ast
import posixpath
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit import limits
from hubkit.analysis.syntax import walk
from hubkit.facts import DataFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Scope
    from hubkit.analysis.source_file import SourceFile
    from hubkit.facts import Files

_SAME = frozenset(["abspath", "expanduser", "fspath", "normpath", "realpath", "str", "Path"])
_SAME_METHODS = frozenset(["absolute", "as_posix", "resolve"])


def find_data_files(scopes: Iterable[Scope], files: Files) -> Iterator[DataFile]:
    """Existing files that modules find by ``__file__``, each with the first place."""
    seen: set[str] = set()
    for scope in scopes:
        source = scope.file
        if "__file__" not in source.text:
            continue
        tested = "exists(" in source.text or "is_file(" in source.text
        for path, node in find_named_files(source, [source.tree], files):
            if path not in seen:
                seen.add(path)
                yield DataFile(path, source.location(node), tested)


def find_named_files(
    source: SourceFile, nodes: Iterable[ast.AST], files: Files
) -> Iterator[tuple[str, ast.AST]]:
    """Existing files that nodes of a module find by ``__file__``, each with its place."""
    paths = _Paths(source)
    for part in nodes:
        for node in walk(part):
            if isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr):
                path = paths.evaluate(node)
                if path and path != source.path and files.is_file(path):
                    yield path, node


class _Paths(Struct):
    """Evaluates expressions over ``__file__``, as paths from the repo's root."""

    source: SourceFile
    assigned: dict[str, ast.expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found: list[tuple[str, ast.expr]] = []
        for node in walk(self.source.tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found.append((name, value))
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    found.append((name, value))
        times = Counter(name for name, _ in found)
        self.assigned = {name: value for name, value in found if times[name] == 1}

    def evaluate(self, node: ast.expr, depth: int = 0) -> str | None:
        """The path, or None if it does not start from ``__file__`` or leads out of the repo."""
        if depth > limits.PATH_LEVELS.most:
            return None
        path = self._path(node, depth + 1)
        if path is None or len(path) > limits.PATH_BYTES.most:
            return None
        path = posixpath.normpath(path or ".")
        return None if path.startswith(("..", "/")) or "\0" in path else path

    def _path(self, node: ast.expr, depth: int) -> str | None:
        match node:
            case ast.Name(id="__file__"):
                return self.source.path
            case ast.Name(id=name) if name in self.assigned:
                return self.evaluate(self.assigned[name], depth)
            case ast.Attribute(value=inner, attr="parent"):
                return self._up(inner, 1, depth)
            case ast.Subscript(
                value=ast.Attribute(value=inner, attr="parents"),
                slice=ast.Constant(value=int(at)),
            ):
                return self._up(inner, at + 1, depth)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._join(left, [right], depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._append(left, [right], depth)
            case ast.JoinedStr(values=[ast.FormattedValue(value=first), *rest]):
                return self._append(first, rest, depth)
            case ast.Call():
                return self._called(node, depth)
        return None

    def _called(self, node: ast.Call, depth: int) -> str | None:
        match node.func, node.args:
            case (ast.Attribute(value=ast.Attribute(attr="path"), attr="join"), [first, *rest]):
                return self._join(first, rest, depth)
            case (ast.Attribute(value=inner, attr="joinpath"), rest):
                return self._join(inner, rest, depth)
            case ((ast.Attribute(attr="dirname") | ast.Name(id="dirname")), [inner]):
                return self._up(inner, 1, depth)
            case ((ast.Attribute(attr=name) | ast.Name(id=name)), [inner, *_]) if (
                name.lstrip("_") in _SAME
            ):
                return self.evaluate(inner, depth)
            case (ast.Attribute(value=inner, attr=name), []) if name in _SAME_METHODS:
                return self.evaluate(inner, depth)
        return None

    def _up(self, node: ast.expr, times: int, depth: int) -> str | None:
        path = self.evaluate(node, depth)
        return (
            None
            if path is None
            else posixpath.normpath(path + "/.." * min(times, limits.PATH_BYTES.most))
        )

    def _join(self, first: ast.expr, rest: list[ast.expr], depth: int) -> str | None:
        path, parts = self.evaluate(first, depth), [self._text(part) for part in rest]
        if path is None or None in parts:
            return None
        return posixpath.join(path, *(part for part in parts if part is not None))

    def _append(self, first: ast.expr, rest: list[ast.expr], depth: int) -> str | None:
        # Not normalized: the text before may end in a slash.
        path = None if depth > limits.PATH_LEVELS.most else self._path(first, depth + 1)
        parts = [self._text(part) for part in rest]
        if path is None or None in parts:
            return None
        return path + "".join(part for part in parts if part is not None)

    def _text(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            node = self.assigned.get(node.id, node)
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Attribute(attr="pardir"):
                return ".."
            case ast.Attribute(attr="sep"):
                return "/"
        return None
