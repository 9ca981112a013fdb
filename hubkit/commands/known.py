"""Options that suppress existing findings: a baseline, or comments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct, structs

from hubkit._util.console import echo
from hubkit._util.text import plural
from hubkit.commands.gathering import gather
from hubkit.commands.output import print_crashes

if TYPE_CHECKING:
    from hubkit.config import Config
    from hubkit.facts import BaselineEntry, RepoFacts, Report


class Known(Struct, frozen=True):
    """The options that suppress existing findings.

    Attributes:
        baseline: The file, or None for the configuration's.
        update: Whether to write it rather than hold the repo against it.
        reason: What comments that are to be written say; None when none are.
    """

    baseline: Path | None
    update: bool
    reason: str | None

    @property
    def writes_into_repo(self) -> bool:
        """Whether a file of the repo will be written."""
        return self.reason is not None or (self.update and self.baseline is None)

    def apply(self, config: Config) -> Config:
        """The configuration with the baseline to use; none if it will be written."""
        if self.update:
            return structs.replace(config, baseline="")
        if self.baseline is None:
            return config
        return structs.replace(config, baseline=str(self.baseline.absolute()))

    def refuse(self, option: str) -> None:
        """Reject options that conflict.

        Raises:
            UsageError: A baseline or comments are to be written too.
        """
        from hubkit.errors import UsageError

        if self.update or self.reason is not None:
            mine = "--update-baseline" if self.update else "--add-ignore"
            raise UsageError(
                f"{mine} cannot be combined {option}.", hint="Run them one after the other."
            )

    def write(self, report: Report, root: Path, config: Config) -> int:
        """Write the findings to the baseline and print what changed.

        Entries of rules that did not run stay; that one stopped is said, and is no entry.

        Raises:
            UsageError: The file cannot be written, or is there and is no baseline.
        """
        from hubkit._util.atomic import write_output
        from hubkit.errors import UsageError
        from hubkit.lint.baseline import read_baseline, render_baseline, to_entry

        path = self._path(root, config)
        old = read_baseline(path) if path.exists() else ()
        stopped = set(report.crashes)
        found = {one.fingerprint: to_entry(one) for one in report.findings if one not in stopped}
        kept = {one.fingerprint: one for one in old if one.code not in report.codes}
        try:
            write_output(path, render_baseline({**kept, **found}.values()))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        echo(_describe(path, old, {**kept, **found}))
        print_crashes(report)
        return 2 if report.crashes else 0

    def comment(self, report: Report, facts: RepoFacts) -> None:
        """Write comments that suppress the findings and print how many.

        Raises:
            FixError: A file cannot be written.
        """
        from hubkit.lint import plan_comments, write_changes

        changes = plan_comments(report.findings, facts.sources, facts.files.read, self.reason or "")
        write_changes(facts.root, changes)
        echo(f"Wrote comments to {plural(len(changes), 'file')}.", err=True)

    def _path(self, root: Path, config: Config) -> Path:
        from hubkit.lint.baseline import BASELINE, locate_baseline

        return self.baseline or locate_baseline(root, config.baseline or BASELINE)


def _describe(path: Path, old: tuple[BaselineEntry, ...], new: dict[str, BaselineEntry]) -> str:
    before = {one.fingerprint for one in old}
    added, gone = len(new.keys() - before), len(before - new.keys())
    return f"{path}: {plural(len(new), 'finding')} ({added} added, {gone} removed)."


def _reason(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    """The reason on one line."""
    if value is None:
        return None
    reason = " ".join(value.split())
    if not reason or not reason.isprintable():
        raise click.BadParameter("Give the reason for suppressing the findings.")
    return reason


_OPTIONS = (
    click.option(
        "--baseline",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Suppress the findings listed in this file.",
    ),
    click.option(
        "--update-baseline",
        "update",
        is_flag=True,
        help="Write all findings to the baseline; report none.  [default: hubkit-baseline.json]",
    ),
    click.option(
        "--add-ignore",
        "reason",
        metavar="REASON",
        callback=_reason,
        help="Suppress all findings by comments that give this reason.",
    ),
)

known_options = gather(Known, "known", _OPTIONS)
"""Add these options to a command, which gets a ``Known`` as ``known``."""
