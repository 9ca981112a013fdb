"""A finished file given its name, over no other."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def place(staged: Path, path: Path) -> None:
    """Give a file its name without ever replacing what has it, as a rename would.

    Args:
        staged: The file, on the same file system; it may stay there under that name too.
        path: Its name.

    Raises:
        FileExistsError: Something has it.
        OSError: It cannot be written there.
    """
    try:
        os.link(staged, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with path.open("xb"):
            pass
        try:
            shutil.move(staged, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
