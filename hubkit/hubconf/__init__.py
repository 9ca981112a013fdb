"""READ: a hub repo's source becomes frozen facts.

Nothing of the repo is imported or run, and torch is not needed.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import find_lazily

if TYPE_CHECKING:
    from hubkit.hubconf.commit import open_commit
    from hubkit.hubconf.dependencies import read_dependencies
    from hubkit.hubconf.distributions import distribution_name, import_name, normalize
    from hubkit.hubconf.docstrings import read_docstring, render_docstring
    from hubkit.hubconf.documents import find_documents, read_snippets, select_own
    from hubkit.hubconf.files import Folder
    from hubkit.hubconf.front_matter import read_card
    from hubkit.hubconf.help import read_weights
    from hubkit.hubconf.known import is_stdlib
    from hubkit.hubconf.metadata import read_requirements
    from hubkit.hubconf.offer import read_offer
    from hubkit.hubconf.offer.written import write_literal
    from hubkit.hubconf.patched import Patched
    from hubkit.hubconf.repo import read_repo, require_hubconf
    from hubkit.hubconf.requirements import find_bringers
    from hubkit.hubconf.signatures import render_signature
    from hubkit.hubconf.snippets import find_code, find_snippets, syntax_problem
    from hubkit.hubconf.suppressions import Spot, find_spots, read_comment
    from hubkit.hubconf.worktree import open_files

__all__ = [
    "Folder",
    "Patched",
    "Spot",
    "distribution_name",
    "find_bringers",
    "find_code",
    "find_documents",
    "find_snippets",
    "find_spots",
    "import_name",
    "is_stdlib",
    "normalize",
    "open_commit",
    "open_files",
    "read_card",
    "read_comment",
    "read_dependencies",
    "read_docstring",
    "read_offer",
    "read_repo",
    "read_requirements",
    "read_snippets",
    "read_weights",
    "render_docstring",
    "render_signature",
    "require_hubconf",
    "select_own",
    "syntax_problem",
    "write_literal",
]

__getattr__ = find_lazily(
    __name__,
    {
        "commit": "open_commit",
        "dependencies": "read_dependencies",
        "distributions": "distribution_name import_name normalize",
        "docstrings": "read_docstring render_docstring",
        "documents": "find_documents read_snippets select_own",
        "files": "Folder",
        "front_matter": "read_card",
        "help": "read_weights",
        "known": "is_stdlib",
        "metadata": "read_requirements",
        "offer": "read_offer",
        "offer.written": "write_literal",
        "patched": "Patched",
        "repo": "read_repo require_hubconf",
        "requirements": "find_bringers",
        "signatures": "render_signature",
        "snippets": "find_code find_snippets syntax_problem",
        "suppressions": "Spot find_spots read_comment",
        "worktree": "open_files",
    },
)
