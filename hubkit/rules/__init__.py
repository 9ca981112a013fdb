"""RULES: one decorated generator a rule, from frozen facts to findings.

A new rule is a function in its family's module and a few cases in ``tests/rules``.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import find_lazily

if TYPE_CHECKING:
    from hubkit.rules.registry import Rule, all_rules, matching_rules, rule

__all__ = ["Rule", "all_rules", "matching_rules", "rule"]

__getattr__ = find_lazily(__name__, {"registry": "Rule all_rules matching_rules rule"})
