"""What a rule is, and how one is declared."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.facts import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.facts import Applicability, Fix, Fixable, Location, RepoFacts, Severity

    RuleFunction = Callable[[RepoFacts], Iterator[Finding]]

# The modules that define rules, in the order of their codes.
_FAMILIES = """
hubconf dependencies surface signatures compatibility docstrings returns weights published effects
documents cards meta
"""


class Rule(Struct, frozen=True):
    """One thing that ``hubkit check`` looks for.

    Attributes:
        code: "HUB" and three digits; the first is the family.
        slug: The same as words, such as "undeclared-import".
        severity: How bad its findings are unless one says otherwise.
        summary: What it finds, in one line.
        explanation: What, why it bites, bad and good: all that ``hubkit explain`` prints.
        function: Finds it. Where it does not apply it finds nothing.
        moot_kinds: Kinds of entrypoints for which declaring them answers the finding.
        preview: Whether it runs only when its code is selected.
        fixable: Whether its findings come with a fix.
        applicability: Of the most careful fix that it offers; None when it offers none.
        alone: Whether nothing else is worth saying where it finds something.
        compares: Whether it holds the repo against an earlier version, and runs only then.
    """

    code: str
    slug: str
    severity: Severity
    summary: str
    explanation: str
    function: RuleFunction
    moot_kinds: frozenset[str] = frozenset()
    preview: bool = False
    fixable: Fixable = "never"
    applicability: Applicability | None = None
    alone: bool = False
    compares: bool = False

    def finding(
        self,
        message: str,
        location: Location | None = None,
        *,
        hint: str = "",
        entrypoint: str | None = None,
        severity: Severity | None = None,
        fix: Fix | None = None,
    ) -> Finding:
        """One finding of this rule."""
        return Finding(
            self.code,
            severity or self.severity,
            message,
            location,
            entrypoint=entrypoint,
            hint=hint,
            fix=fix,
        )


def rule(
    code: str,
    slug: str,
    severity: Severity,
    *,
    moot_kinds: frozenset[str] = frozenset(),
    preview: bool = False,
    fixable: Fixable = "never",
    applicability: Applicability | None = None,
    alone: bool = False,
    compares: bool = False,
) -> Callable[[RuleFunction], Rule]:
    """Make a generator of findings a rule; its docstring is the explanation.

    Args:
        code: Its code.
        slug: Its name in words.
        severity: How bad its findings usually are.
        moot_kinds: Kinds of entrypoints for which declaring them answers the finding.
        preview: Whether it runs only when its code is selected.
        fixable: Whether its findings come with a fix.
        applicability: Of the most careful fix that it offers.
        alone: Whether nothing else is worth saying where it finds something.
        compares: Whether it holds the repo against an earlier version, and runs only then.
    """

    def declare(function: RuleFunction) -> Rule:
        explanation = inspect.cleandoc(function.__doc__ or "")
        summary = explanation.partition("\n")[0]
        return Rule(
            code,
            slug,
            severity,
            summary,
            explanation,
            function,
            moot_kinds,
            preview,
            fixable,
            applicability,
            alone,
            compares,
        )

    return declare


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, sorted by code."""
    modules = [importlib.import_module(f"hubkit.rules.{name}") for name in _FAMILIES.split()]
    found = [value for module in modules for value in vars(module).values()]
    return tuple(sorted((one for one in found if isinstance(one, Rule)), key=lambda one: one.code))


@cache
def matching_rules(prefix: str) -> tuple[Rule, ...]:
    """The rules whose code starts with a prefix such as "HUB5"; a whole code matches one."""
    return tuple(one for one in all_rules() if prefix and one.code.startswith(prefix))
