"""Options that select rules, and the configuration that results from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, structs

from hubkit.commands.gathering import gather

if TYPE_CHECKING:
    from hubkit.config import Config
    from hubkit.facts import Files

COMMAND_LINE = "ignored on the command line"


class Selection(Struct, frozen=True):
    """The options that select rules, by name."""

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
        """The repo's configuration, overridden by the command line.

        ``--select`` and ``--ignore`` replace the configured values, ``--extend-select`` and
        ``--extend-ignore`` add to them.

        Raises:
            ConfigError: The configuration, or one of the options, cannot be used.
            UsageError: An option names an unknown rule.
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
        return structs.replace(config, **changes)


_OPTIONS = (
    click.option(
        "--select",
        multiple=True,
        metavar="CODES",
        help="Run only these rules: codes, prefixes, or ALL.",
    ),
    click.option(
        "--extend-select", multiple=True, metavar="CODES", help="Run these rules as well."
    ),
    click.option(
        "--ignore",
        multiple=True,
        metavar="CODES",
        help="Suppress findings of these rules. Replaces the configured `ignore`.",
    ),
    click.option(
        "--extend-ignore",
        multiple=True,
        metavar="CODES",
        help="Suppress findings of these rules as well.",
    ),
    click.option(
        "--preview/--no-preview",
        default=None,
        help="Run preview rules too. A rule selected by its full code always runs.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "info", "never"]),
        help="Exit with 1 on findings of at least this severity.  [default: warning]",
    ),
    click.option(
        "--exit-zero",
        is_flag=True,
        help="Exit with 0 even if there are findings; same as --fail-on never.",
    ),
    click.option(
        "--config",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Override a setting; the value is TOML.",
    ),
    click.option("--isolated", is_flag=True, help="Ignore all configuration files."),
)

selection_options = gather(Selection, "selection", _OPTIONS)
"""Add these options to a command, which gets a ``Selection`` as ``selection``."""


def _codes(given: tuple[str, ...]) -> tuple[str, ...]:
    """The codes of a repeatable option whose values may be comma-separated."""
    if not given:
        return ()
    from hubkit.config import ALL
    from hubkit.errors import UsageError
    from hubkit.lint import advise_code
    from hubkit.rules import matching_rules

    codes = tuple(code.strip() for text in given for code in text.split(",") if code.strip())
    for code in codes:
        if code != ALL and not matching_rules(code):
            raise UsageError(f"unknown rule: {code}", hint=advise_code(code))
    return codes
