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


def add_root(root: Path) -> None:
    """Let processes that this one starts import a tree by its name."""
    with _lock:
        roots = _read_roots()
        if str(root) not in roots:
            os.environ[VARIABLE] = json.dumps([*roots, str(root)][-_MOST:])


def is_inherited(root: Path) -> bool:
    """Whether this process, or the one that started it, has run code of a tree."""
    return str(root) in _read_roots()


def _read_roots() -> list[str]:
    try:
        roots = json.loads(os.environ.get(VARIABLE, "[]"))
    except (ValueError, RecursionError):
        return []
    return [root for root in roots if isinstance(root, str)] if isinstance(roots, list) else []
