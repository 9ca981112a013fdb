"""Imports at the top of a module, and where they belong."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hubkit.rules.edits.names import bound_by, is_taken
from hubkit.rules.edits.source import first_line

if TYPE_CHECKING:
    from hubkit.facts import Edit
    from hubkit.rules.edits.source import Source


def code_start(source: Source) -> int | None:
    """The line of the first statement after docstring and ``__future__`` imports.

    Comments right above belong to it, but for those that the file begins with. None when the
    statement shares its line with what comes before.
    """
    body = source.tree.body
    index = 0
    if body and _is_docstring(body[0]):
        index = 1
    while index < len(body) and _is_future(body[index]):
        index += 1
    if index == len(body):
        return None
    line = first_line(body[index])
    last = body[index - 1].end_lineno or 0 if index else 0
    if line <= last or source.lines[line - 1][: source.start(body[index])[1] - 1].strip():
        return None
    above = line
    while above - 1 > last and source.lines[above - 2].lstrip().startswith("#"):
        above -= 1
    return line if above == 1 else above


def insert_import(source: Source, text: str) -> Edit | None:
    """An edit that puts an import below those at the top of a module.

    Args:
        source: The module.
        text: The statement.
    """
    top = [one for one in source.tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    if not top:
        line = code_start(source)
        return source.insert((line, 1), f"{text}\n\n") if line else None
    # Those that stand between other statements may depend on them.
    last = top[0]
    for statement in source.tree.body[source.tree.body.index(top[0]) :]:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            break
        last = statement
    line = last.end_lineno or last.lineno
    shares = any(one is not last and one.lineno == line for one in source.tree.body)
    if shares or line >= len(source.lines):
        return None
    return source.insert((line + 1, 1), f"{text}\n")


def use_module(source: Source, module: str) -> tuple[str, tuple[Edit, ...]] | None:
    """What a module is called at the top level of a file, and the import if it lacks one."""
    for statement in source.tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name == module:
                    return alias.asname or alias.name, ()
    name = f"_{module}"
    edit = insert_import(source, f"import {module} as {name}") if is_free(source, name) else None
    return (name, (edit,)) if edit else None


def hoist_import(source: Source, node: ast.stmt) -> tuple[Edit, Edit] | None:
    """Edits that move an import out of a function to the top of its module."""
    line = node.lineno
    if node.end_lineno != line or not source.is_alone(node) or not _has_company(source, node):
        return None
    names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    if not names or any(is_taken(source, node, bound_by(alias)) for alias in names):
        return None
    # A comment behind it goes along.
    inserted = insert_import(source, source.lines[line - 1].strip())
    # A blank line below belongs to it when there is none above.
    above, below = source.lines[line - 2].strip(), source.lines[line].strip()
    last = line + 1 if not below and (not above or above.endswith(":")) else line
    return (inserted, source.delete_lines(line, last)) if inserted else None


def is_free(source: Source, name: str) -> bool:
    """Whether a word stands nowhere in a file."""
    # Most texts lack it, and a pattern that may begin anywhere is slow to say so.
    text = source.text
    return name not in text or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)


def make_absolute(source: Source, node: ast.ImportFrom) -> tuple[Edit, list[str]] | None:
    """An edit that takes the leading dot from an import, and the modules that it then names."""
    start = source.start(node)
    found = re.match(r"from(\s*)\.(\s*)", source.segment(node))
    if found is None or node.level != 1:
        return None
    line, column = start
    if "\n" in found[0]:
        return None
    if node.module:
        end = line, column + found.end()
        return source.replace(start, end, "from "), [node.module]
    if any(alias.name == "*" for alias in node.names):
        return None
    names = ", ".join(
        f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in node.names
    )
    if "#" in source.segment(node):
        return None
    return source.replace_node(node, f"import {names}"), [alias.name for alias in node.names]


def _has_company(source: Source, node: ast.stmt) -> bool:
    """Whether a body holds more than a statement, so that the statement may go."""
    for parent in ast.walk(source.tree):
        for block in ("body", "orelse", "finalbody"):
            body = getattr(parent, block, None)
            if isinstance(body, list) and node in body:
                return len(body) > 1
    return False


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
