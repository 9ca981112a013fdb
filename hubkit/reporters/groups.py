"""Findings of one cause as one group, for reports that people read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import join_words, plural, quoted
from hubkit.facts import INTERNAL_ERROR, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Finding, Location, Report, Severity

_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"")
_EXAMPLE = "such as"  # in hints that show one of several
_MOST_NAMED = 3
_MOST_LISTED = 10


class Group(Struct, frozen=True):
    """Findings of one rule with one severity.

    Attributes:
        message: What is wrong, with the number of findings if there are several.
        findings: The findings, sorted by place.
        hints: What to do about them, without repetition.
        details: What each finding says beyond the message; may be empty.
    """

    message: str
    findings: tuple[Finding, ...]
    hints: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The code of the rule."""
        return self.findings[0].code

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.findings[0].severity

    @property
    def places(self) -> tuple[Location | None, ...]:
        """Where the findings are."""
        return tuple(one.location for one in self.findings)

    @property
    def is_fixable(self) -> bool:
        """Whether ``--fix`` fixes all findings."""
        fixes = [one.fix for one in self.findings]
        return all(fix is not None and fix.applicability == "safe" for fix in fixes)


def group_findings(report: Report) -> list[Group]:
    """The findings of a report by cause: the most severe first, then those that most users meet."""
    found: dict[tuple[str, ...], list[Finding]] = {}
    for finding in report.findings:
        crash = finding.message if finding.code == INTERNAL_ERROR else ""
        found.setdefault((finding.code, finding.severity, crash), []).append(finding)
    groups = [_make_group(findings, report) for findings in found.values()]
    everyone = len({one.entrypoint for one in report.findings if one.entrypoint}) + 1
    return sorted(
        groups,
        key=lambda group: (SEVERITIES.index(group.severity), -_count_users(group, everyone)),
    )


def _count_users(group: Group, everyone: int) -> int:
    """The number of entrypoints whose users a group hits."""
    names = {one.entrypoint for one in group.findings}
    return everyone if None in names else len(names)


def _make_group(findings: list[Finding], report: Report) -> Group:
    first = findings[0]
    if len(findings) == 1:
        return Group(first.message, (first,), (first.hint,) if first.hint else ())
    return Group(
        _summarize(findings, report),
        tuple(findings),
        _join_hints(one.hint for one in findings if one.hint),
        _find_details([one.message for one in findings]),
    )


def _summarize(findings: list[Finding], report: Report) -> str:
    """One message for several findings."""
    names = list(dict.fromkeys(one.entrypoint for one in findings if one.entrypoint))
    rule = next((one for one in report.rules if one.code == findings[0].code), None)
    if rule is not None and rule.several:
        message = rule.several.format(count=len(findings))
    elif len({one.message for one in findings}) == 1:
        message = f"{findings[0].message} ({plural(len(findings), 'place')})"
    else:
        summary = rule.summary.rstrip(".") if rule else findings[0].message
        message = f"{summary[:1].lower()}{summary[1:]} ({plural(len(findings), 'place')})"
    return f"{message}: {quoted(names, most=_MOST_NAMED)}" if names else message


def _join_hints(hints: Iterable[str]) -> tuple[str, ...]:
    """One hint for all that differ only in quoted texts; it lists them, if there is one in each."""
    alike: dict[str, list[str]] = {}
    for hint in dict.fromkeys(hints):
        alike.setdefault(_QUOTED.sub("``", hint), []).append(hint)
    return tuple(map(_join_alike, alike.values()))


def _join_alike(hints: list[str]) -> str:
    first, spans = hints[0], [_QUOTED.findall(hint) for hint in hints]
    varying = _varying(hints, spans)
    if not varying or len(varying) > 1 or _EXAMPLE in first:
        return first
    place = [*_QUOTED.finditer(first)][varying[0]]
    listed = join_words((one[varying[0]] for one in spans), most=_MOST_LISTED)
    return first[: place.start()] + listed + first[place.end() :]


def _find_details(messages: list[str]) -> tuple[str, ...]:
    """What tells messages apart: their quoted texts if only these differ, else all of each."""
    if len(set(messages)) == 1:
        return ("",) * len(messages)
    spans = [_QUOTED.findall(message) for message in messages]
    varying = _varying(messages, spans)
    if varying is None:
        return tuple(messages)
    return tuple(", ".join(one[index] for index in varying) for one in spans)


def _varying(texts: list[str], spans: list[list[str]]) -> list[int] | None:
    """The indexes of the quoted texts that differ; None if more than quoted texts does."""
    if len({_QUOTED.sub("``", text) for text in texts}) > 1:
        return None
    return [index for index, values in enumerate(zip(*spans, strict=True)) if len(set(values)) > 1]
