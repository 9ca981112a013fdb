"""What is said when a hubconf is missing, or fails when it is imported or called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import HubkitError
from hubkit.facts import Location
from pytest_hubkit.checks.registry import Failure
from pytest_hubkit.trees import describe

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts
    from hubkit.runtime.sandbox import Attempt, Guard
    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.replies import ChildFailure
    from pytest_hubkit.subject import Subject


def describe_problem(facts: RepoFacts) -> Failure:
    """Why there is no hubconf to exercise."""
    problem = facts.problem
    if problem is None or problem.kind == "missing":
        return Failure(
            f"There is no hubconf.py in {facts.root}, so torch.hub cannot load anything from it.",
            fix="Run pytest from the root of the repo, or write one: `hubkit init`.",
        )
    return Failure(
        f"hubconf.py cannot be read: {problem.message}.",
        (f"{problem.location.path}:{problem.location.line}",),
        location=problem.location,
    )


def describe_import_failure(error: BaseException) -> Failure:
    """Importing hubconf in pytest's own process fails."""
    return Failure(
        f"Importing hubconf.py fails with {type(error).__name__}: {error}",
        fix="hubconf.py::C101-import-clean shows what its users see.",
        location=Location("hubconf.py"),
        cause=error,
    )


def describe_build_failure(subject: Subject, error: BaseException, guard: Guard | None) -> Failure:
    """Calling an entrypoint without weights fails."""
    if guard is not None and guard.attempts:
        return describe_download(subject, guard.attempts[0])
    if isinstance(error, ModuleNotFoundError):
        fix = "Declare the module in `dependencies`, and install it here."
    elif isinstance(error, HubkitError):
        return Failure(error.message, fix=error.hint, location=subject.location, cause=error)
    else:
        fix = f"If it is to be called otherwise, declare `call` in {subject.case.place}."
    return Failure(
        f"{subject.call} fails with {type(error).__name__}: {error}",
        guard.evidence if guard is not None else (),
        fix=fix,
        location=subject.location,
        cause=error,
    )


def describe_death(subject: Subject, failure: ChildFailure) -> Failure:
    """Calling an entrypoint without weights ends its process, or does not end."""
    return Failure(
        f"{subject.call} takes its process down: whoever calls it loses what they had.",
        (failure.message,),
        "Raise an exception instead. Compiled code that crashes: does it fit this torch?",
        subject.location,
    )


def describe_hanging(subject: Subject, what: str) -> tuple[str, Failure]:
    """What was made for all checks did not come about in time; and the check that tells."""
    code = "C201" if what == "first" else "C305" if what == "trained" else "C106"
    return code, Failure(
        f"{subject.label} did not end before the time limit of a test.", location=subject.location
    )


def describe_forward_failure(subject: Subject, inputs: Inputs, error: BaseException) -> Failure:
    """Running a model on the input that is meant for it fails."""
    given = ", ".join(describe(value) for value in inputs.values)
    return Failure(
        f"{subject.label} fails on its example input: {type(error).__name__}: {error}",
        (f"given {given}", inputs.provenance),
        f"Correct the model, or declare `input` and `dims` in {subject.case.place}.",
        subject.location,
        error,
    )


def describe_download(subject: Subject, attempt: Attempt) -> Failure:
    """Something is downloaded although no weights are asked for."""
    arguments = subject.arguments
    weights = [name for name in arguments if "pretrained" in name or "weights" in name]
    if weights:
        said = ", ".join(f"{name}={arguments[name]!r}" for name in weights)
        fix = (
            f"{said} should have prevented it. Does the code test `is not None` where it means "
            "the argument's truth, or pass another default on?"
        )
    else:
        fix = (
            "No argument says whether weights are wanted. Add `pretrained=False`, or declare "
            f"`untrained` in {subject.case.place}."
        )
    return Failure(
        f"{subject.call} downloads although no weights were asked for: {attempt.target}",
        (f"requested {attempt.origin}",),
        fix,
        Location(attempt.path, attempt.line) if attempt.path else subject.location,
    )
