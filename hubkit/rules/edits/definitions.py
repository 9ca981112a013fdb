"""Edits of functions: docstrings and parameters."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hubkit.analysis.syntax import first_line
from hubkit.rules.edits.brackets import first_brackets
from hubkit.rules.edits.source import FunctionNode, is_plain_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.facts import Edit, Parameter
    from hubkit.rules.edits.source import NamedNode, Source


_TRIPLE = re.compile(r"""[rRuU]?(\"{3}|'{3})(?:(?!\1).)*\1""", re.DOTALL)
_SECTION = re.compile(r"([ \t]*)(?:Args|Arguments|Parameters|Params)[ \t]*:[ \t]*")
_NUMPY = re.compile(r"([ \t]*)Parameters[ \t]*")
_FIELD = re.compile(r"([ \t]*):(?:param|type)\b.*")
# Common parameters. Others are described by their default only.
_KNOWN = {
    "pretrained": "Load trained weights.",
    "progress": "Show a progress bar during downloads.",
    "device": "Device of the model.",
    "num_classes": "Number of classes.",
    "in_channels": "Number of input channels.",
    "in_chans": "Number of input channels.",
    "map_location": "Device to load the weights to.",
}


def describe(parameter: Parameter) -> str:
    """Describe a parameter by its name and default."""
    known = _KNOWN.get(parameter.name, "")
    if parameter.ignored:
        return "Ignored."
    if parameter.kind in ("var-positional", "var-keyword"):
        return "Passed to the model."
    default = " ".join((parameter.default or "").split())
    if len(default) > 40 or "\\" in default or '"""' in default:
        default = "a computed value"
    text = f"Defaults to {default}." if parameter.default else "Required."
    return f"{known} {text}".strip()


def render_docstring(name: str, parameters: Iterable[Parameter], indent: str) -> str:
    """Render a docstring in Google style. The first line is not indented."""
    lines = [f"{_stars(one)}{one.name}: {describe(one)}" for one in parameters]
    if not lines:
        return f'"""Build `{name}`."""'
    inner = f"\n{indent}    ".join(lines)
    return f'"""Build `{name}`.\n\n{indent}Args:\n{indent}    {inner}\n{indent}"""'


def insert_docstring(
    source: Source, node: NamedNode, parameters: Iterable[Parameter]
) -> Edit | None:
    """Add a docstring to a function or class."""
    body = node.body[0]
    place = header_end(source, node)
    line = first_line(body)
    if place is None or line <= place[0] or source.lines[place[0] - 1].endswith("\\"):
        return None
    indent = source.indent(line)
    text = render_docstring(node.name, parameters, indent)
    return source.insert((place[0] + 1, 1), f"{indent}{text}\n")


def header_end(source: Source, node: NamedNode) -> tuple[int, int] | None:
    """The end of the colon after the header of a definition."""
    body = node.body[0]
    end = first_line(body), source.start(body)[1]
    colon = source.last(":", source.start(node), end, before=end)
    return colon.end if colon else None


def add_parameters(source: Source, node: NamedNode, parameters: Sequence[Parameter]) -> Edit | None:
    """Document parameters in a docstring, in its own style."""
    literal = literal_of(source, node)
    if literal is None:
        return None
    first, last = literal.lineno, literal.end_lineno or literal.lineno
    if source.lines[first - 1][: source.start(literal)[1] - 1].strip():
        return None
    lines = source.lines[first - 1 : last]
    if lines[-1].strip() == source.segment(literal)[-3:]:
        lines = lines[:-1]
    for place in (_in_section, _in_numpy, _in_fields):
        found = place(lines, parameters)
        if found is not None:
            index, text = found
            if first + index < last:
                return source.insert((first + index + 1, 1), f"{text}\n")
            return source.insert((last, source.end(literal)[1] - 3), f"\n{text}")
    return _new_section(source, literal, source.indent(first), parameters)


def rename_parameter(source: Source, node: NamedNode, old: str, new: str) -> Edit | None:
    """Replace the name of a parameter where a docstring describes it, if that is one place."""
    literal = literal_of(source, node)
    if literal is None:
        return None
    entry = re.compile(rf"[ \t]*(?:[-*][ \t]+)?(?::param[ \t]+(?:[^:]*[ \t])?)?[`*]*({old})\b")
    numbers = range(literal.lineno, (literal.end_lineno or literal.lineno) + 1)
    found = [(n, match) for n in numbers if (match := entry.match(source.lines[n - 1]))]
    if len(found) != 1:
        return None
    number, match = found[0]
    return source.replace((number, match.start(1) + 1), (number, match.end(1) + 1), new)


def append_parameter(source: Source, node: FunctionNode, text: str) -> Edit | None:
    """Add a parameter behind the others, but before ``**kwargs``.

    Args:
        source: The file.
        node: The function.
        text: The parameter, with a default.
    """
    start, end = source.start(node), header_end(source, node)
    brackets = first_brackets(source, start, end) if end else None
    if brackets is None:
        return None
    for item in brackets.items:
        if source.between(item.start, item.end).startswith("**"):
            line, column = item.start
            alone = not source.lines[line - 1][: column - 1].strip()
            gap = f"\n{source.indent(line)}" if alone else " "
            return source.insert(item.start, f"{text},{gap}")
    return brackets.append(text)


def remove_text(source: Source, node: NamedNode, text: str) -> Edit | None:
    """Remove a line of a docstring; None if nothing else is in it.

    Args:
        source: The file.
        node: The definition.
        text: The text of the line, which the docstring contains once.
    """
    literal = literal_of(source, node)
    if literal is None:
        return None
    first, last = literal.lineno, literal.end_lineno or literal.lineno
    numbers = [n for n in range(first, last + 1) if text in source.lines[n - 1]]
    written = source.segment(literal)
    opening = written.index(written[-1]) + 3
    rest = written[opening:-3].replace(text, "")
    if len(numbers) != 1 or not rest.strip():
        return None
    number = numbers[0]
    if number > first:
        if source.lines[number - 1].strip() != text.strip():
            return None
        return source.delete_lines(number, number)
    start = source.start(literal)[0], source.start(literal)[1] + opening
    if source.lines[first - 1][start[1] - 1 :].strip() != text.strip():
        return None
    number += 1
    while not source.lines[number - 1].strip():
        number += 1
    return source.replace(start, (number, len(source.indent(number)) + 1), "")


def literal_of(source: Source, node: NamedNode) -> ast.Constant | None:
    """The docstring of a definition, if it is a single literal in triple quotes."""
    first = node.body[0]
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return None
    return first.value if _TRIPLE.fullmatch(source.segment(first.value)) else None


def _in_section(lines: Sequence[str], parameters: Sequence[Parameter]) -> tuple[int, str] | None:
    """The last line of ``Args:``, and the text to add after it."""
    start, indent = _find(lines, _SECTION)
    if start is None:
        return None
    end, inner = start, ""
    for index in range(start + 1, len(lines)):
        text = lines[index]
        own = text[: len(text) - len(text.lstrip())]
        if text.strip() and len(own.expandtabs()) <= len(indent.expandtabs()):
            break
        if text.strip():
            inner = inner or own
            end = index
    inner = inner or f"{indent}    "
    return end, "\n".join(f"{inner}{_stars(one)}{one.name}: {describe(one)}" for one in parameters)


def _in_numpy(lines: Sequence[str], parameters: Sequence[Parameter]) -> tuple[int, str] | None:
    start, indent = _find(lines, _NUMPY)
    if start is None or start + 1 >= len(lines) or set(lines[start + 1].strip()) != {"-"}:
        return None
    end = start + 1
    for index in range(start + 2, len(lines)):
        if index + 1 < len(lines) and set(lines[index + 1].strip()) == {"-"}:
            break
        if lines[index].strip():
            end = index
    return end, "\n".join(
        f"{indent}{_stars(one)}{one.name}\n{indent}    {describe(one)}" for one in parameters
    )


def _in_fields(lines: Sequence[str], parameters: Sequence[Parameter]) -> tuple[int, str] | None:
    found = [index for index, text in enumerate(lines) if _FIELD.fullmatch(text)]
    if not found:
        return None
    match = _FIELD.fullmatch(lines[found[-1]])
    indent = match[1] if match else ""
    end = found[-1]
    while end + 1 < len(lines) and lines[end + 1].startswith(f"{indent} "):
        end += 1
    return end, "\n".join(f"{indent}:param {one.name}: {describe(one)}" for one in parameters)


def _new_section(
    source: Source, literal: ast.Constant, indent: str, parameters: Sequence[Parameter]
) -> Edit:
    """Add a section ``Args:`` before the closing quotes."""
    line, column = source.end(literal)
    end = line, column - 3
    before = source.lines[line - 1][: column - 4]
    listed = "".join(
        f"{indent}    {_stars(one)}{one.name}: {describe(one)}\n" for one in parameters
    )
    text = f"{indent}Args:\n{listed}{indent}"
    if line > literal.lineno and not before.strip():
        blank = "" if not source.lines[line - 2].strip() else "\n"
        return source.replace((line, 1), end, f"{blank}{text}")
    start = line, len(before.rstrip()) + 1
    return source.replace(start, end, f"\n\n{text}")


def _find(lines: Sequence[str], pattern: re.Pattern[str]) -> tuple[int | None, str]:
    for index, text in enumerate(lines):
        found = pattern.fullmatch(text)
        if found:
            return index, found[1]
    return None, ""


def _stars(parameter: Parameter) -> str:
    return {"var-positional": "*", "var-keyword": "**"}.get(parameter.kind, "")


def drop_keywords(source: Source, node: NamedNode) -> Edit | None:
    """Remove ``**kwargs`` of a function without decorators."""
    if not isinstance(node, FunctionNode) or node.args.kwarg is None or node.decorator_list:
        return None
    end = header_end(source, node)
    brackets = first_brackets(source, source.start(node), end) if end else None
    if brackets is None or not brackets.items:
        return None
    return brackets.remove(brackets.items[-1])


def replace_default(source: Source, node: NamedNode, name: str, value: str) -> Edit | None:
    """Replace a default that is a plain string."""
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
    """Replace ``name = lambda ...`` with a ``def`` that has a docstring."""
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
    """Assign a docstring to a name, below its assignment."""
    if not source.is_alone(node):
        return None
    line, indent = source.end(node)[0], source.indent(node.lineno)
    text = f"\n{indent}{name}.__doc__ = {render_docstring(name, parameters, indent)}"
    return source.insert((line, len(source.lines[line - 1]) + 1), text)
