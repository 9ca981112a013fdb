"""Which rules run, and which selector covers a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.config import ALL
from hubkit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.config import Config
    from hubkit.rules import Rule


def select_rules(config: Config, rules: Iterable[Rule] | None = None) -> tuple[Rule, ...]:
    """The rules that a configuration asks for.

    A rule in preview runs when its whole code is named, or when previews are asked for.

    Args:
        config: The configuration.
        rules: The rules that there are; hubkit's own when not given.
    """
    wanted = (*config.select, *config.extend_select)
    return tuple(
        rule
        for rule in (all_rules() if rules is None else rules)
        if most_specific(rule.code, wanted) is not None
        and (config.preview or not rule.preview or rule.code in wanted)
    )


def find_ignore(code: str, config: Config) -> str | None:
    """The code or prefix that leaves out a rule's findings in the whole repo, or None.

    Of a prefix that selects and one that ignores, the longer wins; of equals, the one that ignores.
    """
    ignored = most_specific(code, (*config.ignore, *config.extend_ignore))
    selected = most_specific(code, (*config.select, *config.extend_select))
    if ignored is None or (selected is not None and _weight(selected) > _weight(ignored)):
        return None
    return ignored


def most_specific(code: str, prefixes: Iterable[str]) -> str | None:
    """The longest of the prefixes that covers a code, or None."""
    covering = (prefix for prefix in prefixes if covers(prefix, code))
    return max(covering, key=_weight, default=None)


def covers(prefix: str, code: str) -> bool:
    """Whether a code, a prefix of one or "ALL" means a rule's code."""
    return prefix == ALL or (bool(prefix) and code.startswith(prefix))


def _weight(prefix: str) -> int:
    return 0 if prefix == ALL else len(prefix)
