"""Write changed and new files, each as a whole or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hubkit._util.atomic import create_file, write_file
from hubkit._util.paths import UnsafePathError, read_file, resolve_inside
from hubkit.errors import FixError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.fixer.passes import Change


def write_changes(root: Path, changes: Mapping[str, Change]) -> None:
    """Write changed and new files, after a check of all of them.

    Symbolic links stay, and what they lead to changes; modes stay. A new file replaces nothing, and
    its folder is created if necessary.

    Args:
        root: The repo's folder.
        changes: The changes by path.

    Raises:
        FixError: A file has changed meanwhile, is outside the repo, or may not be written. Nothing
            is written then, unless the disk itself fails.
    """
    targets = {path: _require_target(root, path, change) for path, change in changes.items()}
    for path, target in targets.items():
        _write(target, changes[path])


def _require_target(root: Path, path: str, change: Change) -> Path:
    try:
        target = resolve_inside(root, path)
    except UnsafePathError as error:
        raise FixError(
            f"{path} is not changed: {error.strerror}",
            hint="Nothing was written. Fix it where it lies, or ignore the finding with --ignore.",
        ) from None
    if change.before is None:
        return target
    try:
        current, mode = read_file(target), target.stat().st_mode
    except OSError as error:
        raise FixError(
            f"{target} cannot be read any more: {error.strerror or error}",
            hint="Nothing was written. What a sparse checkout leaves out must be checked out first.",
        ) from None
    if current != change.before:
        raise FixError(
            f"{path} was changed by somebody else meanwhile",
            hint="Nothing was written. Run it again.",
        )
    # Replacing a file asks for leave to write to its folder only, and its author said more.
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(target, os.W_OK):
        raise FixError(
            f"{path} is write-protected", hint="Nothing was written. Allow it: `chmod u+w`."
        )
    return target


def _write(target: Path, change: Change) -> None:
    try:
        if change.before is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            create_file(target, change.after)
        else:
            write_file(target, change.after, durable=True)
    except FileExistsError:
        raise FixError(f"{target} was created meanwhile", hint="Run the command again.") from None
    except OSError as error:
        raise FixError(
            f"{target} cannot be written: {error.strerror or error}",
            hint="It is unchanged; files before it are written.",
        ) from None
