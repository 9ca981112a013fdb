"""Where findings stand: their order, the lines that they are about, and their fingerprints."""

from __future__ import annotations

import io
import tokenize
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import structs

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hubkit.facts import Files, Finding


def sort_by_place(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order in which their author will look at them, each once."""
    return sorted(dict.fromkeys(findings), key=place_key)


def place_key(finding: Finding) -> tuple[str, int, int, str, str]:
    """What findings are sorted by."""
    place = finding.location
    if place is None:
        return "", 0, 0, finding.code, finding.message
    # hubconf.py comes first: it is what its author looks at first.
    path = "" if place.path == "hubconf.py" else place.path
    return path, place.line, place.column, finding.code, finding.message


def read_lines(files: Files, findings: Iterable[Finding]) -> dict[tuple[str, int], str]:
    """The source lines that findings are about, by path and number; each file is read once."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        if finding.location is not None:
            wanted.setdefault(finding.location.path, set()).add(finding.location.line)
    return {
        (path, number): lines[number - 1][: limits.LINE.most]
        for path, numbers in wanted.items()
        for lines in [_read(files, path)]
        for number in numbers
        if 0 < number <= len(lines)
    }


def _read(files: Files, path: str) -> list[str]:
    try:
        data = files.read(path, limits.SOURCE_BYTES.most)
    except (OSError, ValueError):
        return []
    encoding = "utf-8"
    if path.endswith(".py"):
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError:
            encoding = "utf-8"
    # Not splitlines: Python counts lines by their ends alone, not by form feeds and the like.
    try:
        text = data.decode(encoding, errors="replace")
    except (LookupError, ValueError):  # "hex" is no encoding of text, and "idna" replaces nothing
        text = data.decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def add_fingerprints(
    findings: Sequence[Finding], lines: Mapping[tuple[str, int], str]
) -> tuple[Finding, ...]:
    """The findings, each with a fingerprint that stays the same when lines move.

    It is made of the code, the file and the text of the line, or of the message where there is no
    line; the nth of equals gets n behind a colon.

    Args:
        findings: The findings, sorted by place.
        lines: The source lines that they are about.
    """
    seen: Counter[str] = Counter()
    marked = []
    for finding in findings:
        digest = _digest(finding, lines)
        seen[digest] += 1
        marked.append(structs.replace(finding, fingerprint=f"{digest}:{seen[digest]}"))
    return tuple(marked)


def _digest(finding: Finding, lines: Mapping[tuple[str, int], str]) -> str:
    import hashlib

    place = finding.location
    path = place.path if place else ""
    line = lines.get((place.path, place.line), "") if place else ""
    subject = " ".join(line.split()) or finding.message
    text = "\0".join((finding.code, path, finding.entrypoint or "", subject))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
