"""Select rules, run them, leave out what was asked to be left out: a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from hubkit.baseline import locate_baseline, read_baseline
from hubkit.config import HUBKIT_TOML
from hubkit.facts import Report, RuleFacts
from hubkit.linter.places import add_fingerprints, place_key, read_lines, sort_by_place
from hubkit.linter.running import run_rules
from hubkit.linter.selection import select_rules
from hubkit.linter.sieve import Sieve
from hubkit.linter.steering import (
    advise_code,
    find_unknown,
    find_unknown_entrypoints,
    find_unused,
)
from hubkit.rules.meta import internal_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from hubkit.config import Config
    from hubkit.facts import Finding, KnownFinding, RepoFacts
    from hubkit.linter.running import Ran
    from hubkit.rules import Rule

__all__ = ["advise_code", "lint_repo", "select_rules"]


def lint_repo(repo: RepoFacts, config: Config, rules: Iterable[Rule] | None = None) -> Report:
    """Judge a repo.

    Args:
        repo: The repo, read.
        config: Its configuration, which selects among the rules.
        rules: The rules that there are; hubkit's own when not given.

    Returns:
        The findings, and those left out on request, each sorted by place.

    Raises:
        ConfigError: The configuration names a baseline that cannot be read.
        GitRepoError: git cannot tell what a rule asks it.
    """
    repo = structs.replace(repo, limits=config.limits)
    baseline = read_baseline(locate_baseline(repo.root, config.baseline)) if config.baseline else ()
    sieve = Sieve(repo, config, {known.fingerprint for known in baseline})
    alone, others = _part(_runnable(select_rules(config, rules), repo))
    ran = run_rules(alone, repo)
    lines = _sift(sieve, _found(ran, config))
    if not sieve.kept:
        more = run_rules(others, repo)
        lines |= _sift(sieve, _found(more, config))
        ran += more
    finished = [one.rule for one in ran if one.stopped is None]
    codes = {rule.code for rule in finished}
    unknown = (*find_unknown(repo, config), *find_unknown_entrypoints(repo, config))
    lines |= _sift(sieve, (one for one in unknown if one.code in codes))
    lines |= _sift(sieve, (one for one in find_unused(sieve, codes) if one.code in codes))
    if _add_stopped(sieve, ran) and internal_error.code not in codes:
        finished.append(internal_error)
    return Report(
        findings=tuple(sorted(sieve.kept, key=place_key)),
        left_out=tuple(sorted(sieve.left_out, key=lambda one: place_key(one.finding))),
        rules=tuple(sorted(map(_describe, finished), key=lambda rule: rule.code)),
        fail_on=config.fail_on,
        lines=lines,
        fixed=tuple(_fixed(baseline, sieve, codes)),
        config=config.path or HUBKIT_TOML,
        ignores=config.ignores,
        root=str(repo.root),
    )


def _runnable(rules: tuple[Rule, ...], repo: RepoFacts) -> tuple[Rule, ...]:
    """The rules without those that need an earlier version where there is none."""
    return tuple(rule for rule in rules if repo.before is not None or not rule.compares)


def _part(rules: tuple[Rule, ...]) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Rules whose findings make all others pointless, and those others."""
    alone = tuple(rule for rule in rules if rule.alone)
    return alone, tuple(rule for rule in rules if not rule.alone)


def _found(ran: Iterable[Ran], config: Config) -> Iterator[Finding]:
    for one in ran:
        for finding in one.findings:
            if not _is_declared(one.rule, finding, config):
                yield finding


def _add_stopped(sieve: Sieve, ran: Iterable[Ran]) -> bool:
    """Whether a rule stopped; each that did is one finding."""
    codes = [one.rule.code for one in ran if one.stopped is not None]
    stopped = add_fingerprints([one.stopped for one in ran if one.stopped is not None], {})
    for code, finding in zip(codes, stopped, strict=True):
        sieve.add_stopped(finding, code)
    return bool(stopped)


def _is_declared(rule: Rule, finding: Finding, config: Config) -> bool:
    return (
        finding.entrypoint is not None
        and config.entrypoint(finding.entrypoint).kind in rule.moot_kinds
    )


def _sift(sieve: Sieve, findings: Iterable[Finding]) -> dict[tuple[str, int], str]:
    """Put findings through the sieve; the lines that they are about."""
    ordered = sort_by_place(findings)
    lines = read_lines(sieve.repo.files, ordered)
    for finding in add_fingerprints(ordered, lines):
        sieve.add(finding)
    return lines


def _fixed(
    baseline: Iterable[KnownFinding], sieve: Sieve, codes: Collection[str]
) -> Iterator[KnownFinding]:
    """Entries of the baseline that nothing has any more, of the rules that ran."""
    found = {finding.fingerprint for finding in sieve.kept}
    found |= {one.finding.fingerprint for one in sieve.left_out}
    for known in baseline:
        if known.code in codes and known.fingerprint not in found:
            yield known


def _describe(rule: Rule) -> RuleFacts:
    return RuleFacts(rule.code, rule.slug, rule.severity, rule.summary, rule.explanation)
