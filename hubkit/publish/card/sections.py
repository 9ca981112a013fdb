"""What hubkit writes into a card, part by part, as Markdown whose lines end in a newline alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.analysis import read_docstring, render_signature
from hubkit.publish.card.facts import summary_of
from hubkit.publish.card.usage import render_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.facts import Entrypoint
    from hubkit.publish.card.facts import CardFacts
    from hubkit.publish.card.files import Checkpoint

_BACKTICKS = re.compile(r"`+")
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
    summary = _prose(summary_of(entry.docstring))
    yield f"- {code(render_signature(entry))}{': ' if summary else ''}{summary}"
    described = dict(read_docstring(entry.docstring).parameters) if entry.docstring else {}
    for parameter in entry.parameters or ():
        if described.get(parameter.name):
            yield f"  - {code(parameter.name)}: {_prose(described[parameter.name])}"


def render_dependencies(facts: CardFacts) -> str:
    """What must be installed, and the line that does it."""
    if not facts.dependencies:
        return "`hubconf.py` declares no dependencies.\n"
    names = [code(name) for name in facts.dependencies]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    return f"Loading imports {listed}.\n\n```sh\npip install {' '.join(facts.packages)}\n```\n"


def render_weights(facts: CardFacts) -> str:
    """A table of the checkpoints that entrypoints load."""
    if not facts.checkpoints:
        return "The entrypoints load no weights, as far as source tells.\n"
    known = [one for one in facts.checkpoints if one.url or one.path or one.sha256]
    lines = _table(known) if known else []
    unknown = [one.entrypoint for one in facts.checkpoints if one not in known]
    if unknown:
        what = "More weights" if known else "Weights"
        named = [code(name) for name in unknown if name]
        whose = f" for {_some(named)}" if named else ""
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
        who = code(one.entrypoint) if one.entrypoint else ""
        lines.append(_row([who, *params, _file(one), size, _digest(one.sha256)]))
    return lines


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else shown


def _file(one: Checkpoint) -> str:
    if one.path:
        return f"{code(one.path)}, in the repo"
    if not one.url:
        return ""
    target = one.url.replace("|", "%7C").replace(")", "%29").replace(" ", "%20")
    return f"[{code(one.name)}]({target})"


def _digest(sha256: str) -> str:
    if len(sha256) < _SHORTEST_WHOLE:
        return code(f"{sha256}…") if sha256 else ""
    return code(sha256)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def format_size(size: int) -> str:
    """A number of bytes as people say it, in powers of ten."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def code(text: str) -> str:
    """A text as Markdown's code, whatever it holds."""
    longest = max((len(found) for found in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}"


def _prose(text: str) -> str:
    """Somebody's words on one line, such that no comment starts or ends in them."""
    return " ".join(text.split()).replace("<!--", "&lt;!--").replace("-->", "--&gt;")


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
