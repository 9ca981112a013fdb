"""TOML: parse within limits, look up a value, edit a file without touching the rest of it.

The only home of tomlkit.
"""

from __future__ import annotations

import copy
import re
import sys
from typing import TYPE_CHECKING, Any

from hubkit import limits
from hubkit._util.parse import require_short, too_deep
from hubkit._util.paths import read_inside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"""\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*""")


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: It is not TOML, or is over a limit.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    if len(text) > limits.TOML_BYTES.most:
        raise ValueError(f"it is longer than {limits.TOML_BYTES.most} bytes")
    _require_short_keys(text)
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return tables


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; links that stay in its folder are followed.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not TOML, or is over a limit.
    """
    data = read_inside(path.parent, path.name, limits.TOML_BYTES.most + 1)
    text = require_short(data, limits.TOML_BYTES).decode("utf-8")
    return parse_toml(text.replace("\r\n", "\n"))


def find_value(table: object, *keys: str) -> object:
    """The value at a nested key, such as ``project.version``; None if there is none."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def find_table(table: object, *keys: str) -> dict[str, Any]:
    """The table at a nested key; empty if there is none, or the value is not a table."""
    found = find_value(table, *keys)
    return found if isinstance(found, dict) else {}


def set_values(text: str, keys: tuple[str, ...], values: Mapping[str, object]) -> str | None:
    """Set values in a nested table, and keep everything else as it is.

    Args:
        text: A TOML document.
        keys: The key of the table, such as ``("entrypoints", "net", "weights")``. A missing table is
            added at the end, under a header of its own.
        values: Strings and numbers by key.

    Returns:
        The new document; the same text if it has these values already; None if the document is
        written in a way that cannot be edited.

    Raises:
        ValueError: The text is not TOML, or is over a limit.
    """
    table = parse_toml(text)
    try:
        expected = _merge(table, keys, values)
    except AttributeError:  # a key on the way has a value that is not a table
        return None
    if expected == table:
        return text
    is_new = find_value(table, *keys) is None
    # Tables that are written inline have no room for a header.
    for edit in (_append, _edit) if is_new else (_edit,):
        edited = _with_newlines(edit(text, keys, values), text)
        try:
            if parse_toml(edited) == expected:
                return edited
        except ValueError:
            continue
    return None


def _merge(
    table: Mapping[str, Any], keys: tuple[str, ...], values: Mapping[str, object]
) -> dict[str, Any]:
    """What the document must mean after the edit."""
    merged = copy.deepcopy(dict(table))
    nested: Any = merged
    for key in keys:
        nested = nested.setdefault(key, {})
    nested.update(values)
    return merged


def _append(text: str, keys: tuple[str, ...], values: Mapping[str, object]) -> str:
    """The document with a new table at its end."""
    import json

    name = ".".join(key if _BARE.fullmatch(key) else json.dumps(key) for key in keys)
    lines = [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    before = text.rstrip()
    return "\n".join([*([before, ""] if before else []), *lines, ""])


def _edit(text: str, keys: tuple[str, ...], values: Mapping[str, object]) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        table: Any = document
        for key in keys:
            if key not in table:
                table[key] = tomlkit.inline_table()
            table = table[key]
        for key, value in values.items():
            table[key] = value
        edited: str = tomlkit.dumps(document)
    except (TOMLKitError, KeyError, TypeError, ValueError, AttributeError):
        return ""
    return edited


def _with_newlines(text: str, original: str) -> str:
    """The text with the line ends of the original, and a line end after the last line."""
    text = text if text.endswith("\n") else f"{text}\n"
    if "\r\n" not in original:
        return text
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _require_short_keys(text: str) -> None:
    """Refuse keys of very many parts, on which tomllib spends quadratic time."""
    most = limits.TOML_DEPTH.most
    for line in text.split("\n"):
        if line.count(".") < most:
            continue
        run = 0
        for part in line.split("."):
            run = run + 1 if _KEY.fullmatch(part) else 0
            if run > most:
                raise too_deep(limits.TOML_DEPTH)
