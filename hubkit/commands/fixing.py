"""Options that put findings right, and what is said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit.commands.gathering import gather
from hubkit.commands.output import say_stopped
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.facts import Files, Report
    from hubkit.fixer import Outcome

    Judge = Callable[[Files], Report]


@dataclass(frozen=True, slots=True)
class Fixing:
    """What the command line says about fixes; its fields are the options of the same names."""

    fix: bool
    unsafe_fixes: bool
    diff: bool
    exit_non_zero_on_fix: bool

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to be fixed, or shown as it would be."""
        return self.fix or self.diff

    def require_sense(self) -> None:
        """Refuse options that say how to fix where nothing is to be fixed.

        Raises:
            UsageError: There are such.
        """
        from hubkit.errors import UsageError

        if not self.is_wanted and (self.unsafe_fixes or self.exit_non_zero_on_fix):
            option = "--unsafe-fixes" if self.unsafe_fixes else "--exit-non-zero-on-fix"
            raise UsageError(f"{option} fixes nothing by itself.", hint="Add --fix or --diff.")

    def plan(self, files: Files, judge: Judge) -> Outcome:
        """Make the fixes without writing anything.

        Args:
            files: The repo's files.
            judge: Says what is wrong with files.
        """
        from hubkit.fixer import fix_findings
        from hubkit.source import Overlay

        def lint(changes: Mapping[str, bytes]) -> Report:
            return judge(Overlay(files, changes) if changes else files)

        return fix_findings(lint, files.read, unsafe=self.unsafe_fixes)

    def show(self, outcome: Outcome) -> int:
        """Print what would change; the exit code says whether anything would."""
        from hubkit.fixer import render_diff

        click.echo(render_diff(outcome.changes), nl=False)
        _say(outcome, "Would fix")
        say_stopped(outcome.report)
        return 2 if outcome.report.stopped else int(bool(outcome.changes))

    def write(self, files: Files, outcome: Outcome) -> None:
        """Write what changes, and say how much that is.

        Raises:
            FixError: A file cannot be written; nothing is then.
        """
        from hubkit.fixer import write_changes

        write_changes(files.root, outcome.changes)
        _say(outcome, "Fixed")

    def exit_code(self, outcome: Outcome) -> int:
        """The exit code once fixes are made: what is left counts."""
        fixed = self.exit_non_zero_on_fix and bool(outcome.changes)
        return outcome.report.exit_code or int(fixed)


def _say(outcome: Outcome, verb: str) -> None:
    for finding, reason in outcome.failed:
        place = f" in {finding.location.path}" if finding.location else ""
        click.echo(
            f"{finding.code}{place} is for you to fix, as its fix was taken back ({reason}): "
            f"{finding.message}",
            err=True,
        )
    count = len(outcome.fixed)
    more = f" ({outcome.unsafe} more with --unsafe-fixes)" if outcome.unsafe else ""
    if count or more:
        click.echo(f"{verb} {count} finding{'s' * (count != 1)}{more}.", err=True)


_OPTIONS = (
    click.option("--fix", is_flag=True, help="Fix what can be fixed safely."),
    click.option("--unsafe-fixes", is_flag=True, help="Make fixes too that are for you to judge."),
    click.option("--diff", is_flag=True, help="Show what --fix would change, and write nothing."),
    click.option("--exit-non-zero-on-fix", is_flag=True, help="Exit with 1 if anything was fixed."),
)

fixing_options = gather(Fixing, "fixing", _OPTIONS)
"""Give a command the options of a ``Fixing``, and hand it one as ``fixing``."""
