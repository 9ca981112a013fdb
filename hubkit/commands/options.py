"""Options of ``hubkit check``, in groups that are each passed as one value."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from msgspec import Struct, structs

from hubkit._util.text import join_words, suggest
from hubkit.commands.base import Choice
from hubkit.commands.complete import complete_codes
from hubkit.config import SelectionOptions
from hubkit.reporters import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Command: TypeAlias = Callable[..., int]

# "text" is the former name of "full".
_ALIASES = {"text": "full"}


class FixOptions(Struct, frozen=True):
    """Options that fix findings."""

    fix: bool
    unsafe_fixes: bool
    diff: bool
    exit_non_zero_on_fix: bool

    @property
    def is_wanted(self) -> bool:
        """Whether to write fixes or show them."""
        return self.fix or self.diff


class BaselineOptions(Struct, frozen=True):
    """Options that suppress existing findings.

    Attributes:
        baseline: The baseline; None for the configured one.
        update: Whether to write the baseline instead of using it.
        reason: The reason in the comments to write; None to write none.
    """

    baseline: Path | None
    update: bool
    reason: str | None

    @property
    def writes_into_repo(self) -> bool:
        """Whether a file of the repo will be written."""
        return self.reason is not None or (self.update and self.baseline is None)


class OutputOptions(Struct, frozen=True):
    """Options for the format and the destination of reports."""

    output_format: str
    output_file: Path | None
    reports: tuple[tuple[str, Path], ...]
    statistics: bool


def _check_format(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    """Check the name of a format; replace a former one."""
    name = _ALIASES.get(value, value)
    if name not in FORMATS:
        raise click.BadParameter(f"{value!r} is unknown. {suggest(value, FORMATS)}")
    return name


def _split_reports(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[tuple[str, Path], ...]:
    """Split each ``FORMAT=FILE``."""
    pairs = []
    for text in value:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise click.BadParameter(f"{text!r} is not FORMAT=FILE, such as sarif=hubkit.sarif.")
        pairs.append((_check_format(ctx, param, name), Path(path)))
    return tuple(pairs)


def _read_reason(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    """The reason on one line."""
    if value is None:
        return None
    reason = " ".join(value.split())
    if not reason or not reason.isprintable():
        raise click.BadParameter("The reason must be printable text.")
    return reason


def _group(
    group: type[Struct], name: str, options: Sequence[Callable[[Command], Command]]
) -> Callable[[Command], Command]:
    """A decorator that adds options to a command and passes them as one value.

    Args:
        group: A Struct whose fields are the names of the options.
        name: The command's parameter for the value.
        options: The options, in the order of ``--help``.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def call(**values: Any) -> int:  # noqa: ANN401 - values of any option
            own = {field.name: values.pop(field.name) for field in structs.fields(group)}
            return command(**{name: group(**own)}, **values)

        decorated: Command = call
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


selection_options = _group(
    SelectionOptions,
    "selection",
    (
        click.option(
            "--select",
            multiple=True,
            metavar="CODES",
            help="Run only these rules: codes, prefixes, or ALL.",
            shell_complete=complete_codes,
        ),
        click.option(
            "--extend-select",
            multiple=True,
            metavar="CODES",
            help="Run these rules too.",
            shell_complete=complete_codes,
        ),
        click.option(
            "--ignore",
            multiple=True,
            metavar="CODES",
            help="Suppress findings of these rules. Replaces the configured `ignore`.",
            shell_complete=complete_codes,
        ),
        click.option(
            "--extend-ignore",
            multiple=True,
            metavar="CODES",
            help="Suppress findings of these rules too.",
            shell_complete=complete_codes,
        ),
        click.option(
            "--preview/--no-preview",
            default=None,
            help="Run preview rules too. A rule selected by its full code always runs.",
        ),
        click.option(
            "--fail-on",
            type=Choice(["error", "warning", "info", "never"]),
            help="Exit with code 1 if there are findings of at least this severity.  [default: warning]",
        ),
        click.option(
            "--exit-zero",
            is_flag=True,
            help="Exit with code 0 even if there are findings. Same as --fail-on never.",
        ),
        click.option(
            "--config",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Override a setting. The value is TOML.",
        ),
        click.option("--isolated", is_flag=True, help="Ignore all configuration files."),
    ),
)


def require_codes(options: SelectionOptions) -> SelectionOptions:
    """The options with one code in each item: what people write may be a list with commas.

    Raises:
        UsageError: There is no such rule.
    """
    names = ("select", "extend_select", "ignore", "extend_ignore")
    return structs.replace(options, **{name: _codes(getattr(options, name)) for name in names})


def _codes(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        return ()
    from hubkit.config import ALL
    from hubkit.errors import UsageError
    from hubkit.lint import advise_code
    from hubkit.rules import matching_rules

    codes = tuple(code.strip() for text in values for code in text.split(",") if code.strip())
    for code in codes:
        if code != ALL and not matching_rules(code):
            raise UsageError(f"Unknown rule: {code}", hint=advise_code(code))
    if not codes:
        raise UsageError(
            f"No rule is named: {', '.join(map(repr, values))}",
            hint="`select` is empty, or another list of rules. Pass codes, prefixes or ALL.",
        )
    return codes


fix_options = _group(
    FixOptions,
    "fixing",
    (
        click.option("--fix", is_flag=True, help="Fix findings that have a safe fix."),
        click.option("--unsafe-fixes", is_flag=True, help="Include unsafe fixes. Review them."),
        click.option(
            "--diff", is_flag=True, help="Show what --fix would change without changing it."
        ),
        click.option(
            "--exit-non-zero-on-fix",
            is_flag=True,
            help="Exit with code 1 if any finding was fixed.",
        ),
    ),
)

baseline_options = _group(
    BaselineOptions,
    "baseline",
    (
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
            help="Write all findings to the baseline instead of reporting them.  "
            "[default: hubkit-baseline.json]",
        ),
        click.option(
            "--add-ignore",
            "reason",
            metavar="REASON",
            callback=_read_reason,
            help="Suppress all findings by adding comments with this reason.",
        ),
    ),
)

output_options = _group(
    OutputOptions,
    "output",
    (
        click.option(
            "--output-format",
            metavar="FORMAT",
            default="full",
            callback=_check_format,
            help=f"Output format: {join_words(FORMATS, 'or')}.  [default: full]",
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
            callback=_split_reports,
            help="Write an additional report to a file. May be repeated.",
        ),
        click.option("--statistics", is_flag=True, help="Show the number of findings per rule."),
    ),
)
