"""Checks, their registry, and their results.

Nothing here imports pytest or torch, so that ``hubkit explain`` can read all checks without them.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.facts import Location

Level = Literal[1, 2, 3]
Scope = Literal["repo", "case"]
Child = Literal["work tree", "archive"]


class Failure(Struct, frozen=True):
    """A problem that a check found.

    Attributes:
        message: What is wrong for users of the model, in one sentence.
        evidence: Numbers, paths, lines.
        fix: The most likely cause, and how to fix it.
        location: Its place; None for the definition of the entrypoint.
        cause: The exception that the repo's code raised, or None.
    """

    message: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    location: Location | None = None
    cause: BaseException | None = None


class NotApplicableError(Exception):
    """A check does not apply; the text gives the reason, and what would change that."""


class UndeclaredError(NotApplicableError):
    """A check cannot run because a declaration is missing; the level is not reached.

    The text names the declaration.
    """


class PrerequisiteError(Exception):
    """A check needs something that another check shows to be broken.

    Attributes:
        code: The other check's code.
        failure: Its failure.
    """

    def __init__(self, code: str, failure: Failure) -> None:
        super().__init__(f"({code}) {failure.message}")
        self.code = code
        self.failure = failure


class Check(Struct, frozen=True):
    """One live check.

    Attributes:
        code: Such as "C207".
        slug: Such as "state-dict-round-trip".
        summary: What passes it, in one line.
        level: 1 protocol, 2 behavior, 3 reproducibility and portability.
        required: Whether the level depends on it; otherwise it reports a feature.
        scope: Whether it runs on the repo as a whole, or on each case of each entrypoint.
        requires: Codes of the checks that it depends on.
        slow: Whether it runs only with ``--hubconf-slow`` or when selected by its code.
        child: The child process whose reply it reads, which therefore loads the case: one for the
            work tree or one for the archive of the commit. None if it uses neither.
        by_design: Whether a model passes it if another one of the same design has.
        explanation: The text of ``hubkit explain``.
        function: Yields failures; takes a `RepoContext` or a `CaseContext`, by scope.
    """

    code: str
    slug: str
    summary: str
    level: Level
    required: bool
    scope: Scope
    requires: tuple[str, ...]
    slow: bool
    child: Child | None
    by_design: bool
    explanation: str
    function: Callable[[Any], Iterator[Failure]]

    @property
    def name(self) -> str:
        """Code and slug, as in a test id."""
        return f"{self.code}-{self.slug}"


CHECKS: dict[str, Check] = {}
_Function = TypeVar("_Function", bound="Callable[[Any], Iterator[Failure]]")


def check(
    code: str,
    slug: str,
    *,
    level: Level,
    scope: Scope = "case",
    required: bool = True,
    requires: tuple[str, ...] = (),
    slow: bool = False,
    child: Child | None = None,
    by_design: bool = False,
) -> Callable[[_Function], _Function]:
    """Register a check; its docstring is what ``hubkit explain`` prints.

    Args:
        code: Its code; no other check may have it.
        slug: Its name in test ids.
        level: The level that it belongs to.
        scope: What it runs on.
        required: Whether the level depends on it. Otherwise it reports a feature: a failure becomes
            a skip with the reason "not supported".
        requires: Codes of the checks that must not have failed.
        slow: Whether it runs only with ``--hubconf-slow`` or when selected by its code.
        child: The child process whose reply it reads.
        by_design: Whether a model passes it if another one of the same design has: what decides is
            the code that runs, not the sizes or the weights.
    """

    def register(function: _Function) -> _Function:
        if code in CHECKS:
            raise ValueError(f"two checks have the code {code}")
        explanation = inspect.cleandoc(function.__doc__ or "")
        summary = explanation.partition("\n")[0]
        CHECKS[code] = Check(
            code,
            slug,
            summary,
            level,
            required,
            scope,
            requires,
            slow,
            child,
            by_design,
            explanation,
            function,
        )
        return function

    return register


def codes_of_child(child: Child) -> tuple[str, ...]:
    """The codes of the checks that read the reply of a child process."""
    return tuple(one.code for one in CHECKS.values() if one.child == child)
