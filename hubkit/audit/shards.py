"""Large repos: their suite runs in shards, a task each, whose outcomes are joined to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from msgspec import Struct
from msgspec.structs import replace

from hubkit.audit.conform import join_runs
from hubkit.audit.messages import Cell, CellState, Outcome, Shard, SuiteRun

if TYPE_CHECKING:
    from hubkit.audit.messages import Settings
    from hubkit.audit.sources import Source


class Job(Struct, frozen=True):
    """What there is to do: judge a repo, or run the suite on a shard of it.

    Attributes:
        source: The repo.
        shard: The shard; None for the repo.
        alone: Whether it is a task of its own, and shares no batch with others.
    """

    source: Source
    shard: Shard | None = None
    alone: bool = False

    @property
    def host(self) -> str:
        """The host of the repo."""
        return self.source.host


class Shards:
    """The repos whose shards run: what has come of them so far."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._parts: dict[str, dict[int, Outcome]] = {}

    def split(self, job: Job, outcome: Outcome) -> list[Job]:
        """The jobs that are left to do for a repo.

        Args:
            job: The one that judged it.
            outcome: What came of that.
        """
        spec, parts = job.source.spec, outcome.shards
        needs = (outcome.results.dependencies if outcome.results else None) or ()
        self._outcomes[spec], self._parts[spec] = outcome, {}
        return [
            Job(job.source, Shard(part, parts, outcome.sha, needs), alone=True)
            for part in range(1, parts + 1)
        ]

    def join(self, job: Job, outcome: Outcome, settings: Settings) -> Outcome | None:
        """The outcome for the repo once that of its last shard is there, None before.

        Args:
            job: The job of a shard.
            outcome: What came of it.
            settings: Those of the repo.
        """
        assert job.shard is not None  # noqa: S101 - callers look
        spec = job.source.spec
        self._parts[spec][job.shard.part] = outcome
        if len(self._parts[spec]) < job.shard.parts:
            return None
        parts = self._parts.pop(spec)
        return _join(self._outcomes.pop(spec), [parts[part] for part in sorted(parts)], settings)


def _join(whole: Outcome, parts: list[Outcome], settings: Settings) -> Outcome:
    lost = [one for one in parts if not one.runs]
    ends = [one for one in lost if one.state not in get_args(CellState)]
    if ends or len(lost) == len(
        parts
    ):  # a reason that has nothing to do with the suite, or none ran
        first = (ends or lost)[0]
        return replace(
            whole, state=first.state, reason=first.reason, hint=first.hint, results=None, shards=0
        )
    example = next(one.runs for one in parts if one.runs)
    cells = join_runs([one.runs or _lost_runs(one, example) for one in parts], settings.level)
    seconds = sum(one.seconds.get("conform", 0.0) for one in parts)
    return replace(
        whole,
        shards=0,
        cells=cells,
        seconds={**whole.seconds, "conform": seconds},
        memory=max((one.memory for one in (whole, *parts) if one.memory), default=None),
        attempts=max(one.attempts for one in (whole, *parts)),
    )


def _lost_runs(outcome: Outcome, example: tuple[SuiteRun, ...]) -> tuple[SuiteRun, ...]:
    """Runs of a shard whose judge was ended, in the environments of another shard."""
    state = next(one for one in get_args(CellState) if one == outcome.state)
    return tuple(SuiteRun(one.environment, Cell(state, outcome.reason)) for one in example)
