"""What a card that people wrote says already, so that hubkit need not say it again."""

from __future__ import annotations

import re

from hubkit.analysis import find_code, find_snippets
from hubkit.publish.card.sections import TITLES

_HEADING = re.compile(r"^#{1,6}[ \t]+(.*)$", re.MULTILINE)


def find_told(text: str, path: str) -> frozenset[str]:
    """The parts that a card has by other means: a heading of that name, or a snippet that loads.

    Args:
        text: The card.
        path: Its path.
    """
    lines = text.splitlines()
    for block in find_code(text):
        for number in range(block.line - 1, block.line - 1 + block.text.count("\n") + 1):
            lines[number : number + 1] = [""]
    headings = {
        found[1].rstrip(" \t#:").strip().lower() for found in _HEADING.finditer("\n".join(lines))
    }
    told = {name for name, title in TITLES.items() if title.lower() in headings}
    if any(find_snippets(text, path)):
        told.add("usage")
    return frozenset(told)
