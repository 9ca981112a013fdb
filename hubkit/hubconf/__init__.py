"""READ: a hub repo's source becomes frozen facts.

Nothing of the repo is imported or run, and torch is not needed.
"""

from hubkit.hubconf.commit import open_commit
from hubkit.hubconf.dependencies import read_dependencies
from hubkit.hubconf.distributions import distribution_name, import_name
from hubkit.hubconf.docstrings import read_docstring
from hubkit.hubconf.files import Folder
from hubkit.hubconf.known import is_stdlib
from hubkit.hubconf.patched import Patched
from hubkit.hubconf.repo import read_repo, require_hubconf
from hubkit.hubconf.requirements import find_bringers
from hubkit.hubconf.suppressions import Spot, find_spots, read_comment
from hubkit.hubconf.worktree import open_files

__all__ = [
    "Folder",
    "Patched",
    "Spot",
    "distribution_name",
    "find_bringers",
    "find_spots",
    "import_name",
    "is_stdlib",
    "open_commit",
    "open_files",
    "read_comment",
    "read_dependencies",
    "read_docstring",
    "read_repo",
    "require_hubconf",
]
