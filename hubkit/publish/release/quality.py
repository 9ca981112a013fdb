"""Points about what the commit holds: what the linter, the suite and the card say of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import structs

from hubkit._util.text import plural
from hubkit.conformance import read_report
from hubkit.errors import UsageError
from hubkit.lint import lint_repo
from hubkit.publish.card import (
    CardRequest,
    card_paths,
    draft_card,
    find_source,
    gather_facts,
    judge_card,
)
from hubkit.publish.release.points import Point, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import ConformanceReport, Finding
    from hubkit.publish.release.situation import Situation

_SHA = re.compile(r"[0-9a-f]{40,64}")
_DOCUMENT = re.compile(r".*\.(?:md|markdown|rst|cff)", re.IGNORECASE)
_UNCHANGED = "at a commit from which this one differs in documents alone"
_EXAMPLES = "C215"
_SUITE = "pytest --hubconf --hubconf-report conformance.json"


def check(now: Situation) -> Iterator[Point]:
    """`hubkit check` passes on the commit."""
    report = lint_repo(now.facts, now.config)
    failing = [one for one in report.findings if report.fails(one)]
    if failing:
        yield Point(
            "check",
            "missing",
            f"{plural(len(failing), 'finding')}: {some(map(_place, failing))}",
            "hubkit check --ref HEAD",
        )
    else:
        left = f", {len(report.suppressed)} left out on request" if report.suppressed else ""
        yield Point("check", "ok", f"{plural(len(report.rules), 'rule')} passed{left}")


def _place(finding: Finding) -> str:
    location = finding.location
    return f"{finding.code} {location.path}:{location.line}" if location else finding.code


def conformance(now: Situation) -> Iterator[Point]:
    """The conformance suite has passed on this very commit."""
    wanted = now.request.level
    if not wanted:
        yield Point("conformance", "note", "not asked for", "--level 1 asks for the protocol")
        return
    if now.request.report is None:
        yield Point(
            "conformance",
            "missing",
            "no report of the suite is given",
            f"{_SUITE}, then --report conformance.json; or --conform runs it",
        )
        return
    report = read_report(now.request.report)
    problem = _wrong_with(report, now)
    if problem:
        yield Point("conformance", "missing", problem, _SUITE)
    elif report.level < wanted:
        yield Point(
            "conformance",
            "missing",
            f"level {report.level} is reached, and {wanted} is asked for: {_hindered(report, wanted)}",
            f"hubkit conform --from {now.request.report} tells what failed",
        )
    else:
        at = "at this commit" if report.commit == now.sha else _UNCHANGED
        yield Point("conformance", "ok", f"level {report.level}, {at}")
        yield from _examples(report)


def _examples(report: ConformanceReport) -> Iterator[Point]:
    """Examples that readers copy run. A level does not ask for it, and a release does."""
    checks = [check for one in report.cases for check in one.checks if check.code == _EXAMPLES]
    broken = [one.reason for one in checks if one.outcome in ("unsupported", "failed")]
    if broken:
        why = some(dict.fromkeys(reason.partition("\n")[0] for reason in broken))
        yield Point("examples", "missing", why.rstrip("."), f"hubkit explain {_EXAMPLES}")


def _wrong_with(report: ConformanceReport, now: Situation) -> str:
    if report.commit != now.sha and not _differs_in_documents_alone(report.commit, now):
        of = f"commit {report.commit[:10]}" if report.commit else "no commit"
        return f"the report is of {of}, not of {now.sha[:10]}"
    if report.uncommitted:
        return (
            f"the report was made with {plural(report.uncommitted, 'file')} that the commit lacks"
        )
    if report.interrupted:
        return "the report is of a run that was interrupted"
    return "" if report.cases else "the report is of a run without entrypoints"


def _differs_in_documents_alone(commit: str, now: Situation) -> bool:
    """Whether no more than words were written since, such as the report's table into the card."""
    if not _SHA.fullmatch(commit):
        return False
    done = now.git.try_to("diff-tree", "-r", "--name-only", "-z", "--no-renames", commit, now.sha)
    changed = [path for path in done.stdout.decode("utf-8", "replace").split("\0") if path]
    return not done.returncode and all(_DOCUMENT.fullmatch(path) for path in changed)


def _hindered(report: ConformanceReport, wanted: int) -> str:
    """What keeps the level from being reached, a few words each."""
    reasons = []
    for one in (report.whole, *report.cases):
        for level in range(1, wanted + 1):
            codes = one.codes(level, "failed") or one.codes(level, "skipped") or one.missed(level)
            verb = "failed" if one.codes(level, "failed") else "did not run"
            if codes:
                reasons.append(f"{one.label or 'the repo'}: {some(codes)} {verb}")
    return some(reasons) or "nothing was judged"


def card(now: Situation) -> Iterator[Point]:
    """The model card says what the commit holds."""
    path = next(iter(card_paths(now.facts)), None)
    if path is None:
        yield Point("card", "missing", "there is no model card", "hubkit card, then commit it")
        return
    before = now.facts.files.read(path)
    source = find_source(before)
    ref = source.ref
    facts = gather_facts(now.facts, structs.replace(source, repo=source.repo or now.repo))
    try:
        draft = draft_card(facts, CardRequest(path), before)
    except UsageError as error:
        yield Point("card", "missing", error.message.rstrip("."), error.hint)
        return
    findings = judge_card(now.facts, draft)
    if draft.after != before and not draft.has_parts:
        why = f"{path} has no part that hubkit keeps true"
        yield Point("card", "note", why, "hubkit card adds what it says nothing of")
    elif draft.after != before:
        stale = some(draft.stale)
        yield Point("card", "missing", f"{path} is stale: {stale}", "hubkit card, then commit it")
    elif findings:
        listed = some(map(_place, findings))
        yield Point("card", "missing", f"{path}: {listed}", "hubkit check --select HUB8")
    elif ref and now.tag and ref != now.tag:
        yield Point(
            "card",
            "note",
            f"{path} shows how to load {ref}",
            f"hubkit card --tag {now.tag}, then commit it",
        )
    else:
        yield Point("card", "ok", f"{path} is as it should be")
