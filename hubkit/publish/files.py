"""New files put in place, whole, and never over one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import FixError

if TYPE_CHECKING:
    from pathlib import Path


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Args:
        path: The file; its folder is made if need be.
        data: What it is to hold.

    Raises:
        FixError: It is there by now, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise FixError(
            f"{path} was made by somebody else meanwhile", hint="Run it again."
        ) from None
    except OSError as error:
        raise FixError(f"{path} cannot be written: {error.strerror or error}") from None
