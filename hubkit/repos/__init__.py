"""Where the code of hub repos lives once imported: ``hubkit.repos.<tree>.<module>``.

These names stand in pickles. Importing this package is what makes them resolve, so a spawned
worker, or another program that loads such a pickle, needs hubkit importable and nothing else. A
tree that lies in the hub dir is also found when the hub dir is somewhere else by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.runtime.finder import FINDER, install_finder

if TYPE_CHECKING:
    from pathlib import Path

_STORE = "/.hubkit/repos/"


def _relocate(root: Path) -> Path | None:
    """Where a tree of some hub dir is in ours."""
    from pathlib import Path

    from hubkit.hubdir import get_dir

    _, store, inside = root.as_posix().partition(_STORE)
    moved = Path(get_dir() + store + inside).resolve()
    return moved if store and moved.is_dir() else None


FINDER.relocate = _relocate
install_finder()
