"""How the code of a tree is imported, and which trees child processes may import.

A spawned worker unpickles objects whose classes live in ``hubkit.repos.<tree>``. It may import the
trees that its parent imported; an environment variable names them.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

NO_BYTECODE = ""
VARIABLE = "HUBKIT_LOADED"

_MAX_ROOTS = 200  # operating systems limit the size of the environment
_lock = threading.Lock()


class CodePolicy(Struct, frozen=True):
    """How the code of one tree is imported.

    Attributes:
        is_fixed: Its files are never edited, only replaced all at once, as in the hub dir, so
            nobody needs to check each of them for changes.
        bytecode: The folder that holds its compiled files. None puts them where Python does, in
            the tree; ``NO_BYTECODE`` writes none. Unless None, no bytecode in the tree is run.
        digest: The digest that a lock file requires of the tree; else "".
        lock: What the tree was verified against, such as the lock file. Imports of one tree under
            different locks share no modules.
    """

    is_fixed: bool = False
    bytecode: str | None = None
    digest: str = ""
    lock: Hashable = None


FOLDER = CodePolicy()
"""For a folder of the user's: import it as Python does."""


def allow_in_children(root: Path, digest: str = "") -> None:
    """Let child processes import a tree by its name.

    Args:
        root: The tree's folder.
        digest: The digest that a lock file requires of the tree, in the child too; "" keeps the
            one that is set.
    """
    with _lock:
        roots = _read_roots()
        digest = digest or roots.get(str(root), "")
        if roots.get(str(root)) != digest:
            latest = [*roots.items(), (str(root), digest)][-_MAX_ROOTS:]
            os.environ[VARIABLE] = json.dumps(dict(latest))


def find_allowed(root: Path) -> str | None:
    """The digest required of a tree that this process or its parent imported.

    Returns:
        The digest, "" if the tree was not verified, or None if neither process imported it.
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
