"""Write a site into a folder: a new one, or one that hubkit wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.atomic import write_file
from hubkit._util.parse import read_json
from hubkit._util.paths import remove_inside, require_no_link_above
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INDEX = "site.json"
"""The list of a site's models and files; it shows that hubkit wrote the folder."""
_FILE = r"\.nojekyll|(?:models/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*"


def write_site(folder: Path, files: Mapping[str, str], *, force: bool = False) -> None:
    """Write the files of a site, and remove those of an earlier one.

    Args:
        folder: The folder, which is created if it does not exist.
        files: The texts of the files, by path.
        force: Whether to write into a folder that hubkit did not make. Its other files stay.

    Raises:
        UsageError: Something else is in the folder, or it cannot be written.
    """
    try:
        earlier = _read_earlier(folder)
        if earlier is None and not force and folder.exists() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty, and hubkit did not make it",
                hint="Choose another folder, or pass --force to write into it.",
            )
        (folder / "models").mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            require_no_link_above(folder, folder / path)
            write_file(folder / path, text)
        for path in earlier or ():
            if path not in files:
                remove_inside(folder, folder / path)
    except OSError as error:
        raise UsageError(
            f"Cannot write {error.filename or folder}: {error.strerror}",
            hint="Choose a folder that may be written.",
        ) from None


def _read_earlier(folder: Path) -> list[str] | None:
    """The files of the site in a folder; None if hubkit did not write it."""
    try:
        document = read_json(folder / INDEX)
        files = document["files"] if document["generator"] == "hubkit site" else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(files, list):
        return None
    return [one for one in files if isinstance(one, str) and re.fullmatch(_FILE, one)]
