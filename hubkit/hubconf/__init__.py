"""READ: a hub repo's source becomes frozen facts.

Nothing of the repo is imported or run, and torch is not needed.
"""

from hubkit.hubconf.dependencies import read_dependencies
from hubkit.hubconf.distributions import distribution_name, import_name
from hubkit.hubconf.docstrings import read_docstring
from hubkit.hubconf.known import is_stdlib
from hubkit.hubconf.repo import read_repo, require_hubconf
from hubkit.hubconf.requirements import find_bringers
from hubkit.hubconf.suppressions import Spot, find_spots, read_comment

__all__ = [
    "Spot",
    "distribution_name",
    "find_bringers",
    "find_spots",
    "import_name",
    "is_stdlib",
    "read_comment",
    "read_dependencies",
    "read_docstring",
    "read_repo",
    "require_hubconf",
]
