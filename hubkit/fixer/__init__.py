"""Make the edits that findings come with, see that they help, and write what changed."""

from hubkit.fixer.diff import render_diff
from hubkit.fixer.passes import Outcome, fix_findings
from hubkit.fixer.write import write_changes

__all__ = ["Outcome", "fix_findings", "render_diff", "write_changes"]
