"""Select rules, and match the codes of rules with selectors: codes, prefixes, ``ALL``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.config import ALL
from hubkit.errors import UsageError
from hubkit.rules import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.config import Config
    from hubkit.facts import RepoFacts
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


def require_something_to_check(facts: RepoFacts, config: Config) -> None:
    """Reject a run that would pass only because it checks nothing.

    Raises:
        UsageError: No rule is selected, or the folder cannot be a hub repo.
    """
    rules = select_rules(config)
    if rules and facts.before is None and all(rule.needs_previous for rule in rules):
        raise UsageError(
            f"Nothing to check: {rules[0].code} needs an earlier version to compare with",
            hint="Pass that version. For example: --against v1.0",
        )
    if not rules:
        raise UsageError(
            "Nothing to check: no rule is selected",
            hint="To run preview rules, add --preview or select them by their full code."
            if config.select or config.extend_select
            else "`select` is empty. Add codes, prefixes or ALL, or remove the setting.",
        )
    missing = facts.problem is not None and facts.problem.kind == "missing"
    is_git = facts.files.is_tracked or (facts.root / ".git").exists()
    if missing and not is_git and not any(path.endswith(".py") for path in facts.files.paths()):
        raise UsageError(
            f"Nothing to check: {facts.root} has no hubconf.py, no Python files and no git repo",
            hint="Pass the folder of a hub repo, or owner/name[:ref].",
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
