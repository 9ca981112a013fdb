"""Suppression comments: write them, and remove codes from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.analysis import find_spots, read_comment
from hubkit.facts import Edit, Location
from hubkit.lint.patch import FileChange, PatchError, apply_edits, require_parses
from hubkit.rules.edits import source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hubkit.analysis import Spot
    from hubkit.facts import Finding, RepoFacts, Suppression

# Findings about suppressions: another comment does not fix them.
_META = "HUB9"


def plan_comments(
    findings: Iterable[Finding],
    sources: Mapping[str, str],
    read: Callable[[str], bytes],
    reason: str,
) -> dict[str, FileChange]:
    """Compute comments that suppress findings, without writing anything.

    Args:
        findings: The findings. Those that are not about a line of code are skipped.
        sources: The texts of the files, with normalized newlines.
        read: Reads a file.
        reason: The reason, on one line.

    Returns:
        The changed files, by path.
    """
    wanted: dict[str, dict[int, set[str]]] = {}
    for finding in findings:
        place = finding.location
        if place and place.path in sources and not finding.code.startswith(_META):
            wanted.setdefault(place.path, {}).setdefault(place.line, set()).add(finding.code)
    changes = {}
    for path, codes in sorted(wanted.items()):
        change = _change(path, read(path), _comment_edits(path, sources[path], codes, reason))
        if change is not None:
            changes[path] = change
    return changes


def _change(path: str, before: bytes, edits: list[Edit]) -> FileChange | None:
    """Add comments to a file; None if there is no place for them."""
    try:
        after = apply_edits(path, before, edits)
        require_parses(path, after)
    except PatchError:
        return None
    return FileChange(before, after) if after != before else None


def _comment_edits(path: str, text: str, codes: Mapping[int, set[str]], reason: str) -> list[Edit]:
    """The comments for a file. Findings at one place share a comment."""
    together: dict[Spot, set[str]] = {}
    for line, spot in find_spots(text, codes).items():
        together.setdefault(spot, set()).update(codes[line])
    return [
        edit
        for spot, listed in sorted(together.items(), key=lambda one: one[0].line)
        for edit in _add_to_comment(path, spot, ", ".join(sorted(listed)), reason)
    ]


def _add_to_comment(path: str, spot: Spot, codes: str, reason: str) -> Iterable[Edit]:
    """Add a comment at the end of the line, or add codes to the one that is there."""
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


_REQUEST = re.compile(r"#\s*hubkit:\s*(?:file-)?ignore\s*\[([^\]]{0,1000})\]")

# A comment for another tool behind the reason. "#12" in a reason is not one.
_ANOTHER = re.compile(r"(?<=\s)#(?=\s*[A-Za-z])")


def remove_code(repo: RepoFacts, comment: Suppression, code: str) -> Edit | None:
    """Remove a code from a comment, and the comment if it has no other code."""
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
