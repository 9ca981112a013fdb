"""What a check is, how one is registered, and what it may say.

Nothing here imports pytest or torch, so that ``hubkit explain`` can read every check without them.
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


class Failure(Struct, frozen=True):
    """One thing that a check found wrong.

    Attributes:
        message: What is wrong for somebody who uses the model, in one sentence.
        evidence: What was seen: numbers, paths, lines.
        fix: The most likely cause, and what to do about it.
        location: Where, or None for the entrypoint itself.
        cause: The exception that the repo's code raised, or None.
    """

    message: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    location: Location | None = None
    cause: BaseException | None = None


class NotApplicableError(Exception):
    """A check has nothing to judge here; the text says why, and what would change that."""


class UndeclaredError(NotApplicableError):
    """A check would have something to judge if the author declared more: the level is not reached.

    The text says what to declare.
    """


class PrerequisiteError(Exception):
    """What another check shows to be broken is needed here.

    Attributes:
        code: The other check's code.
        failure: What it finds.
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
        summary: What it shows, in one line.
        level: 1 protocol, 2 behaviour, 3 reproducible and portable.
        required: Whether an entrypoint reaches the level only if it passes.
        scope: Whether it judges the repo as a whole, or each case of each entrypoint.
        requires: Codes of the checks without which it makes no sense.
        slow: Whether it runs only when asked for.
        explanation: Why it exists and what to do, as ``hubkit explain`` prints it.
        function: Yields what is wrong; takes a `RepoContext` or a `CaseContext`, by scope.
    """

    code: str
    slug: str
    summary: str
    level: Level
    required: bool
    scope: Scope
    requires: tuple[str, ...]
    slow: bool
    explanation: str
    function: Callable[[Any], Iterator[Failure]]

    @property
    def name(self) -> str:
        """Code and slug, as in a test's id."""
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
) -> Callable[[_Function], _Function]:
    """Register a check; its docstring is what ``hubkit explain`` prints.

    Args:
        code: Its code; no other check may have it.
        slug: Its name in test ids.
        level: The level that it belongs to.
        scope: What it judges.
        required: Whether failing it costs the level; else it tells whether a feature is supported.
        requires: Codes of the checks that must not have failed.
        slow: Whether it runs only when asked for.
    """

    def register(function: _Function) -> _Function:
        if code in CHECKS:
            raise ValueError(f"two checks have the code {code}")
        explanation = inspect.cleandoc(function.__doc__ or "")
        summary = explanation.partition("\n")[0]
        CHECKS[code] = Check(
            code, slug, summary, level, required, scope, requires, slow, explanation, function
        )
        return function

    return register
