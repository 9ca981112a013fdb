"""A hub repo's source as frozen facts.

Nothing of the repo is imported or run, and torch is not needed.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.analysis.annotations import read_types
    from hubkit.analysis.builtin_names import is_stdlib
    from hubkit.analysis.dependencies import (
        distribution_name,
        find_bringers,
        import_name,
        modules_beside,
        read_dependencies,
    )
    from hubkit.analysis.docstrings import read_docstring, render_docstring
    from hubkit.analysis.documents import (
        find_code,
        find_documents,
        find_snippets,
        read_card,
        read_snippets,
        select_own,
        syntax_problem,
    )
    from hubkit.analysis.repo import read_needs, read_repo, require_hubconf
    from hubkit.analysis.signatures import render_parameters, render_signature
    from hubkit.analysis.suppressions import Spot, find_spots, read_comment
    from hubkit.analysis.values import write_literal
    from hubkit.analysis.weights import read_weights

__all__ = [
    "Spot",
    "distribution_name",
    "find_bringers",
    "find_code",
    "find_documents",
    "find_snippets",
    "find_spots",
    "import_name",
    "is_stdlib",
    "modules_beside",
    "read_card",
    "read_comment",
    "read_dependencies",
    "read_docstring",
    "read_needs",
    "read_repo",
    "read_snippets",
    "read_types",
    "read_weights",
    "render_docstring",
    "render_parameters",
    "render_signature",
    "require_hubconf",
    "select_own",
    "syntax_problem",
    "write_literal",
]

__getattr__ = lazy_names(
    __name__,
    {
        "documents": "find_documents read_snippets select_own read_card find_code find_snippets syntax_problem",
        "dependencies": "read_dependencies distribution_name import_name modules_beside find_bringers",
        "annotations": "read_types",
        "builtin_names": "is_stdlib",
        "docstrings": "read_docstring render_docstring",
        "values": "write_literal",
        "repo": "read_needs read_repo require_hubconf",
        "signatures": "render_parameters render_signature",
        "suppressions": "Spot find_spots read_comment",
        "weights": "read_weights",
    },
)
