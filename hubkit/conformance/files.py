"""The report as JSON, written and read."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, get_args

from msgspec import to_builtins

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
from hubkit.facts.conformance import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Grows when a field changes its meaning or goes; new fields leave it as it is.
SCHEMA = 1

_CODE = re.compile(r"C\d{3}")
_LONGEST = 60  # characters of a wrong value that a message shows

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
        "measured": to_builtins(case.measured),
        "unexercised": [to_builtins(one) for one in case.unexercised],
        "checks": [to_builtins(one) for one in case.checks],
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
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a conformance report: {error}", hint=hint) from None
    version = document.get("schema") if isinstance(document, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise UsageError(
            f"{path} was written by a later hubkit: its schema is {version}, "
            f"and this hubkit reads {SCHEMA}",
            hint="pip install --upgrade torch-hubkit",
        )
    try:
        return _read(document)
    except KeyError as error:
        raise UsageError(
            f"{path} is not a conformance report: {error} is missing", hint=hint
        ) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is not a conformance report: {error}", hint=hint) from None


def _read(document: Json) -> ConformanceReport:
    environment = _take(document, "environment", dict)
    return ConformanceReport(
        created=_take(document, "created", str),
        repo=_take(document, "repo", str),
        commit=_take(document, "commit", str, None) or "",
        uncommitted=_take(document, "uncommitted", int, None),
        digest=_take(document, "digest", str, None) or "",
        environment={name: _require(name, value, (str,)) for name, value in environment.items()},
        policy=_take(document, "policy", dict),
        whole=_read_case(document["whole"]),
        lint=_choose(document["lint"] or "", ("passed", "failed", "")),
        cases=tuple(_read_case(one) for one in _take(document, "entrypoints", list)),
        interrupted=_take(document, "interrupted", bool),
    )


def _read_case(case: Json) -> CaseResult:
    example = case["input"] or {"from": "", "guessed": False}
    return CaseResult(
        entrypoint=_take(case, "entrypoint", str),
        case=_take(case, "case", str),
        kind=_take(case, "kind", str),
        call=_take(case, "call", str),
        checks=tuple(_read_check(one) for one in _take(case, "checks", list)),
        unexercised=tuple(
            Unexercised(_take(one, "reason", str), tuple(map(_read_code, one["codes"])))
            for one in _take(case, "unexercised", list)
        ),
        input=_take(example, "from", str),
        provisional=_take(example, "guessed", bool),
        measured=_read_measured(case["measured"]),
    )


def _read_check(check: Json) -> CheckResult:
    check = {"reason": "", "seconds": 0.0, **check}
    return CheckResult(
        code=_read_code(check["code"]),
        name=_take(check, "name", str),
        level=_choose(check["level"], LEVELS),
        required=_take(check, "required", bool),
        outcome=_choose(check["outcome"], get_args(Outcome)),
        reason=_take(check, "reason", str),
        seconds=_take(check, "seconds", int, float),
    )


def _read_measured(measured: Json) -> Measured:
    """What was measured; an earlier version may not have measured all of it."""
    known = [name for name in Measured.__struct_fields__ if name in measured]
    return Measured(**{name: _take(measured, name, int, float, None) for name in known})


def _read_code(value: object) -> str:
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value
    raise ValueError(f"{_shorten(value)} is not the code of a check")


def _take(values: Json, name: str, *kinds: type | None) -> Any:  # noqa: ANN401 - one of the kinds
    """A value of a JSON object, of one of the kinds."""
    return _require(name, values[name], kinds)


def _require(name: str, value: Any, kinds: tuple[type | None, ...]) -> Any:  # noqa: ANN401
    """The value, if it is of one of the kinds; numbers must be finite."""
    # True is an int to Python.
    is_one = type(value) in kinds or (value is None and None in kinds)
    if not is_one or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{name} is {_shorten(value)}")
    return value


def _choose(value: Any, options: Iterable[Any]) -> Any:  # noqa: ANN401 - one of the options
    if value in options:
        return value
    raise ValueError(f"{_shorten(value)} is not one of {', '.join(map(str, options))}")


def _shorten(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
