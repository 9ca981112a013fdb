"""What hosts send in place of a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import CheckpointError
from hubkit.hubdir.hosts import redact

if TYPE_CHECKING:
    from pathlib import Path

_LFS = b"version https://git-lfs.github.com/spec/"
_HTML = (b"<!doctype html", b"<html")


def find_impostor(path: Path) -> str:
    """What a file is that often comes in place of a checkpoint; "" when it is nothing of the kind.

    Args:
        path: The file.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(_LFS):
        return "a Git LFS pointer"
    return "a web page" if head.lstrip().lower().startswith(_HTML) else ""


def require_checkpoint(path: Path, url: str) -> None:
    """Insist that a file may be a checkpoint.

    Raises:
        CheckpointError: It is something else that is known.
    """
    impostor = find_impostor(path)
    if impostor:
        raise CheckpointError(
            f"{redact(url)} is {impostor}, not a checkpoint.",
            hint="Use the address of the file itself: on GitHub that of a release asset, or with "
            "/raw/ where that of the page has /blob/. A page may also be asking to log in.",
        )
