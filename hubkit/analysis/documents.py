"""A repo's documents: which there are, and the snippets in them that load from this repo."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit.analysis.snippets import find_snippets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Files, Snippet

_DOCUMENTS = (".md", ".markdown", ".rst", ".ipynb")
# Documents about older versions.
_HISTORY = re.compile(r"(?:^|/)(?:change(?:s|log)|history|news|release|whatsnew)", re.IGNORECASE)
# Dependencies and old copies keep their own documents.
_FOREIGN = re.compile(r"(?:^|/)(?:node_modules|third_?party|vendor|external|site-packages)/")
# What a snippet calls. Parsing a notebook takes long, and few say one of these.
_CALLS = (b"hub.load", b"hubkit.load")


def find_documents(files: Files) -> tuple[str, ...]:
    """Paths of a repo's documents, those near the root first, without changelogs."""
    found = [
        path
        for path in files.paths_ending(_DOCUMENTS)
        if not _HISTORY.search(path) and not _FOREIGN.search(path)
    ]
    return tuple(sorted(found, key=lambda path: (path.count("/"), path))[: limits.DOCUMENTS.most])


def read_snippets(files: Files) -> tuple[Snippet, ...]:
    """Every call of ``torch.hub.load`` in a repo's documents, whatever it loads from."""
    found: list[Snippet] = []
    calls, total = limits.SNIPPETS.most, limits.DOCUMENTS_TOTAL.most
    for path in find_documents(files):
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


def select_own(snippets: Iterable[Snippet], names: frozenset[str]) -> tuple[Snippet, ...]:
    """The snippets that load from the repo which holds them.

    The repo that most of those snippets name which load something this one has; forks and moves
    change the owner, so the name alone counts.

    Args:
        snippets: The snippets.
        names: What the repo has.
    """
    snippets = tuple(snippets)
    known = Counter(_name(one) for one in snippets if one.entrypoint in names)
    if not known:
        return ()
    own = known.most_common(1)[0][0]
    return tuple(one for one in snippets if _name(one) == own)


def _name(snippet: Snippet) -> str:
    return snippet.repo.partition("/")[2].lower()


def _notebook_code(text: str) -> str:
    """A notebook with each line of a cell's source in place of the JSON text that it is."""
    return "\n".join(_unquoted(text.splitlines()))


def _unquoted(lines: Iterable[str]) -> Iterator[str]:
    import json

    for line in lines:
        content = line.strip().rstrip(",")
        try:
            value = json.loads(content) if content.startswith('"') else ""
        except ValueError:
            value = ""
        yield value.rstrip("\n").replace("\n", " ") if isinstance(value, str) else ""
