"""What a command line changes in the configuration of a repo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from hubkit.config.files import read_config

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.config.settings import Config
    from hubkit.facts import Files

_COMMAND_LINE = "ignored on the command line"


class SelectionOptions(Struct, frozen=True):
    """Options that select rules, and say which findings fail.

    Attributes:
        select: Codes and prefixes in place of the configured `select`; empty for no change.
        extend_select: More of them.
        ignore: The same for `ignore`.
        extend_ignore: More of them.
        preview: Whether to run preview rules; None for no change.
        fail_on: The least severity that fails; None for no change.
        exit_zero: Whether no finding fails.
        overrides: Other settings, as ``KEY=VALUE`` in TOML.
        isolated: Whether to ignore configuration files.
    """

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_ignore: tuple[str, ...] = ()
    preview: bool | None = None
    fail_on: str | None = None
    exit_zero: bool = False
    overrides: tuple[str, ...] = ()
    isolated: bool = False

    def configure(self, repo: Path | Files) -> Config:
        """The configuration of a repo with these changes.

        `select` and `ignore` replace the configured values, the others add to them.

        Raises:
            ConfigError: The configuration, or one of the options, is invalid.
        """
        config = read_config(repo, self.overrides, isolated=self.isolated)
        if self == SelectionOptions():
            return config
        changes: dict[str, Any] = {
            "extend_select": (*(() if self.select else config.extend_select), *self.extend_select),
            "extend_ignore": {
                **({} if self.ignore else config.extend_ignore),
                **dict.fromkeys(self.extend_ignore, _COMMAND_LINE),
            },
        }
        if self.select:
            changes["select"] = self.select
        if self.ignore:
            changes["ignore"] = dict.fromkeys(self.ignore, _COMMAND_LINE)
        if self.preview is not None:
            changes["preview"] = self.preview
        if self.exit_zero or self.fail_on:
            changes["fail_on"] = "never" if self.exit_zero else self.fail_on
        return structs.replace(config, **changes)
