"""The list ``dependencies``, as it is written."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.rules.edits.brackets import brackets_at
from hubkit.rules.edits.imports import code_start
from hubkit.rules.edits.source import is_plain_string, quote_of, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubkit.facts import Edit, Location, RepoFacts
    from hubkit.rules.edits.brackets import Brackets, Item
    from hubkit.rules.edits.source import Source

_WIDEST = 100


def insert_list(repo: RepoFacts, names: Sequence[str]) -> Edit | None:
    """An edit that declares ``dependencies`` at the top of the hubconf.

    Args:
        repo: The repo.
        names: Its entries.
    """
    source = source_of(repo, "hubconf.py")
    line = code_start(source) if source else None
    if source is None or line is None:
        return None
    text = f"dependencies = {_list(source, names)}\n"
    before = "\n" if line > 1 and source.lines[line - 2].strip() else ""
    after = "\n" if source.lines[line - 1].strip() else ""
    return source.insert((line, 1), f"{before}{text}{after}")


def make_list(repo: RepoFacts, place: Location) -> Edit | None:
    """An edit that makes a list of the string that is assigned to ``dependencies``."""
    source = source_of(repo, place.path)
    value = _value(source, place) if source else None
    if source is None or not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return None
    names = value.value.replace(",", " ").split()
    if not is_plain_string(source.segment(value)) or not names:
        return None
    if not all(part.isidentifier() for name in names for part in name.split(".")):
        return None
    quote = source.segment(value)[0]
    listed = ", ".join(f"{quote}{name}{quote}" for name in names)
    return source.replace_node(value, f"[{listed}]")


def append_entry(repo: RepoFacts, name: str) -> Edit | None:
    """An edit that adds an entry to ``dependencies``."""
    found = _brackets(repo)
    if found is None:
        return None
    texts = [found.source.between(item.start, item.end) for item in found.items]
    written = next((text[0] for text in texts if is_plain_string(text)), quote_of(found.source))
    return found.append(f"{written}{name}{written}", is_tuple=found.open.text == "(")


def replace_entry(repo: RepoFacts, place: Location, old: str, new: str) -> Edit | None:
    """An edit that writes another text into an entry's quotes."""
    source = source_of(repo, place.path)
    text = source.at(place) if source and place.end_line else ""
    if source is None or not is_plain_string(text) or text[1:-1] != old:
        return None
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    return source.replace(start, end, f"{text[0]}{new}{text[0]}")


def remove_entry(repo: RepoFacts, place: Location) -> tuple[Edit, bool] | None:
    """An edit that takes an entry away, and whether a comment goes with it."""
    found = _brackets(repo)
    item = _item(found, place) if found else None
    # An empty pair of braces is no set.
    if found is None or item is None or (found.open.text == "{" and len(found.items) == 1):
        return None
    edit = found.remove(item, is_tuple=found.open.text == "(")
    gone = edit.location
    return edit, any(gone.line <= one.line < gone.end_line for one in found.comments)


def _item(brackets: Brackets, place: Location) -> Item | None:
    start = (place.line, place.column)
    return next((item for item in brackets.items if item.start == start), None)


def _brackets(repo: RepoFacts) -> Brackets | None:
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    if dependencies is None or (source := source_of(repo, dependencies.location.path)) is None:
        return None
    value = _value(source, dependencies.location)
    if not isinstance(value, ast.List | ast.Tuple | ast.Set):
        return None
    found = brackets_at(source, source.start(value), source.end(value))
    # A tuple without brackets ends with what is no bracket of its own.
    return found if found and found.open.start == source.start(value) else None


def _value(source: Source, place: Location) -> ast.expr | None:
    match source.statement(place):
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return value
    return None


def _list(source: Source, names: Sequence[str]) -> str:
    quote = quote_of(source)
    listed = [f"{quote}{name}{quote}" for name in names]
    short = f"[{', '.join(listed)}]"
    if len(f"dependencies = {short}") <= _WIDEST:
        return short
    return "[\n" + "".join(f"    {name},\n" for name in listed) + "]"
