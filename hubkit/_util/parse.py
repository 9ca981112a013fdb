"""Numbers, JSON and TOML from outside, parsed within limits; what is over one is a `ValueError`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from hubkit import limits
from hubkit._util.paths import read_file, read_inside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hubkit.limits import Limit

_KEY = re.compile(r"""\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')\s*""")


def parse_count(text: str) -> int | None:
    """A count as hosts write it: ASCII digits alone; None for anything else, or a huge one."""
    text = text.strip(" \t")
    sound = text.isascii() and text.isdigit() and len(text) <= limits.NUMBER_DIGITS.most
    return int(text) if sound else None


def read_bounded(path: Path, limit: Limit, *, follow: bool = False, own: bool = False) -> bytes:
    """A whole file.

    Args:
        path: The file.
        limit: How many bytes it may have.
        follow: Whether it may be a link.
        own: Whether it has to be this user's.

    Raises:
        OSError: It cannot be read.
        ValueError: It is longer than the limit.
    """
    return _require_short(read_file(path, limit.most + 1, follow=follow, own=own), limit)


def read_json(
    path: Path, limit: Limit = limits.JSON_BYTES, *, follow: bool = False, own: bool = False
) -> Any:  # noqa: ANN401 - JSON
    """The value in a JSON file; arguments and errors as of `read_bounded`.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON, or is over a limit.
    """
    return parse_json(read_bounded(path, limit, follow=follow, own=own))


def parse_json(
    data: bytes | str,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:  # noqa: ANN401 - JSON
    """The value of a JSON text.

    Args:
        data: The text.
        pairs: Makes an object from its names and values; a dict when not given.

    Raises:
        ValueError: It is not JSON, or is nested too deeply.
    """
    import json

    try:
        value = json.loads(data, object_pairs_hook=pairs)
    except RecursionError:
        raise _too_deep(limits.JSON_DEPTH) from None
    opened = (b"[", b"{") if isinstance(data, bytes) else ("[", "{")
    if sum(map(data.count, opened)) > limits.JSON_DEPTH.most:  # type: ignore[arg-type]
        _require_depth(value)
    return value


def _require_depth(value: object) -> None:
    layer: list[Any] = [value]
    for _ in range(limits.JSON_DEPTH.most):
        parts = [one.values() if isinstance(one, dict) else one for one in layer]
        layer = [one for part in parts for one in part if isinstance(one, dict | list)]
        if not layer:
            return
    raise _too_deep(limits.JSON_DEPTH)


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


def find_value(table: object, *keys: str) -> object:
    """The value of a nested key, such as ``project.name``; None if it does not exist."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; links that stay in its folder are followed.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not TOML, or is over a limit.
    """
    data = read_inside(path.parent, path.name, limits.TOML_BYTES.most + 1)
    text = _require_short(data, limits.TOML_BYTES).decode("utf-8")
    return parse_toml(text.replace("\r\n", "\n"))


def _require_short(data: bytes, limit: Limit) -> bytes:
    if len(data) > limit.most:
        raise ValueError(f"it is longer than {limit.most} bytes")
    return data


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
                raise _too_deep(limits.TOML_DEPTH)


def _too_deep(limit: Limit) -> ValueError:
    return ValueError(f"it is nested more than {limit.most} levels deep")
