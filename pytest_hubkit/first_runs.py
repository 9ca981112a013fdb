"""The first run of a model: which input it is fed, and what a failure then means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.checks.registry import PrerequisiteError, UndeclaredError
from pytest_hubkit.failures import describe_forward_failure
from pytest_hubkit.forwards import Forward, find_module, observe
from pytest_hubkit.guesses import guess_inputs
from pytest_hubkit.hookspecs import HookedEntrypoint
from pytest_hubkit.inputs import Inputs, find_declared, find_known, read_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.subject import Subject


def run_first(subject: Subject) -> Forward:
    """Run on the input that there is; where that is a guess, on the first that fits.

    Args:
        subject: The case.

    Raises:
        PrerequisiteError: The model fails on input that is meant for it.
        UndeclaredError: There is no input, or no guess fits.
    """
    example = f'input = "f32[B,3,H,W]" in {subject.case.place}'
    seen = f"no input is declared: write for example {example}"
    for inputs in _candidates(subject):
        try:
            return observe(subject, inputs)
        except Exception as error:  # noqa: PERF203
            if not inputs.provisional:
                failure = describe_forward_failure(subject, inputs, error)
                raise PrerequisiteError("C201", failure) from error
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            seen = f"the guess at its input ({inputs.provenance}) fails with {said}"
            seen = f"{seen}; declare {example}"
    raise UndeclaredError(seen)


def _candidates(subject: Subject) -> Iterator[Inputs]:
    """Input to try: one that somebody answers for, else guesses."""
    runnable, case = subject.runnable, subject.case
    declared = find_declared(case)
    if declared is not None:
        yield declared
        return
    asked = ask_for_inputs(subject)
    if asked is not None:
        yield asked
        return
    known = list(find_known(runnable, subject.function, case))
    yield from known
    if not known and find_module(runnable) is not None:
        yield from guess_inputs(subject.module, dict(case.config.dims))


def ask_for_inputs(subject: Subject) -> Inputs | None:
    """What the hook of the repo's conftest.py gives, or None.

    Args:
        subject: The case; it is built to ask about it, if there is a hook.
    """
    case, ask = subject.case, subject.conformance.ask
    if ask is None:
        return None
    asked = HookedEntrypoint(case.entrypoint, case.name, case.kind, subject.arguments)
    answer = ask(entrypoint=asked, model=subject.built, dims=dict(case.config.dims))
    if answer is None:
        return None
    return read_answer(answer, "pytest_hubkit_inputs in conftest.py")
