"""Parameters of functions, imports in them, and names that are made functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.rules.edits.brackets import first_brackets
from hubkit.rules.edits.docstrings import header_end, render_docstring
from hubkit.rules.edits.imports import insert_import, is_free
from hubkit.rules.edits.source import is_plain_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Edit, Parameter
    from hubkit.rules.edits.source import Source

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def drop_keywords(source: Source, node: FunctionNode) -> Edit | None:
    """An edit that takes ``**kwargs`` from a function that no decorator changes."""
    extra = node.args.kwarg
    if extra is None or node.decorator_list:
        return None
    end = header_end(source, node)
    brackets = first_brackets(source, source.start(node), end) if end else None
    if brackets is None or not brackets.items:
        return None
    return brackets.remove(brackets.items[-1])


def default_of(source: Source, node: FunctionNode, name: str) -> ast.Constant | None:
    """The default of a parameter, when it is a plain string."""
    positional = [*node.args.posonlyargs, *node.args.args]
    pairs = list(zip(reversed(positional), reversed(node.args.defaults), strict=False))
    pairs += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d]
    for argument, default in pairs:
        if argument.arg == name and isinstance(default, ast.Constant):
            return default if is_plain_string(source.segment(default)) else None
    return None


def hoist_import(source: Source, node: ast.stmt) -> tuple[Edit, Edit] | None:
    """Edits that move an import out of a function to the top of its module."""
    line = node.lineno
    text = source.segment(node)
    bound = [
        alias.asname or alias.name.partition(".")[0]
        for alias in (node.names if isinstance(node, ast.Import | ast.ImportFrom) else [])
    ]
    outside = "\n".join([*source.lines[: line - 1], *source.lines[node.end_lineno or line :]])
    # A comment behind it goes along.
    written = source.lines[line - 1].strip()
    is_alone = written.startswith(text) and not written[len(text) :].strip().partition("#")[0]
    if not is_alone or node.end_lineno != line or "*" in bound or not _has_company(source, node):
        return None
    # The name may mean something else at the top of the module.
    if any(_is_bound(source, name) for name in bound) or not outside:
        return None
    inserted = insert_import(source, written)
    # A blank line below belongs to it when there is none above.
    above, below = source.lines[line - 2].strip(), source.lines[line].strip()
    last = line + 1 if not below and (not above or above.endswith(":")) else line
    return (inserted, source.delete_lines(line, last)) if inserted else None


def make_def(source: Source, node: ast.stmt, parameters: Iterable[Parameter]) -> Edit | None:
    """An edit that makes ``name = lambda ...`` a ``def`` with a docstring."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as made):
            pass
        case _:
            return None
    if node.lineno != node.end_lineno:
        return None
    start, end = source.start(made), source.end(made)
    colon = source.last(":", start, end, before=source.start(made.body))
    if colon is None or not source.segment(made).startswith("lambda"):
        return None
    line, column = start
    arguments = source.between((line, column + len("lambda")), colon.start).strip()
    indent = source.indent(node.lineno) + "    "
    docstring = render_docstring(name, parameters, indent)
    result = source.between(colon.end, end).strip()
    written = f"def {name}({arguments}):\n{indent}{docstring}\n{indent}return {result}"
    return source.replace_node(node, written)


def assign_docstring(
    source: Source, node: ast.stmt, name: str, parameters: Iterable[Parameter]
) -> Edit | None:
    """An edit that gives what is assigned to a name a text of its own, below the assignment."""
    line = node.end_lineno or node.lineno
    rest = source.lines[line - 1][source.end(node)[1] - 1 :].strip()
    if rest and not rest.startswith("#"):
        return None
    indent = source.indent(node.lineno)
    text = f"\n{indent}{name}.__doc__ = {render_docstring(name, parameters, indent)}"
    return source.insert((line, len(source.lines[line - 1]) + 1), text)


def free_import(source: Source, module: str) -> tuple[str, Edit] | None:
    """An edit that imports a module under a private name, and that name."""
    name = f"_{module.rpartition('.')[2]}"
    edit = insert_import(source, f"import {module} as {name}") if is_free(source, name) else None
    return (name, edit) if edit else None


def _has_company(source: Source, node: ast.stmt) -> bool:
    """Whether a body holds more than a statement, so that the statement may go."""
    for parent in ast.walk(source.tree):
        for block in ("body", "orelse", "finalbody"):
            body = getattr(parent, block, None)
            if isinstance(body, list) and node in body:
                return len(body) > 1
    return False


def _is_bound(source: Source, name: str) -> bool:
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.FunctionDef(name=found) | ast.ClassDef(name=found) if found == name:
                return True
    return any(
        alias.asname == name or alias.name == name
        for one in source.tree.body
        if isinstance(one, ast.Import | ast.ImportFrom)
        for alias in one.names
    )
