"""The snippet with which a card shows how a model is loaded."""

from __future__ import annotations

import keyword
import math
import re
from typing import TYPE_CHECKING

from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.config import EntrypointConfig
    from hubkit.facts import Entrypoint
    from hubkit.publish.card.facts import CardFacts

_TENSOR = re.compile(r"f(?:16|32|64)\[([\w, ]+)\](?: in \[0, ?1\])?")
_MULTIPLE = re.compile(r"(\d+)n")
_WIDTH = 88  # where the formatters of the world break lines
_LARGEST = 50_000_000  # numbers: a snippet is to run on anybody's machine


def render_usage(facts: CardFacts) -> str:
    """Python that loads one entrypoint, and runs it where its input is declared.

    It is the one that the snippet loads already, else the first that can be asked for weights, else
    the first that can be called as it is. What cannot be told is left out rather than made up.

    Raises:
        UsageError: Nothing tells where the repo is published.
    """
    known = facts.source
    if not known.repo:
        raise UsageError(
            "nothing tells where this repo is published",
            hint="Say it: --repo OWNER/NAME, or give git a remote: git remote add origin URL",
        )
    source = f"{known.repo}:{known.ref}" if known.ref else known.repo
    entry = _select(facts)
    given = arguments_of(facts, entry) if entry else None
    if entry is None or given is None:
        return f'```python\nimport torch\n\nprint(torch.hub.list("{source}"))\n```\n'
    config = facts.config.entrypoint(entry.name)
    lines = ["import torch", "", *_load(source, entry, given, config)]
    return "\n".join(["```python", *lines, "```", ""])


def render_arguments(facts: CardFacts, source: str) -> str:
    """What ``load`` is called with for the entrypoint that the snippet shows.

    Args:
        facts: What the card says.
        source: The repo at a ref.
    """
    entry = _select(facts)
    if entry is None:
        return f'"{source}", "{facts.entrypoints[0].name if facts.entrypoints else "ENTRYPOINT"}"'
    return ", ".join(_arguments(source, entry, arguments_of(facts, entry) or {}))


def _select(facts: CardFacts) -> Entrypoint | None:
    """The entrypoint to show; None when none can be called as it is."""
    usable = [entry for entry in facts.entrypoints if arguments_of(facts, entry) is not None]
    named = (entry for entry in usable if entry.name == facts.source.entrypoint)
    trained = (entry for entry in usable if _has_switch(entry))
    return next(named, None) or next(trained, None) or next(iter(usable), None)


def _has_switch(entry: Entrypoint) -> bool:
    return any(one.name in ("pretrained", "weights") for one in entry.parameters or ())


def arguments_of(facts: CardFacts, entry: Entrypoint) -> Mapping[str, object] | None:
    """Arguments with which an entrypoint gives its trained model; None when some are not known."""
    config = facts.config.entrypoint(entry.name)
    given = dict(config.call)
    if config.weights and config.weights.call:
        given |= config.weights.call
    for parameter in entry.parameters or ():
        if parameter.name in given:
            continue
        if parameter.name == "pretrained" and parameter.default in (None, "False", "None"):
            given["pretrained"] = True
        elif parameter.required:
            return None
    return given if entry.parameters is not None else None


def _load(
    source: str, entry: Entrypoint, given: Mapping[str, object], config: EntrypointConfig
) -> list[str]:
    arguments = _arguments(source, entry, given)
    is_model = config.kind in (None, "model") and entry.returns.shape != "other"
    line = f"model = torch.hub.load({', '.join(arguments)})"
    lines = [line]
    if len(line) > _WIDTH:
        lines = ["model = torch.hub.load(", *(f"    {one}," for one in arguments), ")"]
    if not is_model:
        return [lines[0].replace("model =", "loaded =", 1), *lines[1:]]
    if config.kind or config.input or entry.returns.shape == "module":
        lines.append("model.eval()")
    made = _input(config)
    if made:
        lines += ["", *made, "with torch.inference_mode():", "    output = model(inputs)"]
    return lines


def _arguments(source: str, entry: Entrypoint, given: Mapping[str, object]) -> list[str]:
    # The configuration may hold any key; what is not a name is passed as a mapping.
    named = (
        f"{key}={value!r}"
        if key.isidentifier() and not keyword.iskeyword(key)
        else f"**{{{key!r}: {value!r}}}"
        for key, value in given.items()
    )
    return [f'"{source}"', f'"{entry.name}"', *named]


def _input(config: EntrypointConfig) -> list[str]:
    """The line that makes an input like the one that is declared; none when that is not simple."""
    if not isinstance(config.input, str):
        return []
    found = _TENSOR.fullmatch(config.input.strip())
    sizes = [_size(one.strip(), config) for one in found[1].split(",")] if found else []
    if not sizes or None in sizes:
        return []
    known = [size for size in sizes if size]
    if len(known) < len(sizes) or math.prod(known) > _LARGEST:
        return []
    make = "rand" if " in " in config.input else "randn"
    return [f"inputs = torch.{make}({', '.join(map(str, known))})  # {config.input.strip()}"]


def _size(axis: str, config: EntrypointConfig) -> int | None:
    if axis.isdecimal():
        return int(axis)
    if axis == "B":
        return 1
    said = config.dims.get(axis)
    if isinstance(said, int):
        return said
    multiple = _MULTIPLE.fullmatch(said or "")
    return int(multiple[1]) * max(1, 224 // int(multiple[1])) if multiple else None
