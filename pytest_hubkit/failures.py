"""The failures of a hubconf that is missing, or fails when it is imported, called or run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import HubkitError
from hubkit.facts import Location
from hubkit.torchhub import weights_kind
from pytest_hubkit.checks.registry import Failure
from pytest_hubkit.tensors import describe

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts
    from hubkit.runtime.sandbox import Attempt, Guard
    from pytest_hubkit.case import BuildCall
    from pytest_hubkit.child.protocol import ChildFailure
    from pytest_hubkit.inputs import Inputs


def summarize(error: BaseException) -> str:
    """An error's class and the first line of its text that has words in it."""
    lines = (line.strip() for line in str(error).splitlines())
    line = next((line for line in lines if any(map(str.isalpha, line))), "")
    return f"{type(error).__name__}: {line}"


def describe_problem(facts: RepoFacts) -> Failure:
    """There is no hubconf, or it cannot be read."""
    problem = facts.problem
    if problem is None or problem.kind == "missing":
        return Failure(
            f"{facts.root} has no hubconf.py.",
            fix="Run pytest in the root of the repo, or create one with `hubkit init`.",
        )
    return Failure(
        f"hubconf.py cannot be imported: {problem.message}.",
        (f"{problem.location.path}:{problem.location.line}",),
        location=problem.location,
    )


COMMAND_LINE = (
    "torch.hub runs it inside other programs, whose arguments are in sys.argv: take parameters "
    "instead of parsing the command line."
)


def describe_import_failure(error: BaseException) -> Failure:
    """Importing hubconf in pytest's own process fails."""
    return Failure(
        f"Importing hubconf.py fails with {summarize(error)}",
        fix=COMMAND_LINE
        if isinstance(error, SystemExit)
        else "If C101-import-clean passes, which imports it in a fresh process, look for what "
        "differs here: modules that are imported already, such as pytest, and running threads.",
        location=Location("hubconf.py"),
        cause=error,
    )


def describe_build_failure(call: BuildCall, error: BaseException, guard: Guard | None) -> Failure:
    """Calling an entrypoint without weights fails."""
    if guard is not None and guard.attempts:
        return describe_download(call, guard.attempts[0])
    if isinstance(error, ModuleNotFoundError):
        fix = "Declare the module in `dependencies`, and install it here."
    elif isinstance(error, SystemExit):
        fix = COMMAND_LINE
    elif isinstance(error, HubkitError):
        return Failure(error.message, fix=error.hint, cause=error)
    else:
        fix = f"If it needs other arguments, declare `call` in {call.case.place}."
    return Failure(
        f"{call.text} fails with {type(error).__name__}: {error}",
        guard.evidence if guard is not None else (),
        fix=fix,
        cause=error,
    )


def describe_crash(call: BuildCall, failure: ChildFailure) -> Failure:
    """Calling an entrypoint without weights ends its process, or does not end."""
    return Failure(
        f"{call.text} crashes the interpreter.",
        (failure.message,),
        "Raise an exception instead. If compiled code crashes, check that it was built for this "
        "version of torch.",
    )


def describe_hanging(label: str, location: Location) -> Failure:
    """Something that several checks share was not made in time."""
    return Failure(f"{label} did not finish before the time limit of a test.", location=location)


def describe_missing_reset(call: BuildCall, name: str) -> Failure:
    """A model lacks the method that `stateful` names."""
    return Failure(
        f"{call.case.label} has no method `{name}`, which resets its state.",
        fix=f"Correct `stateful` in {call.case.place}; with `true`, each run starts on a copy.",
    )


def describe_forward_failure(
    call: BuildCall, inputs: Inputs, error: BaseException, *, needs_gradients: bool
) -> Failure:
    """Running a model on its declared input fails."""
    values = ", ".join(describe(value) for value in inputs.values)
    if needs_gradients:
        return Failure(
            f"{call.case.label} runs only where gradients are enabled: under torch.no_grad(), it "
            f"fails with {summarize(error)}",
            (f"input: {values}", inputs.provenance),
            "Compute gradients inside forward in `with torch.enable_grad():`.",
            cause=error,
        )
    return Failure(
        f"{call.case.label} fails on its example input: {summarize(error)}",
        (f"input: {values}", inputs.provenance),
        f"Fix the model, or declare `input` and `dims` in {call.case.place}.",
        cause=error,
    )


def describe_download(call: BuildCall, attempt: Attempt) -> Failure:
    """An entrypoint downloads although it is called without weights."""
    weights = [name for name in call.arguments if weights_kind(name)]
    if weights:
        passed = ", ".join(f"{name}={call.arguments[name]!r}" for name in weights)
        fix = (
            f"{passed} should prevent it. Check that the code tests the argument's truth and not "
            "`is not None`, and that the argument is passed on."
        )
    else:
        fix = (
            "No parameter chooses whether to load weights. Add `pretrained=False`, or declare "
            f"`untrained` in {call.case.place}."
        )
    return Failure(
        f"{call.text} downloads although it is called without weights: {attempt.target}",
        (f"requested {attempt.origin}",),
        fix,
        Location(attempt.path, attempt.line) if attempt.path else None,
    )
