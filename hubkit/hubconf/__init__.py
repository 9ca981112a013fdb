"""READ: a hub repo's source becomes frozen facts.

Nothing of the repo is imported or run, and torch is not needed.
"""

from hubkit.hubconf.dependencies import read_dependencies
from hubkit.hubconf.distributions import distribution_name, import_name
from hubkit.hubconf.docstrings import read_docstring
from hubkit.hubconf.known import is_stdlib
from hubkit.hubconf.repo import read_repo, require_hubconf
from hubkit.hubconf.requirements import find_bringers

__all__ = [
    "distribution_name",
    "find_bringers",
    "import_name",
    "is_stdlib",
    "read_dependencies",
    "read_docstring",
    "read_repo",
    "require_hubconf",
]
