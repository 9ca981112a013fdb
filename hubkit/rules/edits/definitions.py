"""Parameters of functions, and names that are assigned functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.rules.edits.brackets import first_brackets
from hubkit.rules.edits.docstrings import header_end, render_docstring
from hubkit.rules.edits.source import FunctionNode, is_plain_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Edit, Parameter
    from hubkit.rules.edits.source import NamedNode, Source


def drop_keywords(source: Source, node: NamedNode) -> Edit | None:
    """An edit that takes ``**kwargs`` from a function that no decorator changes."""
    if not isinstance(node, FunctionNode) or node.args.kwarg is None or node.decorator_list:
        return None
    end = header_end(source, node)
    brackets = first_brackets(source, source.start(node), end) if end else None
    if brackets is None or not brackets.items:
        return None
    return brackets.remove(brackets.items[-1])


def replace_default(source: Source, node: NamedNode, name: str, value: str) -> Edit | None:
    """An edit that gives a parameter another default, where both are plain strings."""
    if not isinstance(node, FunctionNode):
        return None
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    default = next((default for one, default in pairs if one.arg == name), None)
    text = source.segment(default) if default else ""
    if default is None or not is_plain_string(text):
        return None
    return source.replace_node(default, f"{text[0]}{value}{text[0]}")


def make_def(source: Source, node: ast.stmt, parameters: Iterable[Parameter]) -> Edit | None:
    """An edit that makes ``name = lambda ...`` a ``def`` with a docstring."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as made):
            pass
        case _:
            return None
    if node.lineno != node.end_lineno or not source.is_alone(node):
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
    if not source.is_alone(node):
        return None
    line, indent = source.end(node)[0], source.indent(node.lineno)
    text = f"\n{indent}{name}.__doc__ = {render_docstring(name, parameters, indent)}"
    return source.insert((line, len(source.lines[line - 1]) + 1), text)
