"""Make the edits that findings come with, see that they help, and write what changed."""

from hubkit.fixer.diff import render_diff
from hubkit.fixer.passes import Change, Outcome, fix_findings
from hubkit.fixer.text import PatchError, patch, require_parses
from hubkit.fixer.write import write_changes

__all__ = [
    "Change",
    "Outcome",
    "PatchError",
    "fix_findings",
    "patch",
    "render_diff",
    "require_parses",
    "write_changes",
]
