"""Options for the format and the destination of reports."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from hubkit._util.console import echo_lines
from hubkit.commands.gathering import gather
from hubkit.reporters import FORMATS, find_reporter

if TYPE_CHECKING:
    from hubkit.facts import Report

# "text" is what "full" was called first.
_ALIASES = {"text": "full"}
_STDOUT = "-"
_FOR_PEOPLE = ("full", "concise", "statistics")
_FORMATS = "full, concise, json, github, sarif, junit, markdown or statistics"


def _format(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    """Validate the name of a format."""
    name = _ALIASES.get(value, value)
    if name not in FORMATS:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(FORMATS)}.")
    return name


def _reports(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[tuple[str, Path], ...]:
    pairs = []
    for text in value:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise click.BadParameter(f"{text!r} is not FORMAT=FILE, such as sarif=hubkit.sarif.")
        pairs.append((_format(ctx, param, name), Path(path)))
    return tuple(pairs)


class Output(Struct, frozen=True):
    """The options for reports, by name."""

    output_format: str
    output_file: Path | None
    reports: tuple[tuple[str, Path], ...]
    statistics: bool
    quiet: bool

    def write(self, report: Report) -> None:
        """Write the report in every requested format.

        Raises:
            UsageError: A file cannot be written.
        """
        for name, path in self.reports:
            _write_file(name, path, report)
        name = "statistics" if self.statistics else self.output_format
        if self.output_file is not None:
            _write_file(name, self.output_file, report)
        elif not self.quiet or report.findings or name not in _FOR_PEOPLE:
            find_reporter(name)(report, sys.stdout)

    def require_sense(self) -> None:
        """Reject two formats for one report, and one file for two reports.

        Raises:
            UsageError: The options conflict.
        """
        from hubkit.errors import UsageError

        if self.statistics and self.output_format not in _FOR_PEOPLE:
            raise UsageError(
                f"--statistics cannot be combined with --output-format {self.output_format}.",
                hint=f"To get both, use --statistics --report {self.output_format}=FILE.",
            )
        paths = [path for _, path in self.reports]
        paths += [self.output_file] if self.output_file else []
        for number, path in enumerate(paths):
            if any(path.resolve() == other.resolve() for other in paths[:number]):
                raise UsageError(
                    f"Two reports would be written to {path}.",
                    hint="Use a different file for each.",
                )

    def refuse(self, option: str) -> None:
        """Reject options for a report that will not be written.

        Raises:
            UsageError: There are such options.
        """
        from hubkit.errors import UsageError

        if self.reports or self.output_file or self.statistics or self.output_format != "full":
            raise UsageError(
                f"{option} does not write a report.",
                hint="Run `hubkit check` again without it to get the report.",
            )


def print_crashes(report: Report) -> None:
    """Print rules that crashed to stderr, if no report is written."""
    from hubkit.reporters.full import format_finding

    for finding in report.crashes:
        echo_lines(format_finding(finding, report), err=True)


def _write_file(name: str, path: Path, report: Report) -> None:
    from hubkit._util.atomic import write_output
    from hubkit.errors import UsageError

    if str(path) == _STDOUT:
        find_reporter(name)(report, sys.stdout)
        return
    try:
        stream = io.StringIO(newline="\n")
        find_reporter(name)(report, stream)
        write_output(path, stream.getvalue().encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}",
            hint="Choose a file in an existing, writable folder.",
        ) from None


_OPTIONS = (
    click.option(
        "--output-format",
        metavar="FORMAT",
        default="full",
        callback=_format,
        help=f"Output format: {_FORMATS}.  [default: full]",
    ),
    click.option(
        "--output-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Write the report to this file instead of standard output.",
    ),
    click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT=FILE",
        callback=_reports,
        help="Write an additional report to a file. Repeatable.",
    ),
    click.option("--statistics", is_flag=True, help="Show the number of findings per rule."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing if there are no findings."),
)

output_options = gather(Output, "output", _OPTIONS)
"""Add these options to a command, which gets an ``Output`` as ``output``."""
