"""New files put in place, whole, and never over one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.atomic import create_file
from hubkit._util.paths import resolve_inside
from hubkit.errors import FixError

if TYPE_CHECKING:
    from pathlib import Path


def write_new(root: Path, name: str, data: bytes) -> None:
    """Write a file of a repo that is not there yet.

    Args:
        root: The repo's folder.
        name: The file, relative to it; its folder is made if need be.
        data: What it is to hold.

    Raises:
        FixError: It is there by now, leads out of the repo, or cannot be written.
    """
    path = root / name
    try:
        folder = resolve_inside(root, path.parent.relative_to(root))
        folder.mkdir(parents=True, exist_ok=True)
        create_file(folder / path.name, data)
    except FileExistsError:
        raise FixError(
            f"{path} was made by somebody else meanwhile", hint="Run it again."
        ) from None
    except OSError as error:
        raise FixError(f"{path} cannot be written: {error.strerror or error}") from None
