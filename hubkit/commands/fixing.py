"""Options that fix findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import Struct

from hubkit._util.console import echo, echo_data
from hubkit._util.text import plural
from hubkit.commands.gathering import gather
from hubkit.commands.output import print_crashes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.facts import Files, Report
    from hubkit.lint import Outcome

    Judge = Callable[[Files], Report]


class Fixing(Struct, frozen=True):
    """The options for fixes, by name."""

    fix: bool
    unsafe_fixes: bool
    diff: bool
    exit_non_zero_on_fix: bool

    @property
    def is_wanted(self) -> bool:
        """Whether to make fixes or show them."""
        return self.fix or self.diff

    def require_sense(self) -> None:
        """Reject options for fixes without --fix or --diff.

        Raises:
            UsageError: There are such options.
        """
        from hubkit.errors import UsageError

        if not self.is_wanted and (self.unsafe_fixes or self.exit_non_zero_on_fix):
            option = "--unsafe-fixes" if self.unsafe_fixes else "--exit-non-zero-on-fix"
            raise UsageError(f"{option} requires --fix or --diff.", hint="Add one of them.")

    def plan(self, files: Files, judge: Judge) -> Outcome:
        """Compute the fixes without writing anything.

        Args:
            files: The repo's files.
            judge: Checks files.
        """
        from hubkit.lint import fix_findings
        from hubkit.source import Overlay

        def lint(changes: Mapping[str, bytes]) -> Report:
            return judge(Overlay(files, changes) if changes else files)

        return fix_findings(lint, files.read, unsafe=self.unsafe_fixes)

    def show(self, outcome: Outcome) -> int:
        """Print the diff; returns the exit code."""
        from hubkit.lint import render_diff

        echo_data(render_diff(outcome.changes))
        _say(outcome, "Would fix")
        print_crashes(outcome.report)
        return 2 if outcome.report.crashes else int(bool(outcome.changes))

    def write(self, files: Files, outcome: Outcome) -> None:
        """Write the fixed files and print a summary.

        Raises:
            FixError: A file cannot be written; then none is.
        """
        from hubkit.lint import write_changes

        write_changes(files.root, outcome.changes)
        _say(outcome, "Fixed")

    def exit_code(self, outcome: Outcome) -> int:
        """The exit code after fixing, by the remaining findings."""
        fixed = self.exit_non_zero_on_fix and bool(outcome.changes)
        return outcome.report.exit_code or int(fixed)


def _say(outcome: Outcome, verb: str) -> None:
    for finding, reason in outcome.failed:
        place = f" in {finding.location.path}" if finding.location else ""
        echo(
            f"{finding.code}{place} was not fixed ({reason}): {finding.message}",
            err=True,
        )
    count = len(outcome.fixed)
    more = f" ({outcome.unsafe} more with --unsafe-fixes)" if outcome.unsafe else ""
    if count or more:
        echo(f"{verb} {plural(count, 'finding')}{more}.", err=True)


_OPTIONS = (
    click.option("--fix", is_flag=True, help="Fix findings that have a safe fix."),
    click.option("--unsafe-fixes", is_flag=True, help="Include unsafe fixes, which need a review."),
    click.option("--diff", is_flag=True, help="Show what --fix would change; write nothing."),
    click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 if anything was fixed."),
)

fixing_options = gather(Fixing, "fixing", _OPTIONS)
"""Add these options to a command, which gets a ``Fixing`` as ``fixing``."""
