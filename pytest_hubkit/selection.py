"""Which checks run on which entrypoints, as the command line and the configuration say."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import did_you_mean
from hubkit.errors import UsageError
from hubkit.facts import ANOTHER_SHARD, NOT_REPRESENTATIVE, NOT_SELECTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_hubkit.checks.registry import Check


class Selection(Struct, frozen=True):
    """What is to run.

    Attributes:
        level: The highest level.
        select: Codes, prefixes of codes or names of checks; empty for all.
        ignore: The same, of checks that are left out.
        slow: Whether slow checks run without being selected by their code or name.
        shard: Which part of how many.
        everything: Whether all levels run also where others stand for an entrypoint.
    """

    level: int = 3
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    slow: bool = False
    shard: tuple[int, int] = (1, 1)
    everything: bool = False

    def wants(self, check: Check) -> bool:
        """Whether a check runs at all.

        Args:
            check: The check.
        """
        if check.level > self.level:
            return False
        wanted, unwanted = _closeness(self.select, check), _closeness(self.ignore, check)
        if check.slow and not self.slow and wanted < len(check.code):
            return False
        # The more exact of two answers counts; leaving out, when they are equally exact.
        return (wanted > 0 or not self.select) and (unwanted == 0 or wanted > unwanted)

    def why_not_whole(self, check: Check) -> str:
        """Why a check of the repo as a whole does not run, or "".

        Args:
            check: The check.
        """
        if not self.wants(check):
            return NOT_SELECTED
        # Those of level 1 cost no shard anything, and tell why others are skipped.
        return ANOTHER_SHARD if check.level > 1 and self.shard[0] != 1 else ""

    def why_not(self, check: Check, entrypoint: str, number: int, standing: Iterable[str]) -> str:
        """Why a check does not run on a case, or "".

        Args:
            check: The check.
            entrypoint: The case's entrypoint.
            number: Where the case comes among all, from 0 on.
            standing: Patterns for entrypoints that stand for all; empty when all do.
        """
        part, parts = self.shard
        if number % parts != part - 1:
            return ANOTHER_SHARD
        if not self.wants(check):
            return NOT_SELECTED
        patterns = tuple(standing)
        stands = not patterns or any(fnmatchcase(entrypoint, one) for one in patterns)
        return "" if stands or check.level == 1 or self.everything else NOT_REPRESENTATIVE


def _closeness(words: tuple[str, ...], check: Check) -> int:
    """How exactly a check is meant: digits of its code, or more than that by its name."""
    exact = [len(check.name) for word in words if word == check.slug]
    return max([len(word) for word in words if check.code.startswith(word)] + exact, default=0)


def require_known(words: Iterable[str], checks: tuple[Check, ...]) -> None:
    """Refuse codes and names that no check has.

    Args:
        words: Codes, prefixes or names.
        checks: All checks.

    Raises:
        UsageError: No check is meant by one of them.
    """
    for word in words:
        if any(_closeness((word,), one) for one in checks):
            continue
        names = [name for one in checks for name in (one.code, one.slug)]
        raise UsageError(
            f"No check is called {word!r}.",
            hint=did_you_mean(word, names) or "`hubkit explain C` lists them.",
        )
