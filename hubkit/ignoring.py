"""Write the comments that leave findings out: ``# hubkit: ignore[HUB501] reason``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis import find_spots, read_comment
from hubkit.facts import Edit, Location
from hubkit.fixer import Change, PatchError, patch, require_parses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hubkit.analysis import Spot
    from hubkit.facts import Finding

# Findings about suppressions themselves: another comment is not what puts them right.
_META = "HUB9"


def plan_ignores(
    findings: Iterable[Finding],
    sources: Mapping[str, str],
    read: Callable[[str], bytes],
    reason: str,
) -> dict[str, Change]:
    """What changes when comments leave findings out.

    Args:
        findings: The findings. Those without a line of code to comment on are passed over.
        sources: Text of the files that comments are read from, with newlines normalised.
        read: A file's bytes.
        reason: What the comments say; on one line.

    Returns:
        Files that change, by path. Nothing is written.
    """
    wanted: dict[str, dict[int, set[str]]] = {}
    for finding in findings:
        place = finding.location
        if place and place.path in sources and not finding.code.startswith(_META):
            wanted.setdefault(place.path, {}).setdefault(place.line, set()).add(finding.code)
    changes = {}
    for path, codes in sorted(wanted.items()):
        change = _change(path, read(path), _edits(path, sources[path], codes, reason))
        if change is not None:
            changes[path] = change
    return changes


def _change(path: str, before: bytes, edits: list[Edit]) -> Change | None:
    """A file with comments in it; None when it has no place for them."""
    try:
        after = patch(path, before, edits)
        require_parses(path, after)
    except PatchError:
        return None
    return Change(before, after) if after != before else None


def _edits(path: str, text: str, codes: Mapping[int, set[str]], reason: str) -> list[Edit]:
    """The comments for one file, one for all findings that share a spot."""
    together: dict[Spot, set[str]] = {}
    for line, spot in find_spots(text, codes).items():
        together.setdefault(spot, set()).update(codes[line])
    return [
        edit
        for spot, listed in sorted(together.items(), key=lambda one: one[0].line)
        for edit in _comment(path, spot, ", ".join(sorted(listed)), reason)
    ]


def _comment(path: str, spot: Spot, codes: str, reason: str) -> Iterable[Edit]:
    """A new comment behind what the line has, or more codes in the one that it has."""
    end = spot.column + len(spot.comment)
    found = read_comment(spot.comment)
    if found is None:
        yield _insert(path, spot.line, end, f"  # hubkit: ignore[{codes}] {reason}")
        return
    behind_codes, has_reason = found
    has_codes = spot.comment[:behind_codes].rstrip()[-1] != "["
    yield _insert(path, spot.line, spot.column + behind_codes, f", {codes}" if has_codes else codes)
    if not has_reason:
        yield _insert(path, spot.line, end, f" {reason}")


def _insert(path: str, line: int, column: int, text: str) -> Edit:
    return Edit(Location(path, line, column, line, column), text)
