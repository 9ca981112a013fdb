"""Level 3: outputs that were kept, time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.golden import FOLDER, compare, file_of, read_golden, summarise, write_golden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.context import CaseContext

_RAN = ("C101", "C106", "C201", "C204")
_RUNS = 3


@check("C308", "golden-output", level=3, required=False, requires=_RAN)
def golden_output(context: CaseContext) -> Iterator[Failure]:
    """The model gives what it gave when its output was last kept.

    ``--hubconf-update`` keeps it, for the example input and parameters from a fixed seed, in
    ``tests/hubkit/golden``: shape, type, mean, deviation and eight values of each tensor as text
    and, where all tensors together take at most 50 kB and safetensors is installed, the tensors.
    A later run compares, closely with the same torch on the same kind of machine, loosely
    elsewhere. A refactoring that changes numbers is seen at once.

    If the change is meant, run with ``--hubconf-update`` and commit the files.
    """
    options = context.session.options
    if options.device == "meta":
        raise NotApplicableError("the meta device computes no numbers")
    root = context.session.root
    if options.update:
        write_golden(root, context.label, summarise(context))
        return
    kept = read_golden(root, context.label)
    if kept is None:
        raise NotApplicableError(f"nothing is kept in {FOLDER.as_posix()}: run --hubconf-update")
    found = list(compare(summarise(context), kept))
    if found:
        path = file_of(root, context.label).relative_to(root).as_posix()
        yield Failure(
            f"{context.label} gives other numbers than those kept in {path}.",
            tuple(found[:4]),
            "If that is meant, run with --hubconf-update.",
            context.location,
        )


@check("C309", "time-budget", level=3, required=False, requires=("C101", "C106"))
def time_budget(context: CaseContext) -> Iterator[Failure]:
    """Loading and running the model take no longer than is declared.

    ``budget = { load-s = 5, forward-s = 2 }``: seconds for building it without weights, and for one
    run on the example input, the median of three.

    Raise the budget, or look for what became slow.
    """
    budget = context.case.config.budget
    if not budget.keys() & {"load-s", "forward-s"}:
        raise NotApplicableError(f"no `budget` for time is declared in {context.case.place}")
    measured = {}
    if "load-s" in budget:
        _ = context.built
        measured["load-s"] = context.build_seconds
    if "forward-s" in budget:
        measured["forward-s"] = _median_forward(context)
    yield from _over(context, measured, "s")


@check("C310", "memory-budget", level=3, required=False, requires=("C101", "C106", "C301"))
def memory_budget(context: CaseContext) -> Iterator[Failure]:
    """The model needs no more memory, and has no more parameters, than is declared.

    ``budget = { rss-mb = 800, params = 8000000 }``: megabytes that loading it, and running it on the
    input that is declared, take in a fresh process at most.

    Raise the budget, or look for what became large.
    """
    budget = context.case.config.budget
    if not budget.keys() & {"rss-mb", "params"}:
        raise NotApplicableError(f"no `budget` for memory is declared in {context.case.place}")
    measured: dict[str, float] = {}
    if "params" in budget:
        _ = context.built
        measured["params"] = context.parameter_count or 0
    if "rss-mb" in budget:
        used = context.children.archive.case(context.label).memory
        if not used:
            raise NotApplicableError("only Linux tells how much memory was used at most")
        measured["rss-mb"] = used / 1e6
    yield from _over(context, measured, "")


def _over(context: CaseContext, measured: dict[str, float], unit: str) -> Iterator[Failure]:
    for name, value in measured.items():
        allowed = context.case.config.budget[name]
        if value > allowed:
            yield Failure(
                f"{context.label} takes more than its budget.",
                (f"{name}: {value:.4g}{unit}, and {allowed:.4g}{unit} are allowed",),
                f"Raise `budget` in {context.case.place}, or look for what became slow or large.",
                context.location,
            )


def _median_forward(context: CaseContext) -> float:
    import time

    times = [context.first.seconds]
    for _ in range(_RUNS - 1):
        started = time.perf_counter()
        context.run()
        times.append(time.perf_counter() - started)
    return sorted(times)[_RUNS // 2]
