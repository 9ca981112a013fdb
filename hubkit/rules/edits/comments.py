"""Comments that leave findings out, taken away or made to name less."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.rules.edits.source import source_of

if TYPE_CHECKING:
    from hubkit.facts import Edit, RepoFacts, Suppression

_REQUEST = re.compile(r"#\s*hubkit:\s*(?:file-)?ignore\s*\[([^\]]{0,1000})\]")

# A comment for another tool behind the reason; "#12" in a reason is none.
_ANOTHER = re.compile(r"(?<=\s)#(?=\s*[A-Za-z])")


def drop_code(repo: RepoFacts, comment: Suppression, code: str) -> Edit | None:
    """An edit that takes a code out of a comment, and the comment if that was its only one.

    Args:
        repo: The repo.
        comment: The comment.
        code: One of its codes.
    """
    place = comment.location
    source = source_of(repo, place.path)
    line = source.lines[place.line - 1] if source else ""
    found = _REQUEST.search(line, place.column - 1)
    if source is None or found is None:
        return None
    if len(comment.codes) > 1:
        listed = re.search(rf"{re.escape(code)}\s*,\s*|[\s,]*{re.escape(code)}(?!\w)", found[1])
        if listed is None:
            return None
        start, end = found.start(1) + listed.start(), found.start(1) + listed.end()
        return source.replace((place.line, start + 1), (place.line, end + 1), "")
    before = line[: found.start()]
    other = _ANOTHER.search(line, found.end())
    if other is not None:
        return source.replace((place.line, found.start() + 1), (place.line, other.start() + 1), "")
    if not before.strip():
        return source.delete_lines(place.line, place.line)
    start = len(before.rstrip())
    return source.replace((place.line, start + 1), (place.line, len(line) + 1), "")
