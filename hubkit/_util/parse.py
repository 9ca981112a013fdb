"""Parse numbers and JSON from outside within limits; exceeding one is a ``ValueError``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hubkit import limits
from hubkit._util.paths import read_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hubkit.limits import Limit


def parse_count(text: str) -> int | None:
    """A number of ASCII digits, as in HTTP headers; None for other text and huge numbers."""
    text = text.strip(" \t")
    sound = text.isascii() and text.isdigit() and len(text) <= limits.NUMBER_DIGITS.most
    return int(text) if sound else None


def read_bounded(path: Path, limit: Limit, *, follow: bool = False, own: bool = False) -> bytes:
    """Read a whole file.

    Args:
        path: The file.
        limit: The largest size in bytes.
        follow: Whether it may be a link.
        own: Whether it must belong to the current user.

    Raises:
        OSError: It cannot be read.
        ValueError: It is larger than the limit.
    """
    return require_short(read_file(path, limit.most + 1, follow=follow, own=own), limit)


def read_json(
    path: Path, limit: Limit = limits.JSON_BYTES, *, follow: bool = False, own: bool = False
) -> Any:  # noqa: ANN401 - JSON
    """Read a JSON file. The arguments are those of ``read_bounded``.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON, or exceeds a limit.
    """
    return parse_json(read_bounded(path, limit, follow=follow, own=own))


def parse_json(
    data: bytes | str,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON.

    Args:
        data: The text.
        pairs: Converts the items of an object; the default is ``dict``.

    Raises:
        ValueError: It is not JSON, or is nested too deeply.
    """
    import json

    try:
        value = json.loads(data, object_pairs_hook=pairs)
    except RecursionError:
        raise too_deep(limits.JSON_DEPTH) from None
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
    raise too_deep(limits.JSON_DEPTH)


def require_short(data: bytes, limit: Limit) -> bytes:
    """Return the data, unless it is longer than a limit.

    Raises:
        ValueError: It is longer.
    """
    if len(data) > limit.most:
        raise ValueError(f"it is longer than {limit.most} bytes")
    return data


def too_deep(limit: Limit) -> ValueError:
    """The error for a value that is nested too deeply."""
    return ValueError(f"it is nested more than {limit.most} levels deep")
