"""How the code of one tree is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Hashable

NO_BYTECODE = ""


class CodePolicy(Struct, frozen=True):
    """How the code of one tree is imported.

    Attributes:
        is_fixed: Its files are never edited, only replaced all at once, as in the hub dir; that
            spares looking at each of them.
        bytecode: The folder that keeps its compiled files. None keeps them where Python does, in
            the tree; ``NO_BYTECODE`` keeps none. Unless None, no bytecode in the tree is run.
        digest: What its bytes were held to by a lock file; else "".
        lock: What its bytes were held to, the lock file itself, say. Code of one tree that was held to
            different ones shares no modules.
    """

    is_fixed: bool = False
    bytecode: str | None = None
    digest: str = ""
    lock: Hashable = None


FOLDER = CodePolicy()
"""For a folder of the user's, which is imported as Python would."""
