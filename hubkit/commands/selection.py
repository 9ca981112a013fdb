"""Options that say which rules judge, and the configuration that comes of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from hubkit.commands.gathering import gather
from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.config import Config
    from hubkit.facts import Files

COMMAND_LINE = "said on the command line"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the command line says about rules; its fields are the options of the same names."""

    select: tuple[str, ...]
    extend_select: tuple[str, ...]
    ignore: tuple[str, ...]
    extend_ignore: tuple[str, ...]
    preview: bool | None
    fail_on: str | None
    exit_zero: bool
    overrides: tuple[str, ...]
    isolated: bool

    def read_config(self, files: Files) -> Config:
        """The repo's configuration with what the command line puts in its place.

        ``--select`` and ``--ignore`` replace what the configuration says, ``--extend-select`` and
        ``--extend-ignore`` add to it.

        Raises:
            ConfigError: The configuration, or one of the options, cannot be used.
            UsageError: An option names a rule that is none.
        """
        from hubkit.config import read_config

        config = read_config(files, self.overrides, isolated=self.isolated)
        changes: dict[str, Any] = {
            "extend_select": (
                *(() if self.select else config.extend_select),
                *_codes(self.extend_select),
            ),
            "extend_ignore": {
                **({} if self.ignore else config.extend_ignore),
                **dict.fromkeys(_codes(self.extend_ignore), COMMAND_LINE),
            },
        }
        if self.select:
            changes["select"] = _codes(self.select)
        if self.ignore:
            changes["ignore"] = dict.fromkeys(_codes(self.ignore), COMMAND_LINE)
        if self.preview is not None:
            changes["preview"] = self.preview
        if self.exit_zero or self.fail_on:
            changes["fail_on"] = "never" if self.exit_zero else self.fail_on
        return dataclasses.replace(config, **changes)


_OPTIONS = (
    click.option(
        "--select",
        multiple=True,
        metavar="CODES",
        help="Run these rules only: codes, prefixes or ALL.",
    ),
    click.option(
        "--extend-select", multiple=True, metavar="CODES", help="Run these rules besides."
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="CODES",
        help="Leave these findings out, in place of those that the configuration ignores.",
    ),
    click.option(
        "--extend-ignore", multiple=True, metavar="CODES", help="Leave these findings out besides."
    ),
    click.option(
        "--preview/--no-preview",
        default=None,
        help="Run rules in preview too. One whose whole code is selected runs anyway.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "info", "never"]),
        help="The least severity that makes the exit code 1.  [default: warning]",
    ),
    click.option("--exit-zero", is_flag=True, help="The same as --fail-on never."),
    click.option(
        "--config",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="A setting, in TOML, that takes the place of the configuration's.",
    ),
    click.option("--isolated", is_flag=True, help="Read no configuration."),
)

selection_options = gather(Selection, "selection", _OPTIONS)
"""Give a command the options of a ``Selection``, and hand it one as ``selection``."""


def _codes(given: tuple[str, ...]) -> tuple[str, ...]:
    """The codes of an option that may be repeated and may hold several with commas."""
    if not given:
        return ()
    from hubkit.config import ALL
    from hubkit.errors import UsageError
    from hubkit.linter import advise_code
    from hubkit.rules import matching_rules

    codes = tuple(code.strip() for text in given for code in text.split(",") if code.strip())
    for code in codes:
        if code != ALL and not matching_rules(code):
            raise UsageError(f"there is no rule {code}", hint=advise_code(code))
    return codes
