"""Trees that are in use are not removed.

A program that has loaded a repo may import more from its tree at any time. So it holds a shared
lock on the tree's record, opened for reading: that needs no right to write and ends with the
process. Where such locks do not work (Windows, some network file systems) nothing is held.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

from hubkit._util.paths import open_regular
from hubkit.errors import InUseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_held: dict[str, int] = {}
_one_at_a_time = threading.Lock()


def keep_tree(tree: Path) -> None:
    """Keep a tree from being removed by other processes, for as long as this one lives."""
    with _one_at_a_time, contextlib.suppress(OSError):
        held = _held.get(str(tree))
        if held is not None and _is_of(held, tree):
            return
        descriptor = open_regular(_record(tree))
        _held[str(tree)] = descriptor
        if held is not None:  # of a tree that was replaced
            os.close(held)
        _lock(descriptor, alone=False)  # who removes a tree is done in a moment


@contextlib.contextmanager
def require_unused(tree: Path) -> Iterator[None]:
    """Insist that nobody has loaded a tree, and keep it so meanwhile.

    Raises:
        InUseError: Some process has, perhaps this one.
    """
    try:
        descriptor = open_regular(_record(tree))
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):  # no locks here
            _require_alone(descriptor, tree)
        yield
    finally:
        os.close(descriptor)


def _is_of(descriptor: int, tree: Path) -> bool:
    """Whether what is held is still the tree's record, and not that of one that was removed."""
    try:
        return os.path.samestat(os.fstat(descriptor), _record(tree).stat())
    except OSError:
        return True


def _require_alone(descriptor: int, tree: Path) -> None:
    try:
        _lock(descriptor, alone=True)
    except BlockingIOError as error:
        raise InUseError(
            f"{tree} is in use: a running program has loaded it.",
            hint="Try again when it has ended.",
        ) from error


def _lock(descriptor: int, *, alone: bool) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)


def _record(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.json")
