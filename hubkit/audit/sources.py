"""What to audit: names, URLs and folders, from the command line and from files."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit import limits
from hubkit._util.parse import parse_json, read_bounded, require_short
from hubkit.errors import RepoSpecError, UsageError
from hubkit.hubdir.spec import parse_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDIN = "-"
_COLUMNS = ("repo", "repository", "full_name", "name", "url", "spec", "path")
_HINT = "Write one repo per line, a CSV file with a column `repo`, or a JSON list of repos."


class Source(Struct, frozen=True):
    """A repo to audit.

    Attributes:
        spec: The repo as the user named it; a folder as an absolute path.
        host: The host that has it; "" for folders and repos on this machine.
        problem: Why it is not a repo; else empty.
    """

    spec: str
    host: str = ""
    problem: str = ""


def read_sources(repos: Iterable[str], files: Iterable[str]) -> tuple[Source, ...]:
    """Read what to audit, each repo once.

    Args:
        repos: Repos of the command line.
        files: Files that name repos; "-" is standard input.

    Raises:
        UsageError: A file cannot be read, or there is no repo at all.
    """
    texts = [*repos, *(text for file in files for text in _read_file(file))]
    sources = tuple({one.spec: one for one in map(_parse, texts)}.values())
    if not sources:
        raise UsageError(
            "No repos to audit", hint="Name some, or pass a file: hubkit audit --from repos.txt"
        )
    return sources


def _parse(text: str) -> Source:
    try:
        spec = parse_spec(text)
    except RepoSpecError as error:
        return Source(text, problem=error.message)
    if isinstance(spec, Path):
        return Source(os.path.abspath(spec))  # noqa: PTH100 - resolving links would rename it
    return Source(text, spec.host)


def _read_file(file: str) -> Iterator[str]:
    try:
        text = _read_text(file)
        name = Path(file).suffix.lower() or _guess_suffix(text)
        readers = {".json": _read_json, ".csv": _read_csv, ".tsv": _read_csv}
        yield from readers.get(name, _read_lines)(text)
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}", hint=_HINT) from None
    except ValueError as error:
        raise UsageError(f"Cannot read {file}: {error}", hint=_HINT) from None


def _read_text(file: str) -> str:
    limit = limits.JSON_BYTES
    if file == STDIN:
        return require_short(sys.stdin.buffer.read(limit.most + 1), limit).decode("utf-8-sig")
    return read_bounded(Path(file), limit, follow=True).decode("utf-8-sig")


def _guess_suffix(text: str) -> str:
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        return ".json"
    return ".csv" if "," in text.partition("\n")[0] else ".txt"


def _read_lines(text: str) -> Iterator[str]:
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    yield from (line for line in lines if line and not line.startswith("#"))


def _read_csv(text: str) -> Iterator[str]:
    """The column with the name of one, or the first column."""
    sample = text.partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter="\t" if "\t" in sample else ","))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((names.index(name) for name in _COLUMNS if name in names), None)
    cells = (
        row[column or 0].strip() for row in rows[column is not None :] if len(row) > (column or 0)
    )
    yield from filter(None, cells)


def _read_json(text: str) -> Iterator[str]:
    """A list of repos, or of objects that name one; or an object with such a list as `repos`."""
    data = parse_json(text)
    data = data.get("repos") if isinstance(data, dict) else data
    if not isinstance(data, list):
        raise ValueError("it is not a list, and has no list `repos`")  # noqa: TRY004 - bad input
    for number, item in enumerate(data, 1):
        name = item if isinstance(item, str) else _name_in(item)
        if name is None:
            raise ValueError(f"item {number} names no repo")
        yield name


def _name_in(item: Any) -> str | None:  # noqa: ANN401 - JSON
    found = (item.get(name) for name in _COLUMNS) if isinstance(item, dict) else ()
    return next((value for value in found if isinstance(value, str) and value), None)
