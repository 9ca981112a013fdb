"""Level 3: golden outputs, time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check
from pytest_hubkit.golden import FOLDER, compare, file_of, read_golden, summarize, write_golden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.context import CaseContext

_RAN = ("C101", "C106", "C201", "C204")
_RUNS = 3


@check("C308", "golden-output", level=3, required=False, requires=_RAN)
def golden_output(context: CaseContext) -> Iterator[Failure]:
    """The output matches the golden output.

    ``--hubconf-update`` writes the output for the example input, with parameters from a fixed seed,
    to ``tests/hubkit/golden``: shape, dtype, mean, deviation and eight values of each tensor as
    text, and the tensors themselves if they take at most 50 kB and safetensors is installed. Later
    runs compare: closely with the same torch on the same kind of machine, loosely otherwise.

    If the change is intended, run with ``--hubconf-update`` and commit the files.
    """
    options = context.session.options
    if options.device == "meta":
        raise NotApplicableError("the meta device computes no numbers")
    root = context.session.root
    if options.update:
        write_golden(root, context.label, summarize(context))
        return
    kept = read_golden(root, context.label)
    if kept is None:
        raise NotApplicableError(
            f"there is no golden output in {FOLDER.as_posix()}: run with --hubconf-update"
        )
    found = list(compare(summarize(context), kept))
    if found:
        path = file_of(root, context.label).relative_to(root).as_posix()
        yield Failure(
            f"The output of {context.label} differs from {path}.",
            tuple(found[:4]),
            "If that is intended, run with --hubconf-update.",
        )


@check("C309", "time-budget", level=3, required=False, requires=("C101", "C106"))
def time_budget(context: CaseContext) -> Iterator[Failure]:
    """Loading and running the model stay within the declared time budget.

    ``budget = { load-s = 5, forward-s = 2 }``: seconds to build the model without weights, and to
    run it once on the example input (the median of three runs).

    Raise the budget, or find out what became slow.
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


@check(
    "C310",
    "memory-budget",
    level=3,
    required=False,
    requires=("C101", "C106", "C301"),
    child="archive",
)
def memory_budget(context: CaseContext) -> Iterator[Failure]:
    """The model stays within the declared budget of memory and parameters.

    ``budget = { rss-mb = 800, params = 8000000 }``: the peak memory, in megabytes, of loading the
    model and running it on the example input in a fresh process, and the number of parameters.

    Raise the budget, or find out what became large.
    """
    budget = context.case.config.budget
    if not budget.keys() & {"rss-mb", "params"}:
        raise NotApplicableError(f"no `budget` for memory is declared in {context.case.place}")
    measured: dict[str, float] = {}
    if "params" in budget:
        _ = context.built
        measured["params"] = context.parameter_count or 0
    if "rss-mb" in budget:
        used = context.archive.case(context.label).memory
        if not used:
            raise NotApplicableError("peak memory is measured only on Linux")
        measured["rss-mb"] = used / 1e6
    yield from _over(context, measured, "")


def _over(context: CaseContext, measured: dict[str, float], unit: str) -> Iterator[Failure]:
    for name, value in measured.items():
        allowed = context.case.config.budget[name]
        if value > allowed:
            yield Failure(
                f"{context.label} exceeds its budget.",
                (f"{name}: {value:.4g}{unit}, budget {allowed:.4g}{unit}",),
                f"Raise `budget` in {context.case.place}, or find out what became slow or large.",
            )


def _median_forward(context: CaseContext) -> float:
    import time

    times = [context.first.seconds]
    for _ in range(_RUNS - 1):
        started = time.perf_counter()
        context.run()
        times.append(time.perf_counter() - started)
    return sorted(times)[_RUNS // 2]
