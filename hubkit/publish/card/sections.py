"""What hubkit writes into a card, part by part, as Markdown whose lines end in a newline alone."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote

from hubkit._util.text import code_span, join_words, printable, table_cell
from hubkit.analysis import read_docstring, render_signature
from hubkit.publish.card.facts import summary_of
from hubkit.publish.card.usage import render_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.facts import Entrypoint
    from hubkit.publish.card.facts import CardFacts
    from hubkit.publish.card.files import Checkpoint

# What Markdown takes for HTML, or for a link that it makes by itself.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_NAMES_SHOWN = 6
_SHORTEST_WHOLE = 64


def render_entrypoints(facts: CardFacts) -> str:
    """Every entrypoint with its signature, what it is, and what its parameters mean."""
    lines = [line for entry in facts.entrypoints for line in _entrypoint(entry)]
    if facts.is_open:
        more = "more names" if lines else "its names"
        lines += [
            *([""] if lines else []),
            f"`hubconf.py` makes {more} when it runs: `torch.hub.list` shows them.",
        ]
    return "\n".join(lines or ["There are none."]) + "\n"


def _entrypoint(entry: Entrypoint) -> Iterator[str]:
    summary = prose(summary_of(entry.docstring))
    yield f"- {code_span(render_signature(entry))}{': ' if summary else ''}{summary}"
    described = dict(read_docstring(entry.docstring).parameters) if entry.docstring else {}
    for parameter in entry.parameters or ():
        if described.get(parameter.name):
            yield f"  - {code_span(parameter.name)}: {prose(described[parameter.name])}"


def render_dependencies(facts: CardFacts) -> str:
    """What must be installed, and the line that does it."""
    if not facts.dependencies:
        return "`hubconf.py` declares no dependencies.\n"
    listed = join_words(map(code_span, facts.dependencies))
    packages = printable(shlex.join(facts.packages))
    return f"Loading imports {listed}.\n\n```sh\npip install {packages}\n```\n"


def render_weights(facts: CardFacts) -> str:
    """A table of the checkpoints that entrypoints load."""
    if not facts.checkpoints:
        return "The entrypoints load no weights, as far as source tells.\n"
    known = [one for one in facts.checkpoints if one.url or one.path or one.sha256]
    lines = _table(known) if known else []
    unknown = [one.entrypoint for one in facts.checkpoints if one not in known]
    if unknown:
        what = "More weights" if known else "Weights"
        named = [code_span(name) for name in unknown if name]
        whose = f" for {join_words(named, most=_NAMES_SHOWN)}" if named else ""
        lines += [
            *([""] if lines else []),
            f"{what} are downloaded{whose}, from URLs made at run time.",
        ]
    return "\n".join(lines) + "\n"


def _table(checkpoints: list[Checkpoint]) -> list[str]:
    counted = any(one.params is not None for one in checkpoints)
    heads = ["entrypoint", *(["parameters"] if counted else []), "file", "size", "sha256"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for one in checkpoints:
        params = [f"{one.params:,}" if one.params is not None else ""] if counted else []
        size = format_size(one.size) if one.size is not None else ""
        who = code_span(one.entrypoint) if one.entrypoint else ""
        lines.append(_row([who, *params, _file(one), size, _digest(one.sha256)]))
    return lines


def _file(one: Checkpoint) -> str:
    if one.path:
        return f"{code_span(one.path)}, in the repo"
    if not one.url:
        return ""
    # Only what has no meaning to Markdown stays as it is.
    target = quote(one.url, safe="/:?#@!$&+,;=%~")
    return f"[{code_span(one.name)}]({target})"


def _digest(sha256: str) -> str:
    if len(sha256) < _SHORTEST_WHOLE:
        return code_span(f"{sha256}…") if sha256 else ""
    return code_span(sha256)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(map(table_cell, cells))} |"


def format_size(size: int) -> str:
    """A number of bytes as people say it, in powers of ten."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def prose(text: str) -> str:
    """A docstring's words on one line: their Markdown stays, but no HTML and no comment starts."""
    words = printable(" ".join(text.split()))
    return _TAG.sub("&lt;", words).replace("-->", "--&gt;")


# In the order in which a new card has them. What reads a report is written only when there is one.
SECTIONS: dict[str, Callable[[CardFacts], str]] = {
    "usage": render_usage,
    "entrypoints": render_entrypoints,
    "weights": render_weights,
    "dependencies": render_dependencies,
}
CONFORMANCE = "conformance"
TITLES = {
    "usage": "Usage",
    "entrypoints": "Entrypoints",
    "weights": "Weights",
    "dependencies": "Dependencies",
    CONFORMANCE: "Conformance",
}
