"""Calls of ``torch.hub.load`` and fenced code in documents and docstrings."""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit import limits
from hubkit._util.lines import Places
from hubkit.facts import CodeBlock, Location, Snippet
from hubkit.torchhub import LOAD_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALL = re.compile(r"\b(?:hub|hubkit)\.load\s*(?=\()")
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.) ?", re.MULTILINE)
_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*\{?\.?([\w+-]*)")
_ASSIGNED = re.compile(r"""^[ \t>.]*(\w+)[ \t]*=[ \t]*["']([^"'\n]+)["']""", re.MULTILINE)
_REPO = re.compile(r"([\w.-]+/[\w.-]+)(?::(.+))?")
_STRING = re.compile(r"(\"\"\"|'''|\"|')(?:\\.|(?!\1).)*?\1", re.DOTALL)


def find_snippets(text: str, path: str, first_line: int = 1) -> Iterator[Snippet]:
    """The calls in a text that load from a repo on GitHub.

    Args:
        text: The text.
        path: The file, for the places.
        first_line: The line of the file on which the text starts.
    """
    document, places = _Document(text), Places(text)
    for found in islice(_CALL.finditer(text), limits.SNIPPETS.most):
        call = _read_call(text, found.end())
        if call is None:
            continue
        line, column = places.place(found.start())
        snippet = _read_snippet(call, document, found.start())
        if snippet:
            yield replace(snippet, location=Location(path, first_line + line, column))


class _Document:
    """A text in which the variables of one call after the other are looked up."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._assigned: dict[str, list[tuple[int, str]]] | None = None

    def value(self, name: str, offset: int) -> str | None:
        """The text that was last assigned to a variable before an offset."""
        if self._assigned is None:
            self._assigned = {}
            for found in _ASSIGNED.finditer(self._text):
                self._assigned.setdefault(found[1], []).append((found.end(), found[2]))
        assigned = self._assigned.get(name, [])
        index = bisect_right(assigned, offset, key=lambda one: one[0])
        return assigned[index - 1][1] if index else None


def find_code(text: str, first_line: int = 1) -> Iterator[CodeBlock]:
    """The fenced blocks of a text.

    Args:
        text: The text.
        first_line: The line of the file on which the text starts.
    """
    opened: re.Match[str] | None = None
    lines: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), start=first_line):
        fence = _FENCE.match(line)
        if opened is None:
            if fence:
                opened, lines, start = fence, [], number + 1
        elif fence and fence[2].startswith(opened[2]) and not fence[3]:
            yield CodeBlock(opened[3].lower(), "\n".join(lines), start)
            opened = None
        else:
            lines.append(line)


def syntax_problem(code: str) -> str:
    """Why a piece of Python does not parse; "" when it does.

    Args:
        code: The code.
    """
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return getattr(error, "msg", "") or str(error)
    return ""


def _read_call(text: str, start: int) -> ast.Call | None:
    """The call whose parenthesis opens at an offset; None when it cannot be read."""
    end = _closing(text, start)
    if end is None:
        return None
    try:
        tree = ast.parse("f" + _PROMPT.sub("", text[start:end]), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree.body if isinstance(tree.body, ast.Call) else None


def _closing(text: str, start: int) -> int | None:
    depth, position = 0, start
    limit = min(len(text), start + limits.SNIPPET.most)
    while position < limit:
        char = text[position]
        if char in "\"'":
            string = _STRING.match(text, position, limit)
            if string is None:
                return None
            position = string.end()
            continue
        depth += (char in "([{") - (char in ")]}")
        position += 1
        if depth == 0:
            return position
    return None


def _read_snippet(call: ast.Call, text: _Document, offset: int) -> Snippet | None:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if _text(named.get("source"), text, offset) == "local":
        return None
    arguments = [*call.args[:2], None, None]
    repo = _REPO.fullmatch(_text(arguments[0] or named.get("repo_or_dir"), text, offset) or "")
    if repo is None:
        return None
    return Snippet(
        repo[1],
        repo[2] or "",
        _text(arguments[1] or named.get("model"), text, offset),
        tuple(name for name in named if name and name not in LOAD_PARAMETERS),
        Location(""),
    )


def _text(node: ast.expr | None, text: _Document, offset: int) -> str | None:
    """A literal's text, or that of a variable which the document assigns above."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.Name(id=name):
            return text.value(name, offset)
    return None
