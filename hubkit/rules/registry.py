"""Declare rules and look them up."""

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


class FindingWithFix(Finding, frozen=True):
    """A finding that computes its fix when it is asked for.

    Attributes:
        make_fix: Computes the fix; None if there is none.
    """

    make_fix: Callable[[], Fix | None] = lambda: None

    def finish(self, *, with_fix: bool = False) -> Finding:
        """The plain finding, with or without its fix."""
        return Finding(
            self.code,
            self.severity,
            self.message,
            self.location,
            entrypoint=self.entrypoint,
            hint=self.hint,
            fix=self.make_fix() if with_fix else None,
            fingerprint=self.fingerprint,
        )


class Rule(Struct, frozen=True):
    """A rule of ``hubkit check``.

    Attributes:
        code: "HUB" and three digits; the first is the family.
        slug: The name, such as "undeclared-import".
        severity: The severity of its findings, unless a finding has its own.
        summary: What it finds, in one line.
        explanation: The text that ``hubkit explain`` prints.
        function: Yields the findings.
        exempt_kinds: Kinds of entrypoints about which it reports nothing.
        preview: Whether it runs only in preview, or if its full code is selected.
        fixable: Whether its findings have a fix.
        applicability: The applicability of its safest fix; None if it has no fixes.
        exclusive: Whether the other rules do not run if it finds something.
        needs_previous: Whether it compares the repo with an earlier version.
        several: What several findings say together, with ``{count}`` for their number; the summary
            if it is empty.
    """

    code: str
    slug: str
    severity: Severity
    summary: str
    explanation: str
    function: RuleFunction
    exempt_kinds: frozenset[str] = frozenset()
    preview: bool = False
    fixable: Fixable = "never"
    applicability: Applicability | None = None
    exclusive: bool = False
    needs_previous: bool = False
    several: str = ""

    def finding(
        self,
        message: str,
        location: Location | None = None,
        *,
        hint: str = "",
        entrypoint: str | None = None,
        severity: Severity | None = None,
        fix: Callable[[], Fix | None] | None = None,
    ) -> Finding:
        """Make a finding.

        Args:
            message: What is wrong, in one clause.
            location: Where; None for the repo as a whole.
            hint: What to do about it.
            entrypoint: The entrypoint that it is about.
            severity: Its severity, if it is not that of the rule.
            fix: Computes its fix. It is called only if fixes are asked for, after the rule has
                finished, so use ``functools.partial`` instead of a lambda in a loop.
        """
        severity = severity or self.severity
        if fix is None:
            return Finding(self.code, severity, message, location, entrypoint, hint)
        return FindingWithFix(
            self.code, severity, message, location, entrypoint, hint, make_fix=fix
        )


def rule(
    code: str,
    slug: str,
    severity: Severity,
    *,
    exempt_kinds: frozenset[str] = frozenset(),
    preview: bool = False,
    fixable: Fixable = "never",
    applicability: Applicability | None = None,
    exclusive: bool = False,
    needs_previous: bool = False,
    several: str = "",
) -> Callable[[RuleFunction], Rule]:
    """Declare a rule: a generator of findings, whose docstring explains it.

    Args:
        code: Its code.
        slug: Its name.
        severity: The usual severity of its findings.
        exempt_kinds: Kinds of entrypoints about which it reports nothing.
        preview: Whether it runs only in preview, or if its full code is selected.
        fixable: Whether its findings have a fix.
        applicability: The applicability of its safest fix.
        exclusive: Whether the other rules do not run if it finds something.
        needs_previous: Whether it compares the repo with an earlier version.
        several: What several findings say together, with ``{count}`` for their number.
    """

    def declare(function: RuleFunction) -> Rule:
        explanation = inspect.cleandoc(function.__doc__ or "")
        return Rule(
            code,
            slug,
            severity,
            explanation.partition("\n")[0],
            explanation,
            function,
            exempt_kinds,
            preview,
            fixable,
            applicability,
            exclusive,
            needs_previous,
            several,
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
