"""Level 2: the examples that readers copy."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from pytest_hubkit.checks.registry import Failure, NotApplicableError, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.child.worker import ExampleResult
    from pytest_hubkit.context import CaseContext
    from pytest_hubkit.examples import Example

_TIMEOUT = 60.0


@check("C215", "help-examples", level=2, required=False, requires=("C101", "C106"))
def help_examples(context: CaseContext) -> Iterator[Failure]:
    """Examples in the help, the README and cards run.

    Readers copy them first. Code after ``>>>`` and in fences marked as python is run, from the
    help of the entrypoint and from documents where it loads the entrypoint; what it prints is not
    compared. ``torch.hub.load("owner/name", ...)`` of this repo means the folder under test. An
    example that needs the network, a file, a module that is not installed or a GPU, or that goes
    on from an earlier one, is not judged.

    Correct the example, or put ``# hubkit: skip`` into it.
    """
    examples = list(context.session.examples.find(context.case.entrypoint))
    if not examples:
        raise NotApplicableError("no example of it is shown")
    ran, reasons = 0, []
    for example in examples:
        try:
            end = _run(context, example)
        except (BrokenProcessPool, TimeoutError) as error:
            died = isinstance(error, BrokenProcessPool)
            said = "ends its process" if died else f"takes longer than {_TIMEOUT:g} seconds"
            yield Failure(f"{_start(example.where)} {said}.", location=context.location)
            continue
        reason = _why_not_judged(end)
        if reason:
            reasons.append(f"{example.where} {reason}")
            continue
        ran += 1
        if end.error:
            at = f", line {end.line}" if end.line else ""
            yield Failure(
                f"{_start(example.where)} fails with {end.error}: {end.message}",
                (f"{example.place}{at}",),
                "Readers copy it. Correct it, or put `# hubkit: skip` into it.",
                context.location,
            )
    if reasons and not ran:
        raise NotApplicableError("; ".join(reasons))


def _run(context: CaseContext, example: Example) -> ExampleResult:
    from pytest_hubkit.child.worker import ExampleRun, run_example
    from pytest_hubkit.published import name_repo

    conformance, options = context.session, context.session.options
    home = "worker-home" if options.network == "deny" else conformance.weights_home
    run = ExampleRun(
        code=example.code,
        place=example.place,
        line=example.line,
        root=str(conformance.root.resolve()),
        names=(name_repo(conformance.root).lower(), *conformance.examples.names),
        home=str(conformance.folder / home),
        policy=options.policy,
    )
    return conformance.worker.call(run_example, run, _TIMEOUT)


def _why_not_judged(end: ExampleResult) -> str:
    """Why a failure says nothing about the example, or ""."""
    if end.target:
        return f"needs the network: {end.target}"
    if end.error == "ModuleNotFoundError":
        return f"needs {end.missing}, which is not installed here"
    if end.error == "FileNotFoundError":
        return f"needs a file: {end.missing}"
    if end.error == "NameError":
        return f"goes on from an earlier one: {end.message}"
    needs_gpu = "cuda" in end.message.lower() and end.error in ("RuntimeError", "AssertionError")
    return "needs a GPU" if needs_gpu else ""


def _start(text: str) -> str:
    return text[0].upper() + text[1:]
