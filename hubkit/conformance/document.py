"""The report as JSON: ``report.schema.json`` describes it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct, field, to_builtins

from hubkit import __version__, limits
from hubkit._util.parse import read_bounded
from hubkit.errors import UsageError
from hubkit.facts import (
    LEVELS,
    CaseResult,
    CheckResult,
    ConformanceReport,
    EntrypointHelp,
    LintFindings,
    Measured,
    ModuleSize,
    Unexercised,
    WeightsResult,
)

if TYPE_CHECKING:
    from pathlib import Path

# Grows if a field is removed or changes its meaning; new fields do not matter.
SCHEMA = 1
_CREATE = "Create one: pytest --hubconf --hubconf-report FILE, or hubkit conform --report FILE."

Json = dict[str, Any]


class _Version(Struct, frozen=True):
    schema: int


class _Input(Struct, frozen=True):
    guessed: bool
    provenance: str = field(name="from")
    values: tuple[str, ...] = ()


class _Case(Struct, frozen=True):
    entrypoint: str
    case: str
    kind: str
    call: str
    input: _Input | None
    measured: Measured
    unexercised: tuple[Unexercised, ...]
    checks: tuple[CheckResult, ...]
    weights: WeightsResult | None = None
    help: EntrypointHelp = EntrypointHelp()
    output: str = ""
    modules: tuple[ModuleSize, ...] = ()


class _Document(Struct, frozen=True):
    created: str
    interrupted: bool
    repo: str
    commit: str | None
    uncommitted: int | None
    digest: str | None
    environment: dict[str, str]
    policy: dict[str, Any]
    lint: Literal["passed", "failed"] | None
    whole: _Case
    entrypoints: tuple[_Case, ...]
    summaries: dict[str, str] = {}
    findings: tuple[LintFindings, ...] = ()


def render_json(report: ConformanceReport) -> str:
    """A report as one JSON object, in ASCII."""
    document = {
        "schema": SCHEMA,
        "hubkit": __version__,
        "created": report.created,
        "interrupted": report.interrupted,
        "repo": report.repo,
        "commit": report.commit or None,
        "uncommitted": report.uncommitted,
        "digest": report.digest or None,
        "environment": dict(report.environment),
        "policy": dict(report.policy),
        "level": report.level,
        "lint": report.lint or None,
        "whole": _case(report.whole),
        "entrypoints": [_case(one) for one in report.cases],
        "summaries": dict(report.summaries),
        "findings": [to_builtins(one) for one in report.findings],
    }
    return _replace_surrogates(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _replace_surrogates(text: str) -> str:
    """JSON in ASCII, without the parts of characters that texts of Python can contain."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r"[^\0-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text)


def _case(case: CaseResult) -> Json:
    return {
        "entrypoint": case.entrypoint,
        "case": case.case,
        "kind": case.kind,
        "help": to_builtins(case.help),
        "call": case.call,
        "level": case.level,
        "levels": {str(level): _level(case, level) for level in LEVELS},
        "features": {
            "supported": [one.name for one in case.supported],
            "unsupported": [one.name for one in case.unsupported],
        },
        "input": _input(case) if case.input else None,
        "output": case.output,
        "measured": to_builtins(case.measured),
        "modules": to_builtins(case.modules),
        "weights": to_builtins(case.weights),
        "unexercised": [to_builtins(one) for one in case.unexercised],
        "checks": [to_builtins(one) for one in case.checks],
    }


def _input(case: CaseResult) -> Json:
    return {
        "from": case.input,
        "guessed": case.provisional,
        "values": list(case.input_values),
    }


def _level(case: CaseResult, level: int) -> Json:
    return {
        "verdict": case.verdict(level),
        "passed": list(case.codes(level, "passed")),
        "failed": list(case.codes(level, "failed")),
        "expected": list(case.codes(level, "expected")),
        "skipped": list(case.codes(level, "skipped")),
        "missed": list(case.missed(level)),
    }


def read_report(path: Path) -> ConformanceReport:
    """Read a report that ``--hubconf-report`` has written.

    Raises:
        UsageError: It cannot be read, or is not a report.
    """
    try:
        data = read_bounded(path, limits.JSON_BYTES)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}", hint=_CREATE) from None
    except ValueError as error:
        raise UsageError(f"{path} is not a conformance report: {error}", hint=_CREATE) from None
    return parse_report(data, str(path))


def parse_report(data: bytes, name: str) -> ConformanceReport:
    """Read the text of a report.

    Args:
        data: The text.
        name: Where it comes from, for errors.

    Raises:
        UsageError: It is not a report.
    """
    try:
        version = msgspec.json.decode(data, type=_Version).schema
        document = msgspec.json.decode(data, type=_Document) if version <= SCHEMA else None
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise UsageError(f"{name} is not a conformance report: {error}", hint=_CREATE) from None
    if document is None:
        raise UsageError(
            f"{name} has schema {version}, but this version of hubkit reads {SCHEMA}",
            hint="Upgrade hubkit to the version that wrote the report.",
        )
    return _to_report(document)


def _to_report(document: _Document) -> ConformanceReport:
    return ConformanceReport(
        created=document.created,
        repo=document.repo,
        commit=document.commit or "",
        uncommitted=document.uncommitted,
        digest=document.digest or "",
        environment=document.environment,
        policy=document.policy,
        whole=_to_case(document.whole),
        lint=document.lint or "",
        cases=tuple(map(_to_case, document.entrypoints)),
        interrupted=document.interrupted,
        summaries=document.summaries,
        findings=document.findings,
    )


def _to_case(case: _Case) -> CaseResult:
    return CaseResult(
        entrypoint=case.entrypoint,
        case=case.case,
        kind=case.kind,
        call=case.call,
        checks=case.checks,
        unexercised=case.unexercised,
        input=case.input.provenance if case.input else "",
        provisional=case.input is not None and case.input.guessed,
        measured=case.measured,
        weights=case.weights,
        help=case.help,
        input_values=case.input.values if case.input else (),
        output=case.output,
        modules=case.modules,
    )
