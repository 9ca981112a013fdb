"""JUDGE: one decorated generator a rule, from frozen facts to findings.

A new rule is a function in its family's module, below, and a folder of cases in
``tests/rules/cases``.
"""

from hubkit.rules import (
    archives,
    branches,
    breaking,
    bundled,
    cards,
    dependencies,
    docstrings,
    documents,
    downloads,
    effects,
    examples,
    hubconf,
    imports,
    meta,
    metadata,
    mismatched,
    modules,
    published,
    returns,
    signatures,
    surface,
    untrained,
    weights,
)
from hubkit.rules.registry import Rule, rule

__all__ = ["Rule", "all_rules", "matching_rules", "rule"]

_FAMILIES = (
    hubconf,
    modules,
    dependencies,
    imports,
    metadata,
    surface,
    breaking,
    signatures,
    mismatched,
    docstrings,
    examples,
    returns,
    downloads,
    weights,
    untrained,
    bundled,
    effects,
    published,
    archives,
    branches,
    documents,
    cards,
    meta,
)


def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the codes."""
    found = [value for family in _FAMILIES for value in vars(family).values()]
    return tuple(sorted((r for r in found if isinstance(r, Rule)), key=lambda r: r.code))


def matching_rules(prefix: str) -> tuple[Rule, ...]:
    """The rules whose code starts with a prefix such as "HUB5"; the whole code means one."""
    return tuple(r for r in all_rules() if prefix and r.code.startswith(prefix))
