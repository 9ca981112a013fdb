"""How the code of a tree is imported, and which trees child processes may import.

A spawned worker unpickles objects whose classes live in ``hubkit.repos.<repo>``. It may import the
trees that its parent imported; an environment variable names them, and where they are.
"""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

from msgspec import Struct, ValidationError, convert, to_builtins
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Hashable

NO_BYTECODE = ""
VARIABLE = "HUBKIT_LOADED"

_MAX_TREES = 200  # operating systems limit the size of the environment
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
        package: The name of its package below ``hubkit.repos``; "" for the folder's
            (`hubkit.runtime.namespace.name_folder`).
        label: The repo and ref, for messages; "" for the folder's path.
    """

    is_fixed: bool = False
    bytecode: str | None = None
    digest: str = ""
    lock: Hashable = None
    package: str = ""
    label: str = ""


FOLDER = CodePolicy()
"""For a folder of the user's: import it as Python does."""


class AllowedTree(Struct, frozen=True):
    """A tree that child processes may import by the name of its package.

    Attributes:
        root: The tree's folder.
        digest: The digest that a lock file requires of it, or "".
        search_path: The folders that it searches for modules.
    """

    root: str
    digest: str = ""
    search_path: tuple[str, ...] = ()


def allow_in_children(package: str, tree: AllowedTree) -> None:
    """Let child processes import a tree by its name.

    Args:
        package: The name of its package.
        tree: The tree. Without a digest it keeps the one that is set.
    """
    with _lock:
        allowed = read_allowed()
        before = allowed.get(package)
        if before is not None and not tree.digest:
            tree = replace(tree, digest=before.digest)
        if tree != before:
            latest = [*allowed.items(), (package, tree)][-_MAX_TREES:]
            os.environ[VARIABLE] = json.dumps(to_builtins(dict(latest)))


def read_allowed() -> dict[str, AllowedTree]:
    """The trees that this process or its parent imported, by package."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return {}
    try:
        return convert(json.loads(text), dict[str, AllowedTree])
    except (ValueError, RecursionError, ValidationError):
        return {}
