"""RULES: one decorated generator a rule, from frozen facts to findings.

A new rule is a function in its family's module and a few cases in ``tests/rules``.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.rules.registry import Rule, all_rules, matching_rules, rule

__all__ = ["Rule", "all_rules", "matching_rules", "rule"]

__getattr__ = lazy_names(__name__, {"registry": "Rule all_rules matching_rules rule"})
