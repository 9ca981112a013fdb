"""The options of the suite, and which checks they select."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from hubkit._util.text import did_you_mean
from hubkit.errors import UsageError
from hubkit.facts import ANOTHER_SHARD, NOT_REPRESENTATIVE, NOT_SELECTED
from hubkit.runtime.sandbox import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from pytest_hubkit.checks.registry import Check


class Selection(Struct, frozen=True):
    """Which checks to run on which entrypoints.

    Attributes:
        level: The highest level.
        select: Codes, prefixes of codes or names of checks; empty for all.
        ignore: The same, of checks to skip.
        slow: Whether to run slow checks that are not selected by their full code or name.
        shard: The part, and the number of parts.
        everything: Whether to run all levels on entrypoints that are not representative.
    """

    level: int = 3
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    slow: bool = False
    shard: tuple[int, int] = (1, 1)
    everything: bool = False

    def is_selected(self, check: Check) -> bool:
        """Whether a check is selected."""
        if check.level > self.level:
            return False
        selected, ignored = _closeness(self.select, check), _closeness(self.ignore, check)
        if check.slow and not self.slow and selected < len(check.code):
            return False
        # The longer prefix wins; if both are equally long, the check is ignored.
        return (selected > 0 or not self.select) and (ignored == 0 or selected > ignored)

    def why_not_on_repo(self, check: Check) -> str:
        """Why a check of the repo as a whole does not run, or ""."""
        if not self.is_selected(check):
            return NOT_SELECTED
        # Those of level 1 cost little, and give the reason to skip others.
        return ANOTHER_SHARD if check.level > 1 and self.shard[0] != 1 else ""

    def why_not_on_case(
        self, check: Check, entrypoint: str, number: int, representative: Iterable[str]
    ) -> str:
        """Why a check does not run on a case, or "".

        Args:
            check: The check.
            entrypoint: The case's entrypoint.
            number: Index of the case among all.
            representative: Patterns of representative entrypoints; empty if all are.
        """
        part, parts = self.shard
        if number % parts != part - 1:
            return ANOTHER_SHARD
        if not self.is_selected(check):
            return NOT_SELECTED
        patterns = tuple(representative)
        is_representative = not patterns or any(fnmatchcase(entrypoint, one) for one in patterns)
        return (
            "" if is_representative or check.level == 1 or self.everything else NOT_REPRESENTATIVE
        )


Network = Literal["deny", "allow"]


class Options(Struct, frozen=True):
    """How the suite runs.

    Attributes:
        network: "deny" keeps everything offline, and takes weights from this machine; "allow"
            downloads them.
        loopback: Whether this machine may be reached, whatever ``network`` is.
        weights: Folder of checkpoints, or None for the user's hub dir.
        device: Where models run.
        update: Whether to write golden outputs instead of comparing them.
        keep: How many cases may have their models in memory at a time.
        selection: Which checks run on which entrypoints.
    """

    network: Network = "deny"
    loopback: bool = False
    weights: Path | None = None
    device: str = "cpu"
    update: bool = False
    keep: int = 1
    selection: Selection = field(default_factory=Selection)

    @property
    def policy(self) -> Policy:
        """What the repo's code may reach."""
        return Policy(everything=self.network == "allow", loopback=self.loopback)


def read_options(config: pytest.Config) -> Options:
    """Read the options of a run."""
    folder = config.getoption("hubconf_weights")
    return Options(
        network=config.getoption("hubconf_network"),
        loopback=config.getoption("hubconf_loopback"),
        weights=(config.invocation_params.dir / folder).resolve() if folder else None,
        device=config.getoption("hubconf_device"),
        update=config.getoption("hubconf_update"),
        keep=config.getoption("hubconf_keep"),
        selection=Selection(
            level=config.getoption("hubconf_level"),
            select=config.getoption("hubconf_select"),
            ignore=config.getoption("hubconf_ignore"),
            slow=config.getoption("hubconf_slow"),
            shard=config.getoption("hubconf_shard"),
            everything=config.getoption("hubconf_all"),
        ),
    )


def _closeness(words: tuple[str, ...], check: Check) -> int:
    """How much of a check's code matches; more than all of it for its name."""
    exact = [len(check.name) for word in words if word == check.slug]
    return max([len(word) for word in words if check.code.startswith(word)] + exact, default=0)


def require_known(words: Iterable[str], checks: tuple[Check, ...]) -> None:
    """Check that codes and names exist.

    Raises:
        UsageError: One of them matches no check.
    """
    for word in words:
        if any(_closeness((word,), one) for one in checks):
            continue
        names = [name for one in checks for name in (one.code, one.slug)]
        raise UsageError(
            f"{word!r} is not a check.",
            hint=did_you_mean(word, names) or "`hubkit explain C` lists them.",
        )
