"""Level 1: what loading a model does to the process of its user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Location
from pytest_hubkit.checks.registry import (
    Failure,
    NotApplicableError,
    PrerequisiteError,
    check,
)
from pytest_hubkit.seeds import SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.runtime.sandbox import Change
    from pytest_hubkit.child.protocol import Effects
    from pytest_hubkit.context import CaseContext

_SEEDING = ("manual_seed", "seed", "seed_everything", "manual_seed_all", "set_rng_state")


@check("C108", "loads-twice", level=1, requires=("C101", "C106"))
def loads_twice(context: CaseContext) -> Iterator[Failure]:
    """The model can be loaded a second time in the same process.

    ``torch.hub`` executes hubconf.py for every ``list``, ``help`` and ``load``, while the repo's
    other modules stay imported. What may be done once only, such as defining an operator library
    or registering a class by name, then fails in the second call of a notebook.

    Move it to a module of the repo, which is imported once, or look first whether it is there.
    """
    again = context.children.declared_only.again
    if again is not None:
        _on_the_first_only(context, "hubconf.py cannot be executed twice")
        yield Failure(
            f"The second torch.hub.load in a process fails: hubconf.py cannot be executed twice. "
            f"{again.text}",
            tuple(filter(None, [again.place])),
            "Move what may happen only once to a module of the repo.",
            Location(again.path or "hubconf.py", again.line or 1),
        )
        return
    try:
        _ = context.second
    except PrerequisiteError as error:
        cause = error.failure.cause
        yield Failure(
            f"The first {context.call} works and the second, in the same process, fails: {cause}",
            fix="What may be done only once belongs to a module of the repo, not to a call.",
            location=context.location,
            cause=cause,
        )


@check("C109", "global-state-load", level=1, requires=("C101", "C106"))
def global_state_load(context: CaseContext) -> Iterator[Failure]:
    """Loading the model leaves the process as it was.

    ``sys.path``, the current folder, environment variables, warnings filters, logging, torch's
    default type, gradient mode, threads and backend flags belong to the user's program, and a
    model that sets them changes what all other code there does.

    Set what the model needs in ``forward``, or as a context manager around it; not while loading.
    """
    yield from _in_either(context, _judge_changes)


def _judge_changes(
    context: CaseContext, call: str, location: Location, effects: Effects
) -> Iterator[Failure]:
    if effects.changes:
        yield Failure(
            f"{call} changes the process of whoever calls it.",
            tuple(map(str, effects.changes)),
            _point_to(context, effects.changes)
            or "Leave it to the user, or put it back before returning.",
            location,
        )


@check("C110", "no-reseed", level=1, requires=("C101", "C106"))
def no_reseed(context: CaseContext) -> Iterator[Failure]:
    """Loading the model does not reseed the user's random numbers.

    A ``torch.manual_seed(0)`` somewhere in the repo makes every experiment that loads the model
    draw the same numbers, whatever seed its author has set. Two processes load the model from
    different seeds; then they must draw different numbers.

    Use a ``torch.Generator`` of the model's own.
    """
    reply = context.children.declared_only
    if reply.failure:
        raise NotApplicableError("it could not be loaded in a fresh process")
    _ = context.built
    seeds = [use for use in context.session.source.uses if _is_seeding(use.name)]
    where = [f"{use.location.path}:{use.location.line}: {use.name}" for use in seeds[:4]]

    def judge(call: str, here: dict[str, float], there: Effects) -> Iterator[Failure]:
        same = [name for name, value in here.items() if there.drawn.get(name) == value]
        if same:
            seen = [f"then {name} gives {here[name]:.5f} for any seed" for name in same]
            yield Failure(
                f"{call} reseeds random numbers: whoever calls it gets the same ones each time.",
                (*seen, *where),
                "Use a torch.Generator of your own, and leave the global seed to the user.",
                seeds[0].location if seeds else context.location,
            )

    if context.is_first:
        found = list(judge("Importing hubconf.py", context.session.drawn, reply.effects))
        if found:
            yield from found
            return
    there = reply.case(context.label).effects
    yield from judge(context.call, context.drawn[SEED], there)


@check("C111", "quiet", level=1, required=False, requires=("C101", "C106"))
def quiet(context: CaseContext) -> Iterator[Failure]:
    """Nothing is printed while the model is loaded.

    What a library prints ends in the middle of somebody's progress bar or in the output of a
    command that another program reads.

    Use ``logging``, or print only when a ``verbose`` argument asks for it.
    """
    yield from _in_either(context, _judge_prints)


def _judge_prints(
    context: CaseContext, call: str, location: Location, effects: Effects
) -> Iterator[Failure]:
    if effects.printed.strip():
        first = effects.printed.strip().splitlines()[0]
        yield Failure(
            f"{call} prints.",
            (f"it begins: {first[:100]}",),
            f"Use the logging module. ({context.label})",
            location,
        )


def _in_either(
    context: CaseContext,
    judge: Callable[[CaseContext, str, Location, Effects], Iterator[Failure]],
) -> Iterator[Failure]:
    """Judge what the import does, once for all cases, and what the call does."""
    reply = context.children.declared_only
    if context.is_first:
        yield from judge(context, "Importing hubconf.py", Location("hubconf.py"), reply.effects)
    effects = reply.case(context.label).effects
    yield from judge(context, context.call, context.location, effects)


def _on_the_first_only(context: CaseContext, reason: str) -> None:
    if not context.is_first:
        first = context.session.plan.active[0].label
        raise NotApplicableError(f"{reason}; said once, at {first}")


def _is_seeding(name: str) -> bool:
    return name.rpartition(".")[2] in _SEEDING


def _point_to(context: CaseContext, changes: tuple[Change, ...]) -> str:
    """Where source shows calls that may be the ones."""
    words = {
        "sys.path": ("sys.path",),
        "os.getcwd()": ("chdir",),
        "os.environ": ("environ", "putenv"),
        "warnings.filters": ("warnings",),
        "the root logger": ("logging",),
        "torch": ("set_", "backends", "use_deterministic"),
    }
    wanted = [
        part
        for change in changes
        for key, parts in words.items()
        if change.name.startswith(key)
        for part in parts
    ]
    for use in context.session.source.uses:
        if any(part in use.name for part in wanted):
            return f"Is it {use.name} at {use.location.path}:{use.location.line}?"
    return ""
