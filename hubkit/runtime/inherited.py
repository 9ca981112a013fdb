"""Which trees a program has run code of, for the processes that it starts.

A spawned worker unpickles objects whose classes live in ``hubkit.repos.<tree>``. It may import what
its parent has run, and learns from an environment variable what that was.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "HUBKIT_LOADED"
_MOST = 200  # roots: systems bound the size of the environment
_lock = threading.Lock()


def add_root(root: Path, digest: str = "") -> None:
    """Let processes that this one starts import a tree by its name.

    Args:
        root: The tree's folder.
        digest: What its bytes were held to by a lock file, and are to be there too; "" leaves
            it as it is.
    """
    with _lock:
        roots = _read_roots()
        digest = digest or roots.get(str(root), "")
        if roots.get(str(root)) != digest:
            latest = [*roots.items(), (str(root), digest)][-_MOST:]
            os.environ[VARIABLE] = json.dumps(dict(latest))


def find_inherited(root: Path) -> str | None:
    """What the bytes of a tree were held to: "" by nothing; None where its code has not run.

    It may have run in this process, or in the one that started it.
    """
    return _read_roots().get(str(root))


def _read_roots() -> dict[str, str]:
    try:
        roots = json.loads(os.environ.get(VARIABLE, "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(roots, dict):
        return {}
    return {root: digest for root, digest in roots.items() if isinstance(digest, str)}
