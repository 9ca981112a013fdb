"""TOML files, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.paths import read_inside

if TYPE_CHECKING:
    from pathlib import Path


def read_toml(path: Path) -> dict[str, object]:
    """The file's tables.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not TOML.
    """
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]
    tables: dict[str, object] = tomllib.loads(read_inside(path.parent, path.name).decode("utf-8"))
    return tables
