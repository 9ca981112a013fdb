"""A module's own name, given a leading underscore wherever it is used."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.rules.edits.imports import is_free
from hubkit.rules.edits.names import find_occurrences
from hubkit.rules.edits.source import is_plain_string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Edit
    from hubkit.rules.edits.names import Occurrences
    from hubkit.rules.edits.source import Source

# With these around, a string may name a variable.
_LOOKUPS = re.compile(r"\b(?:globals|locals|vars|eval|exec|getattr|setattr|__dict__)\b")


class Renaming(Struct, frozen=True):
    """Edits that rename a name.

    Attributes:
        edits: The edits.
        is_import: Whether only imports bind it.
        is_exported: Whether ``__all__`` holds it.
    """

    edits: tuple[Edit, ...]
    is_import: bool
    is_exported: bool


def hide_name(source: Source, name: str) -> Renaming | None:
    """Put an underscore before a name at the top level of a module; None when in doubt.

    Args:
        source: The module.
        name: The name.
    """
    new = f"_{name}"
    if re.search(rf"#\s*type:.*(?<!\w){re.escape(name)}(?!\w)", source.text):
        return None
    found = find_occurrences(source, name)
    comes_so = any(alias.name == new for alias in found.aliases)
    if found.doubtful or not (comes_so or is_free(source, new)):
        return None
    others = [one for one in found.strings if one not in found.exports]
    if others and _LOOKUPS.search(source.text):
        return None
    if not (found.aliases or found.definitions or any(_is_store(one) for one in found.names)):
        return None
    edits = list(_edits(source, found, new))
    if None in edits:
        return None
    is_import = not found.definitions and not any(_is_store(one) for one in found.names)
    return Renaming(tuple(edit for edit in edits if edit), is_import, bool(found.exports))


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _edits(source: Source, found: Occurrences, new: str) -> Iterator[Edit | None]:
    for name in found.names:
        # Before Python 3.12, ast is wrong about where some parts of f-strings stand.
        yield source.replace_node(name, new) if source.segment(name) == found.name else None
    for alias in found.aliases:
        yield _alias(source, alias, new)
    for node in found.definitions:
        yield _definition(source, node, found.name, new)
    for text in (*found.annotations, *found.exports):
        yield from _quoted(source, text, found.name, new)


def _alias(source: Source, alias: ast.alias, new: str) -> Edit | None:
    start, (line, column) = source.start(alias), source.end(alias)
    if alias.name == new:
        return source.replace(start, (line, column), new)
    if alias.asname is None:
        return source.insert((line, column), f" as {new}") if "." not in alias.name else None
    begin = line, column - len(alias.asname)
    if source.between(begin, (line, column)) != alias.asname:
        return None
    return source.replace(begin, (line, column), new)


def _definition(source: Source, node: ast.AST, name: str, new: str) -> Edit | None:
    line, column = source.start(node)
    pattern = re.compile(rf"(?:async\s+)?(?:def|class)\s+({re.escape(name)})\b")
    found = pattern.match(source.lines[line - 1], column - 1)
    if found is None:
        return None
    return source.replace((line, found.start(1) + 1), (line, found.end(1) + 1), new)


def _quoted(source: Source, node: ast.Constant, name: str, new: str) -> Iterator[Edit | None]:
    text = source.segment(node)
    if not is_plain_string(text):
        yield None
        return
    line, column = source.start(node)
    for found in re.finditer(rf"(?<![\w.]){re.escape(name)}\b", text):
        start, end = (line, column + found.start()), (line, column + found.end())
        yield source.replace(start, end, new)
