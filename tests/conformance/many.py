"""A report of many entrypoints, as large as real ones get."""

from __future__ import annotations

from msgspec import structs

from hubkit.facts import (
    CaseResult,
    CheckFailure,
    CheckResult,
    ConformanceReport,
    EntrypointHelp,
    Measured,
    ModuleSize,
    Outcome,
    ParameterHelp,
    WeightsFile,
    WeightsResult,
)
from pytest_hubkit.checks import all_checks
from tests.conformance.test_report import REPORT

DOCSTRING = """{name} from the paper, trained on ImageNet.

It expects images of 224 by 224 pixels, normalized with the mean and the deviation of ImageNet.

Args:
    pretrained: Load the weights that reach the accuracy of the paper.
    progress: Show a progress bar while they are downloaded.
    **kwargs: Passed to the class, such as `num_classes` or `drop_rate`.

Returns:
    The model in training mode.
"""


def make_case(number: int) -> CaseResult:
    """An entrypoint with a long docstring, all checks, weights and 24 modules."""
    name = f"tf_efficientnet_{number}"
    parameters = 5_300_000 + 1_234_567 * number
    return CaseResult(
        name,
        call=f"{name}(pretrained=False)",
        checks=tuple(
            _make_check(one.code, one.slug, one.level, one.required, number)
            for one in all_checks()
            if one.scope == "case" and not one.slow
        ),
        input=f'input "f32[B,3,224,224]" in [tool.hubkit.entrypoints.{name}] in pyproject.toml',
        input_values=("float32[2, 3, 224, 224]",),
        output="float32[2, 1000]",
        measured=Measured(parameters, 0.1 + number / 100, 0.2 + number / 50, 10**8, parameters * 4),
        weights=WeightsResult(
            f"{name}(pretrained=True)",
            "tried",
            "",
            (WeightsFile(f"dist/{name}-0123abcd.pth", "0123abcd" * 8, parameters * 4),),
            parameters,
            parameters,
        ),
        help=EntrypointHelp(
            f"{name}(pretrained: bool = False, progress: bool = True, **kwargs: Any)",
            DOCSTRING.format(name=name),
            (
                ParameterHelp("pretrained", "bool", "False", "Load the weights of the paper."),
                ParameterHelp("progress", "bool", "True", "Show a progress bar while loading."),
                ParameterHelp("kwargs", "Any", "", "Passed to the class, such as `num_classes`."),
            ),
            f"timm/models/efficientnet.py:{100 + 12 * number}",
        ),
        modules=tuple(
            ModuleSize(f"blocks.{block}.0 to blocks.{block}.3", "InvertedResidual", 4, 9 + block)
            for block in range(24)
        ),
    )  # fmt: skip


def _make_check(code: str, name: str, level: int, required: bool, number: int) -> CheckResult:
    outcome: Outcome = "passed"
    failures: tuple[CheckFailure, ...] = ()
    if code == "C211" and number % 10 == 0:
        outcome = "failed"
        evidence = (f"row 0 differs by {number + 1}e-3", "input: float32[2, 3, 224, 224]")
        failures = (
            CheckFailure("The output depends on the batch.", evidence, "Use eval().", "m.py:7"),
        )
    elif not required and code == "C208":
        outcome = "unsupported"
    reason = failures[0].message if failures else ""
    return CheckResult(code, name, level, required, outcome, reason, 0.01 * len(name), failures)


def make_report(count: int) -> ConformanceReport:
    """A report of that many entrypoints."""
    summaries = {one.code: one.summary for one in all_checks()}
    cases = tuple(map(make_case, range(count)))
    return structs.replace(REPORT, cases=cases, summaries=summaries, uncommitted=0)
