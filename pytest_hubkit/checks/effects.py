"""Level 1: what loading a model does to the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Location
from hubkit.runtime.sandbox import LOG_HANDLERS
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

_MOST = 4
_SEEDING = ("manual_seed", "seed", "seed_everything", "manual_seed_all", "set_rng_state")


@check("C108", "loads-twice", level=1, requires=("C101", "C106"), child="work tree")
def loads_twice(context: CaseContext) -> Iterator[Failure]:
    """The model can be loaded a second time in the same process.

    ``torch.hub`` executes hubconf.py in every ``list``, ``help`` and ``load``, while the repo's other
    modules stay imported. Code that may run only once, such as defining an operator library or
    registering a class by name, then fails in the second call.

    Move such code to a module of the repo, which is imported once, or check whether it has run.
    """
    again = context.declared_only.again
    if again is not None:
        _on_the_first_only(context, "hubconf.py cannot be executed twice")
        yield Failure(
            f"The second torch.hub.load in a process fails: {again.text}",
            tuple(filter(None, [again.place])),
            "Move code that may run only once from hubconf.py to a module of the repo.",
            Location(again.path or "hubconf.py", again.line or 1),
        )
        return
    try:
        _ = context.second
    except PrerequisiteError as error:
        cause = error.failure.cause
        yield Failure(
            f"{context.call} works once and fails the second time in the same process: {cause}",
            fix="Move code that may run only once to a module of the repo.",
            cause=cause,
        )


@check("C109", "global-state-load", level=1, requires=("C101", "C106"), child="work tree")
def global_state_load(context: CaseContext) -> Iterator[Failure]:
    """Loading the model does not change global state.

    ``sys.path``, the working directory, environment variables, warnings filters, logging, torch's
    default dtype, gradient mode, threads and backend flags belong to the user's program. A model
    that sets them changes the behavior of all other code.

    Set what the model needs in ``forward``, with a context manager.
    """
    yield from _in_either(context, _check_changes)


def _check_changes(
    context: CaseContext, call: str, location: Location, effects: Effects
) -> Iterator[Failure]:
    # C111 reports a handler that is all.
    if any(one.name != LOG_HANDLERS for one in effects.changes):
        yield Failure(
            f"{call} changes global state.",
            tuple(map(str, effects.changes)),
            _point_to(context, effects.changes)
            or "Leave it to the user, or restore it before returning.",
            location,
        )


@check("C110", "no-reseed", level=1, requires=("C101", "C106"), child="work tree")
def no_reseed(context: CaseContext) -> Iterator[Failure]:
    """Loading the model does not reseed the global random generators.

    A ``torch.manual_seed(0)`` somewhere in the repo makes every experiment that loads the model
    draw the same numbers, regardless of its own seed. This check loads the model from two seeds; the
    numbers drawn afterwards must differ.

    Use a ``torch.Generator`` of your own.
    """
    reply = context.declared_only
    if reply.failure:
        raise NotApplicableError("it could not be loaded in a fresh process")
    _ = context.built
    likely = [
        f"{use.location.path}:{use.location.line}: {use.name}"
        for use in context.session.source.uses
        if _is_seeding(use.name)
    ]

    def find_reseeding(call: str, here: dict[str, float], there: Effects) -> Iterator[Failure]:
        same = [name for name, value in here.items() if there.drawn.get(name) == value]
        if same:
            seen = [f"afterwards, {name} returns {here[name]:.5f} for any seed" for name in same]
            where = list(dict.fromkeys(there.seeding or likely))[:_MOST]
            path, line = (where[0].split(":")[:2]) if where else ("", "0")
            yield Failure(
                f"{call} reseeds the global random generators.",
                (*seen, *where),
                "Use a torch.Generator of your own.",
                Location(path, int(line)) if path else None,
            )

    if context.is_first:
        found = list(find_reseeding("Importing hubconf.py", context.session.drawn, reply.effects))
        if found:
            yield from found
            return
    there = reply.case(context.label).effects
    yield from find_reseeding(context.call, context.drawn[SEED], there)


@check("C111", "quiet", level=1, required=False, requires=("C101", "C106"), child="work tree")
def quiet(context: CaseContext) -> Iterator[Failure]:
    """Loading the model prints nothing, and adds no log handler.

    What a library prints ends up in the middle of a progress bar, or in output that another
    program parses. ``logging.info()`` adds a handler to the root logger.

    Use ``logging``, or print only if a ``verbose`` argument is true.
    """
    yield from _in_either(context, _check_prints)


def _check_prints(
    context: CaseContext, call: str, location: Location, effects: Effects
) -> Iterator[Failure]:
    if effects.printed.strip():
        first = effects.printed.strip().splitlines()[0]
        yield Failure(
            f"{call} prints output.",
            (f"it starts with: {first[:100]}",),
            f"Use the logging module. ({context.label})",
            location,
        )
    elif any(one.name == LOG_HANDLERS for one in effects.changes):
        yield Failure(
            f"{call} adds a handler to the root logger, so that the user's program logs twice.",
            (_point_to(context, effects.changes),),
            "Log with logging.getLogger(__name__): logging.info() and its like add the handler.",
            location,
        )


def _in_either(
    context: CaseContext,
    check_effects: Callable[[CaseContext, str, Location, Effects], Iterator[Failure]],
) -> Iterator[Failure]:
    """Check the import, once for all cases, and the call."""
    reply = context.declared_only
    if context.is_first:
        yield from check_effects(
            context, "Importing hubconf.py", Location("hubconf.py"), reply.effects
        )
    effects = reply.case(context.label).effects
    yield from check_effects(context, context.call, context.location, effects)


def _on_the_first_only(context: CaseContext, reason: str) -> None:
    if not context.is_first:
        first = context.session.plan.active[0].label
        raise NotApplicableError(f"{reason}; reported for {first}")


def _is_seeding(name: str) -> bool:
    return name.rpartition(".")[2] in _SEEDING


def _point_to(context: CaseContext, changes: tuple[Change, ...]) -> str:
    """A call in the source that may be the cause."""
    words = {
        "sys.path": ("sys.path",),
        "os.getcwd()": ("chdir",),
        "os.environ": ("environ", "putenv"),
        "warnings.filters": ("warnings",),
        "the root logger": ("logging",),
        LOG_HANDLERS: ("logging",),
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
            return f"The cause may be {use.name} at {use.location.path}:{use.location.line}."
    return ""
