"""Examples in docstrings, README and model cards that load an entrypoint."""

from __future__ import annotations

import doctest
from functools import cached_property
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.analysis import find_code, find_documents, find_snippets, select_own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import RepoFacts

_PYTHON = ("python", "py", "python3", "pycon")
_SKIP = "# hubkit: skip"
# Prefixes of shell commands.
_SHELL = ("!", "%", "$")


class Example(Struct, frozen=True):
    """One piece of code.

    Attributes:
        place: The document, or "the help of" the entrypoint.
        line: The line on which the code starts.
        code: The code.
    """

    place: str
    line: int
    code: str

    @property
    def where(self) -> str:
        """Its place, in words."""
        return f"the example at line {self.line} of {self.place}"


class Examples:
    """The examples of one repo."""

    def __init__(self, facts: RepoFacts) -> None:
        self._facts = facts

    def find(self, entrypoint: str) -> Iterator[Example]:
        """The examples in an entrypoint's docstring, and those elsewhere that load it."""
        known = self._facts.hubconf.entrypoint(entrypoint) if self._facts.hubconf else None
        docstring = dedent(known.docstring or "") if known else ""
        yield from _blocks(docstring, f"the help of {entrypoint}")
        session = _session(docstring)
        if session:
            yield Example(f"the help of {entrypoint}", 1, session)
        for path, text in self._documents:
            for one in _blocks(text, path):
                if any(shown.entrypoint == entrypoint for shown in find_snippets(one.code, path)):
                    yield one

    def find_value(self, entrypoint: str, name: str) -> tuple[str, Any] | None:
        """The first literal value that a document passes to a parameter, and where.

        Args:
            entrypoint: The entrypoint.
            name: The parameter.
        """
        for path, text in self._documents:
            for shown in find_snippets(text, path):
                if shown.entrypoint == entrypoint and name in shown.values:
                    return f"{path}:{shown.location.line}", shown.values[name]
        return None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the repo in code that loads it: "owner/name", including forks."""
        entrypoints = self._facts.hubconf.entrypoints if self._facts.hubconf else ()
        texts = [(one.docstring or "", "hubconf.py") for one in entrypoints]
        shown = [
            snippet
            for text, path in (*texts, *((text, path) for path, text in self._documents))
            for snippet in find_snippets(text, path)
        ]
        own = select_own(shown, frozenset(entry.name for entry in entrypoints))
        return tuple(sorted({one.repo.lower() for one in own}))

    @cached_property
    def _documents(self) -> tuple[tuple[str, str], ...]:
        """Path and text of documents that may load something."""
        files = self._facts.files
        paths = (path for path in find_documents(files) if not path.endswith(".ipynb"))
        texts = ((path, files.read_text(path)) for path in paths)
        return tuple((path, text) for path, text in texts if "hub.load" in text)


def _blocks(text: str, place: str) -> Iterator[Example]:
    for block in find_code(text):
        if block.language not in _PYTHON or _SKIP in block.text:
            continue
        code = dedent(block.text)
        lines = ("" if line.startswith(_SHELL) else line for line in code.splitlines())
        yield Example(place, block.line, _session(code) or "\n".join(lines))


def _session(text: str) -> str:
    """The code after prompts, as one piece; "" without prompts, or if they cannot be parsed."""
    if ">>>" not in text or _SKIP in text:
        return ""
    try:
        found = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return ""
    kept = (one for one in found if not one.options.get(doctest.SKIP))
    return "".join(one.source for one in kept)
