"""Options that say where reports go and in which form, and the writing of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo_lines
from hubkit.commands.gathering import gather
from hubkit.records import dataclass
from hubkit.reporters import FORMATS, find_reporter

if TYPE_CHECKING:
    from hubkit.facts import Report

# "text" is what "full" was called first.
_ALIASES = {"text": "full"}
_STDOUT = "-"
_FOR_PEOPLE = ("full", "concise", "statistics")
_FORMATS = "full, concise, json, github, sarif, junit, markdown or statistics"


def _format(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    """A format's name."""
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


@dataclass(frozen=True, slots=True)
class Output:
    """What the command line says about reports; its fields are the options of the same names."""

    output_format: str
    output_file: Path | None
    reports: tuple[tuple[str, Path], ...]
    statistics: bool
    quiet: bool

    def write(self, report: Report) -> None:
        """Write the report in every form that was asked for.

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
        """Refuse two formats for one report, and two reports for one file.

        Raises:
            UsageError: Statistics are wanted, and a format for programs; or a file is named twice.
        """
        from hubkit.errors import UsageError

        if self.statistics and self.output_format not in _FOR_PEOPLE:
            raise UsageError(
                f"--statistics is a format of its own, and so is {self.output_format}.",
                hint=f"Have both: --statistics --report {self.output_format}=FILE.",
            )
        paths = [path for _, path in self.reports]
        paths += [self.output_file] if self.output_file else []
        for number, path in enumerate(paths):
            if any(path.resolve() == other.resolve() for other in paths[:number]):
                raise UsageError(
                    f"Two reports are to be written to {path}.", hint="Give each a file of its own."
                )

    def refuse(self, option: str) -> None:
        """Refuse what would be left unwritten.

        Raises:
            UsageError: A report is asked for in a form or a file of its own.
        """
        from hubkit.errors import UsageError

        if self.reports or self.output_file or self.statistics or self.output_format != "full":
            raise UsageError(
                f"{option} makes no report.",
                hint="Run check once more without it for the report.",
            )


def say_stopped(report: Report) -> None:
    """Say on stderr which rules stopped, where no report does."""
    from hubkit.reporters.full import format_finding

    for finding in report.stopped:
        echo_lines(format_finding(finding, report), err=True)


def _write_file(name: str, path: Path, report: Report) -> None:
    from hubkit.errors import UsageError

    if str(path) == _STDOUT:
        find_reporter(name)(report, sys.stdout)
        return
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            find_reporter(name)(report, stream)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}",
            hint="Give a file in a folder that exists and may be written.",
        ) from None


_OPTIONS = (
    click.option(
        "--output-format",
        metavar="FORMAT",
        default="full",
        callback=_format,
        help=f"How to say what was found: {_FORMATS}.  [default: full]",
    ),
    click.option(
        "--output-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Where to say it; standard output when not given, or `-`.",
    ),
    click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT=FILE",
        callback=_reports,
        help="Write another report to a file; may be repeated.",
    ),
    click.option("--statistics", is_flag=True, help="Count findings by rule, and list none."),
    click.option("-q", "--quiet", is_flag=True, help="Say nothing when nothing is found."),
)

output_options = gather(Output, "output", _OPTIONS)
"""Give a command the options of an ``Output``, and hand it one as ``output``."""
