"""A repo's documents: calls of ``torch.hub.load``, fenced code, and the front matter of a model card.

The only home of yaml.
"""

from __future__ import annotations

import ast
import contextlib
import re
from bisect import bisect_right
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit import limits
from hubkit._util.text import Places
from hubkit.facts import Card, CardField, CodeBlock, Location, Snippet
from hubkit.torchhub import LOAD_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import yaml

    from hubkit.facts import Files

_DOCUMENTS = (".md", ".markdown", ".rst", ".ipynb")
# Documents about older versions.
_HISTORY = r"(?i)(?:^|/)(?:change(?:s|log)|history|news|release|whatsnew)"
# Dependencies and old copies keep their own documents.
_FOREIGN = r"(?:^|/)(?:node_modules|third_?party|vendor|external|site-packages)/"
# Code that shows how to use the repo.
_EXAMPLES = r"(?:examples?|demos?|samples?|notebooks)/.*|(?:example|demo)\w*\.py"
# What a snippet calls. Parsing a notebook takes long, and few say one of these.
_CALLS = (b"hub.load", b"hubkit.load")


def find_documents(files: Files) -> tuple[str, ...]:
    """Paths of a repo's documents, those near the root first, without changelogs."""
    found = [
        path
        for path in files.paths_ending(_DOCUMENTS)
        if not re.search(_HISTORY, path) and not re.search(_FOREIGN, path)
    ]
    return tuple(sorted(found, key=lambda path: (path.count("/"), path))[: limits.DOCUMENTS.most])


def _find_examples(files: Files) -> tuple[str, ...]:
    """Paths of the Python files that show how to use the repo."""
    found = [path for path in files.paths_ending((".py",)) if re.fullmatch(_EXAMPLES, path)]
    return tuple(found[: limits.DOCUMENTS.most])


def read_snippets(files: Files) -> tuple[Snippet, ...]:
    """Every call of ``torch.hub.load`` in a repo's documents and examples, whatever it loads from."""
    return _read_snippets(files, (*find_documents(files), *_find_examples(files)))


def read_near_snippets(files: Files) -> tuple[Snippet, ...]:
    """Those in documents at the root and in ``docs``, which are found without listing all files."""
    near = [
        f"{folder}{name}" for folder in ("", "docs/") for name in sorted(files.names(folder[:-1]))
    ]
    documents = [path for path in near if path.lower().endswith(_DOCUMENTS)]
    current = [path for path in documents if not re.search(_HISTORY, path)]
    return _read_snippets(files, current[: limits.DOCUMENTS.most])


def _read_snippets(files: Files, paths: Iterable[str]) -> tuple[Snippet, ...]:
    found: list[Snippet] = []
    calls, total = limits.SNIPPETS.most, limits.DOCUMENTS_TOTAL.most
    for path in paths:
        if calls <= 0 or total <= 0:
            break
        data = _read(files, path)
        total -= len(data)
        if b".load" in data and any(call in data for call in _CALLS):
            calls -= sum(map(data.count, _CALLS))
            text = data.decode("utf-8-sig", errors="replace")
            if path.endswith(".ipynb"):
                text = _notebook_code(text)
            found += find_snippets(text, path)
    return tuple(found)


def _read(files: Files, path: str) -> bytes:
    try:
        return files.read(path, limits.DOCUMENT_BYTES.most)
    except (OSError, ValueError):
        return b""


def select_own(
    snippets: Iterable[Snippet], names: frozenset[str], repos: Iterable[str] = ()
) -> tuple[Snippet, ...]:
    """The snippets that load from the repo which holds them.

    Known names of the repo, and the one that most of those snippets name which load something this
    one has. Forks and moves change the owner, so the name alone counts.

    Args:
        snippets: The snippets.
        names: What the repo has.
        repos: Names that the repo is known by, as "owner/name".
    """
    snippets = tuple(snippets)
    known = Counter(_name(one.repo) for one in snippets if one.entrypoint in names)
    own = {*map(_name, repos), *(name for name, _ in known.most_common(1))} - {""}
    return tuple(one for one in snippets if _name(one.repo) in own)


def _name(repo: str) -> str:
    return repo.partition("/")[2].lower()


def _notebook_code(text: str) -> str:
    """A notebook with each line of a cell's source in place of the JSON text that it is.

    If a notebook is saved without line ends, a form feed ends each line of a cell's source.
    """
    return "\n".join(_unquoted(text.splitlines()))


def _unquoted(lines: Iterable[str]) -> Iterator[str]:
    import json

    for line in lines:
        content = line.strip().rstrip(",")
        try:
            value = json.loads(content) if content.startswith('"') else ""
        except ValueError:
            value = ""
        if value or '"source"' not in content:
            yield value.rstrip("\n").replace("\n", " ") if isinstance(value, str) else ""
        else:
            yield "\f".join(_sources(content))


def _sources(line: str) -> Iterator[str]:
    """The lines of the cells that one line of JSON holds."""
    import json

    decoder = json.JSONDecoder()
    for found in re.finditer(r'"source"\s*:\s*(?=[\["])', line):
        try:
            source, _ = decoder.raw_decode(line, found.end())
        except (ValueError, RecursionError):
            continue
        parts = [source] if isinstance(source, str) else source
        yield from "".join(part for part in parts if isinstance(part, str)).splitlines()


_CALL = r"\b(?:hub|hubkit)\.load\s*(?=\()"
_PROMPT = r"(?m)^[ \t]*(?:>>>|\.\.\.) ?"
_FENCE = r"^([ \t]*)(`{3,}|~{3,})[ \t]*\{?\.?([\w+-]*)"
_ASSIGNED = r"""(?m)(?:^|(?<=\f))[ \t>.]*(\w+)[ \t]*=[ \t]*["']([^"'\n]+)["']"""
_REPO = r"([\w.-]+/[\w.-]+)(?::(.+))?"
_STRING = re.compile(r"(\"\"\"|'''|\"|')(?:\\.|(?!\1).)*?\1", re.DOTALL)


def find_snippets(text: str, path: str) -> Iterator[Snippet]:
    """The calls in a text that load from a repo on GitHub.

    Args:
        text: The text.
        path: The file, for the places.
    """
    document, places = _Document(text), Places(text)
    for found in islice(re.finditer(_CALL, text), limits.SNIPPETS.most):
        call = _read_call(text, found.end())
        if call is None:
            continue
        line, column = places.place(found.start())
        snippet = _read_snippet(call, document, found.start())
        if snippet:
            yield replace(snippet, location=Location(path, line + 1, column))


class _Document:
    """A text in which the variables of one call after the other are looked up."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._assigned: dict[str, list[tuple[int, str]]] | None = None

    def value(self, name: str, offset: int) -> str | None:
        """The text that was last assigned to a variable before an offset."""
        if self._assigned is None:
            self._assigned = {}
            for found in re.finditer(_ASSIGNED, self._text):
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
        fence = re.match(_FENCE, line)
        if opened is None:
            if fence:
                opened, lines, start = fence, [], number + 1
        elif fence and fence[2].startswith(opened[2]) and not fence[3]:
            yield CodeBlock(opened[3].lower(), "\n".join(lines), start)
            opened = None
        else:
            lines.append(line)


def syntax_problem(code: str) -> str:
    """Why a piece of Python does not parse; "" if it does."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return getattr(error, "msg", "") or str(error)
    return ""


def _read_call(text: str, start: int) -> ast.Call | None:
    """The call whose parenthesis opens at an offset; None if it cannot be read."""
    end = _closing(text, start)
    if end is None:
        return None
    try:
        tree = ast.parse(
            "f" + re.sub(_PROMPT, "", text[start:end].replace("\f", "\n")), mode="eval"
        )
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
    repo = re.fullmatch(_REPO, _text(arguments[0] or named.get("repo_or_dir"), text, offset) or "")
    if repo is None:
        return None
    keywords = {
        name: value for name, value in named.items() if name and name not in LOAD_PARAMETERS
    }
    return Snippet(
        repo[1],
        repo[2] or "",
        _text(arguments[1] or named.get("model"), text, offset),
        tuple(keywords),
        Location(""),
        dict(_literals(keywords)),
        max(0, len(call.args) - 2),
    )


def _literals(arguments: dict[str, ast.expr]) -> Iterator[tuple[str, object]]:
    for name, node in arguments.items():
        with contextlib.suppress(ValueError):
            yield name, ast.literal_eval(node)


def _text(node: ast.expr | None, text: _Document, offset: int) -> str | None:
    """A literal's text, or that of a variable which the document assigns above."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.Name(id=name):
            return text.value(name, offset)
    return None


_FRONT = r"(?sm)\A\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?"


def read_card(text: str, path: str, most: int = limits.FRONT_MATTER.most) -> Card | None:
    """A document's front matter and what follows it; None if it has none.

    Args:
        text: The document.
        path: Its path, for the places.
        most: How many characters the front matter may have.
    """
    found = re.match(_FRONT, text)
    if found is None or len(found[1]) > min(most, limits.FRONT_MATTER.most):
        return None
    first = text.count("\n", 0, found.start(1)) + 1
    fields, problem, line = _read_front(found[1], path, first)
    body_line = text.count("\n", 0, found.end()) + 1
    return Card(path, fields, problem, line, text[found.end() :], body_line)


def _read_front(text: str, path: str, first: int) -> tuple[tuple[CardField, ...], str, int]:
    import yaml

    try:
        # Composing alone: no value is built, and aliases stay what they are.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it is not valid YAML"
        return (), str(reason), first + (mark.line if mark else 0)
    except (RecursionError, ValueError):
        return (), "it is nested too deeply", first
    if root is None or not isinstance(root, yaml.MappingNode):
        return (), "it is not a mapping", first
    return tuple(_fields(root, path, first)), "", first


def parse_yaml(text: str) -> object:
    """Parse YAML into plain values. An alias is the value that it repeats, not a copy.

    Args:
        text: The text.

    Raises:
        ValueError: It is not YAML, has tags of its own, or is nested too deeply.
    """
    import yaml

    try:
        return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"it is not YAML: {error}") from None


def _fields(root: yaml.MappingNode, path: str, first: int) -> Iterator[CardField]:
    import yaml

    for key, value in root.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line
        place = Location(path, first + line)
        match value:
            case yaml.ScalarNode(tag="tag:yaml.org,2002:null"):
                yield CardField(key.value, "null", (), place)
            case yaml.ScalarNode(value=text):
                yield CardField(key.value, "scalar", (text,), place)
            case yaml.SequenceNode(value=parts):
                texts = tuple(p.value for p in parts if isinstance(p, yaml.ScalarNode))
                yield CardField(key.value, "list", texts, place)
            case _:
                yield CardField(key.value, "mapping", (), place)
