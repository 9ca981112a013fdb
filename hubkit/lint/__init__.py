"""LINT: select rules, run them, suppress findings, fix them."""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.lint.cache import cached_report
    from hubkit.lint.comments import plan_comments
    from hubkit.lint.fix import Outcome, fix_findings
    from hubkit.lint.patch import (
        FileChange,
        PatchError,
        apply_edits,
        render_diff,
        require_parses,
        write_changes,
    )
    from hubkit.lint.run import lint_repo, require_something_to_check, select_rules
    from hubkit.lint.suppression import advise_code

__all__ = [
    "FileChange",
    "Outcome",
    "PatchError",
    "advise_code",
    "apply_edits",
    "cached_report",
    "fix_findings",
    "lint_repo",
    "plan_comments",
    "render_diff",
    "require_parses",
    "require_something_to_check",
    "select_rules",
    "write_changes",
]

__getattr__ = lazy_names(
    __name__,
    {
        "cache": "cached_report",
        "comments": "plan_comments",
        "fix": "Outcome fix_findings",
        "patch": "FileChange PatchError apply_edits render_diff require_parses write_changes",
        "run": "lint_repo require_something_to_check select_rules",
        "suppression": "advise_code",
    },
)
