"""Level 2: the examples in the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.process import ChildError, ChildTimeoutError
from pytest_hubkit.checks.registry import Failure, NotApplicableError, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.child.worker import ExampleResult
    from pytest_hubkit.context import CaseContext
    from pytest_hubkit.examples import Example

_TIMEOUT = 60.0


@check("C215", "help-examples", level=2, required=False, requires=("C101", "C106"))
def help_examples(context: CaseContext) -> Iterator[Failure]:
    """Examples in the help, the README and model cards run.

    This check runs code after ``>>>`` and in python fences, from the help of the entrypoint and from
    documents where the code loads the entrypoint. It does not compare output.
    ``torch.hub.load("owner/name", ...)`` of this repo loads the folder under test, and weights come
    from this machine, as for C305. Examples that need the network, a file, a missing module or a
    GPU, or that continue an earlier one, are skipped.

    Fix the example, or add ``# hubkit: skip`` to it.
    """
    examples = list(context.session.examples.find(context.case.entrypoint))
    if not examples:
        raise NotApplicableError("no example uses it")
    ran, reasons = 0, []
    for example in examples:
        try:
            end = _run(context, example)
        except ChildError as error:
            crashed = not isinstance(error, ChildTimeoutError)
            problem = (
                "crashes the interpreter" if crashed else f"takes longer than {_TIMEOUT:g} seconds"
            )
            yield Failure(f"{_start(example.where)} {problem}.")
            continue
        reason = _why_skipped(end)
        if reason:
            reasons.append(f"{example.where} {reason}")
            continue
        ran += 1
        if end.error:
            at = f", line {end.line}" if end.line else ""
            yield Failure(
                f"{_start(example.where)} fails with {end.error}: {end.message}",
                (f"{example.place}{at}",),
                "Fix it, or add `# hubkit: skip` to it.",
            )
    if reasons and not ran:
        raise NotApplicableError("; ".join(reasons))


def _run(context: CaseContext, example: Example) -> ExampleResult:
    from pytest_hubkit.child.worker import ExampleRun, run_example
    from pytest_hubkit.published import name_repo

    conformance, options = context.session, context.session.options
    is_denied, weights = options.network == "deny", context.case.config.weights
    home = "worker-home" if is_denied else conformance.weights_home
    run = ExampleRun(
        code=example.code,
        place=example.place,
        line=example.line,
        root=str(conformance.root.resolve()),
        names=(name_repo(conformance.root).lower(), *conformance.examples.names),
        home=str(conformance.folder / home),
        policy=options.policy,
        store=conformance.store if is_denied else None,
        digest=weights.sha256 if weights else "",
    )
    return conformance.worker.call(run_example, run, _TIMEOUT)


def _why_skipped(end: ExampleResult) -> str:
    """Why a failure is not the example's, or ""."""
    if end.target:
        return f"needs the network: {end.target}"
    if end.error == "ModuleNotFoundError":
        return f"needs {end.missing}, which is not installed here"
    if end.error == "FileNotFoundError":
        return f"needs a file: {end.missing}"
    if end.error == "NameError":
        return f"continues an earlier one: {end.message}"
    needs_gpu = "cuda" in end.message.lower() and end.error in ("RuntimeError", "AssertionError")
    return "needs a GPU" if needs_gpu else ""


def _start(text: str) -> str:
    return text[0].upper() + text[1:]
