"""The files of a repo: a folder, a git work tree, a commit, or any of them with changes on top.

Uses git to list files; runs nothing of the repo.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.source.commit import open_commit
    from hubkit.source.folder import Folder
    from hubkit.source.overlay import Overlay
    from hubkit.source.project import normalize, read_requirements
    from hubkit.source.worktree import open_files

__all__ = [
    "Folder",
    "Overlay",
    "normalize",
    "open_commit",
    "open_files",
    "read_requirements",
]

__getattr__ = lazy_names(
    __name__,
    {
        "commit": "open_commit",
        "folder": "Folder",
        "overlay": "Overlay",
        "project": "normalize read_requirements",
        "worktree": "open_files",
    },
)
