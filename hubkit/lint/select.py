"""Select rules, and match the codes of rules with selectors: codes, prefixes, ``ALL``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.config import ALL
from hubkit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.config import Config
    from hubkit.rules import Rule


def select_rules(config: Config, rules: Iterable[Rule] | None = None) -> tuple[Rule, ...]:
    """Return the rules that a configuration selects.

    A preview rule runs if its full code is selected, or if preview is enabled.

    Args:
        config: The configuration.
        rules: The rules to select from; hubkit's own by default.
    """
    selectors = (*config.select, *config.extend_select)
    return tuple(
        rule
        for rule in (all_rules() if rules is None else rules)
        if most_specific(rule.code, selectors) is not None
        and (config.preview or not rule.preview or rule.code in selectors)
    )


def find_ignore(code: str, config: Config) -> str | None:
    """Return the selector that ignores a rule in the whole repo, or None.

    If a rule is both selected and ignored, the longer selector wins; of equal ones, the one that
    ignores.
    """
    ignored = most_specific(code, (*config.ignore, *config.extend_ignore))
    selected = most_specific(code, (*config.select, *config.extend_select))
    if ignored is None or (selected is not None and _length(selected) > _length(ignored)):
        return None
    return ignored


def most_specific(code: str, selectors: Iterable[str]) -> str | None:
    """Return the longest selector that covers a code, or None."""
    covering = (selector for selector in selectors if covers(selector, code))
    return max(covering, key=_length, default=None)


def covers(selector: str, code: str) -> bool:
    """Whether a selector covers the code of a rule."""
    return selector == ALL or (bool(selector) and code.startswith(selector))


def _length(selector: str) -> int:
    return 0 if selector == ALL else len(selector)
