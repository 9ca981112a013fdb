"""The YAML between dashes with which a model card begins.

The only home of yaml.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit.facts import Card, CardField, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

_FRONT = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)


def read_card(text: str, path: str) -> Card | None:
    """A document's front matter and what follows it; None when it has none.

    Args:
        text: The document.
        path: Its path, for the places.
    """
    found = _FRONT.match(text)
    if found is None or len(found[1]) > limits.FRONT_MATTER.most:
        return None
    first = text.count("\n", 0, found.start(1)) + 1
    fields, problem, line = _read(found[1], path, first)
    body_line = text.count("\n", 0, found.end()) + 1
    return Card(path, fields, problem, line, text[found.end() :], body_line)


def _read(text: str, path: str, first: int) -> tuple[tuple[CardField, ...], str, int]:
    import yaml

    try:
        # Composing alone: no value is built, and aliases stay what they are.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "it is no YAML"
        return (), str(reason), first + (mark.line if mark else 0)
    except (RecursionError, ValueError):
        return (), "it is nested too deeply", first
    if root is None or not isinstance(root, yaml.MappingNode):
        return (), "it is no mapping of keys to values", first
    return tuple(_fields(root, text.splitlines(), path, first)), "", first


def _fields(root: yaml.MappingNode, lines: list[str], path: str, first: int) -> Iterator[CardField]:
    import yaml

    for key, value in root.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line
        raw = lines[line].partition(":")[2].strip() if line < len(lines) else ""
        place = Location(path, first + line)
        match value:
            case yaml.ScalarNode(tag="tag:yaml.org,2002:null"):
                yield CardField(key.value, "null", (), raw, place)
            case yaml.ScalarNode(value=text):
                yield CardField(key.value, "scalar", (text,), raw, place)
            case yaml.SequenceNode(value=parts):
                texts = tuple(p.value for p in parts if isinstance(p, yaml.ScalarNode))
                yield CardField(key.value, "list", texts, raw, place)
            case _:
                yield CardField(key.value, "mapping", (), raw, place)
