"""The report as JSON, written and read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hubkit import __version__
from hubkit._util.parse import read_json
from hubkit.errors import UsageError
from hubkit.facts import (
    LEVELS,
    CaseResult,
    CheckResult,
    ConformanceReport,
    Measured,
    Unexercised,
)

if TYPE_CHECKING:
    from pathlib import Path

# Grows when a field changes its meaning or goes; new fields leave it as it is.
SCHEMA = 1

Json = dict[str, Any]


def render_json(report: ConformanceReport) -> str:
    """A report as one JSON object, in ASCII.

    Args:
        report: The report.
    """
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
    }
    return json.dumps(document, indent=2) + "\n"


def _case(case: CaseResult) -> Json:
    return {
        "entrypoint": case.entrypoint,
        "case": case.case,
        "kind": case.kind,
        "call": case.call,
        "level": case.level,
        "levels": {str(level): _level(case, level) for level in LEVELS},
        "features": {
            "supported": [one.name for one in case.supported],
            "unsupported": [one.name for one in case.unsupported],
        },
        "input": {"from": case.input, "guessed": case.provisional} if case.input else None,
        "measured": asdict(case.measured),
        "unexercised": [asdict(one) for one in case.unexercised],
        "checks": [asdict(one) for one in case.checks],
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
    """A report that was written by ``--hubconf-report``.

    Args:
        path: The file.

    Raises:
        UsageError: It cannot be read, or is no such report.
    """
    hint = "Make one: pytest --hubconf --hubconf-report FILE, or hubkit conform --report FILE."
    try:
        document = read_json(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"{path} is no conformance report: {error}", hint=hint) from None
    version = document.get("schema") if isinstance(document, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise UsageError(
            f"{path} was written by a later hubkit: its schema is {version}, "
            f"and this hubkit reads {SCHEMA}",
            hint="pip install --upgrade torch-hubkit",
        )
    try:
        return _read(document)
    except (KeyError, TypeError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path} is no conformance report ({said})", hint=hint) from None


def _read(document: Json) -> ConformanceReport:
    return ConformanceReport(
        created=document["created"],
        repo=document["repo"],
        commit=document["commit"] or "",
        uncommitted=document["uncommitted"],
        digest=document["digest"] or "",
        environment=document["environment"],
        policy=document["policy"],
        whole=_read_case(document["whole"]),
        lint=document["lint"] or "",
        cases=tuple(_read_case(one) for one in document["entrypoints"]),
        interrupted=document["interrupted"],
    )


def _read_case(said: Json) -> CaseResult:
    given = said["input"] or {"from": "", "guessed": False}
    return CaseResult(
        entrypoint=said["entrypoint"],
        case=said["case"],
        kind=said["kind"],
        call=said["call"],
        checks=tuple(_pick(CheckResult, one) for one in said["checks"]),
        unexercised=tuple(
            Unexercised(one["reason"], tuple(one["codes"])) for one in said["unexercised"]
        ),
        input=given["from"],
        provisional=given["guessed"],
        measured=_pick(Measured, said["measured"]),
    )


def _pick(cls: Any, said: Json) -> Any:  # noqa: ANN401 - one of two classes
    """The fields that this version knows; a later one may have added some."""
    return cls(**{name: said[name] for name in cls.__dataclass_fields__ if name in said})
