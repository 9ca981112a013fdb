"""Rules and checks as one list, for the commands that tell about them."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Literal

from msgspec import Struct


class CatalogueEntry(Struct, frozen=True):
    """A rule of ``hubkit check``, or a check of ``pytest --hubconf``.

    Attributes:
        code: Such as "HUB105" or "C207".
        slug: The same as words.
        kind: Which of the two it is.
        severity: A rule's usual severity; of a check "required" or "optional".
        is_default: Whether it runs without being selected.
        fix: Of a rule: "safe" or "unsafe" when its findings can be fixed, followed by "sometimes"
            when not all can; else "".
        summary: What it finds or shows, in one line.
        explanation: All that there is to say.
    """

    code: str
    slug: str
    kind: Literal["rule", "check"]
    severity: str
    is_default: bool
    fix: str
    summary: str
    explanation: str


def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """Every rule, and with pytest there every check, in the order of their codes."""
    rules = _rules()
    return rules if importlib.util.find_spec("pytest") is None else (*rules, *_checks())


def _rules() -> tuple[CatalogueEntry, ...]:
    from hubkit.rules import all_rules

    return tuple(
        CatalogueEntry(
            rule.code,
            rule.slug,
            "rule",
            rule.severity,
            not rule.preview,
            f"{rule.applicability or ''}{', sometimes' if rule.fixable == 'sometimes' else ''}",
            rule.summary,
            rule.explanation,
        )
        for rule in all_rules()
    )


def _checks() -> tuple[CatalogueEntry, ...]:
    # By name: hubkit itself knows nothing of its pytest plugin.
    checks = importlib.import_module("pytest_hubkit.checks").all_checks()
    return tuple(
        CatalogueEntry(
            check.code,
            check.slug,
            "check",
            "required" if check.required else "optional",
            True,
            "",
            check.explanation.partition("\n")[0],
            check.explanation,
        )
        for check in checks
    )
