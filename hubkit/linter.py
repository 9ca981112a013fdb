"""Select rules, run them, leave out what was asked to be left out: a report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hubkit.facts import Finding, Location, Report
from hubkit.rules import all_rules, matching_rules
from hubkit.rules.meta import unknown_code, unused_suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.config import Config
    from hubkit.facts import RepoFacts, Suppression
    from hubkit.rules import Rule

# Codes of the conformance suite's checks (C106) may stand in the same places; they are its affair.
_CHECK_CODE = re.compile(r"C\d*")
_ALONE = frozenset(rule.code for rule in all_rules() if rule.alone)


def select_rules(config: Config) -> tuple[Rule, ...]:
    """The rules that a configuration asks for; all when it does not say.

    A rule in preview runs only when its whole code is named.
    """
    return tuple(
        rule
        for rule in all_rules()
        if rule.code in config.select
        or (not rule.preview and rule.code.startswith(config.select or ""))
    )


def run_rule(rule: Rule, repo: RepoFacts) -> tuple[Finding, ...]:
    """What one rule finds, suppressed or not."""
    return tuple(rule.function(repo))


def lint_repo(repo: RepoFacts, config: Config) -> Report:
    """Judge a repo.

    Args:
        repo: The repo, read.
        config: Its configuration.

    Returns:
        The findings, and those left out on request, each sorted by place.
    """
    selected = select_rules(config)
    sieve = _Sieve(repo, config)
    rules: list[Rule] = []
    for rule in sorted(selected, key=lambda rule: not rule.alone):
        if not rule.alone and any(finding.code in _ALONE for finding in sieve.kept):
            break
        rules.append(rule)
        for finding in run_rule(rule, repo):
            if not _is_declared(rule, finding, config):
                sieve.add(finding)
    codes = tuple(rule.code for rule in rules)
    for finding in (*_find_unknown(repo, config), *sieve.find_unused(codes)):
        if finding.code in codes:
            sieve.add(finding)
    return Report(
        findings=tuple(sorted(sieve.kept, key=_place)),
        expected=tuple(sorted(sieve.left_out, key=lambda pair: _place(pair[0]))),
        codes=codes,
    )


@dataclass(slots=True)
class _Sieve:
    """Parts findings into those kept and those left out, and remembers what was of use."""

    repo: RepoFacts
    config: Config
    kept: list[Finding] = field(default_factory=list)
    left_out: list[tuple[Finding, str]] = field(default_factory=list)
    used_comments: set[tuple[Suppression, str]] = field(default_factory=set)
    used_settings: set[str] = field(default_factory=set)

    def add(self, finding: Finding) -> None:
        comment = self._comment(finding)
        setting = next((code for code in self.config.ignore if finding.code.startswith(code)), None)
        if comment is not None:
            self.used_comments.add(comment)
            self.left_out.append((finding, comment[0].reason))
        if setting is not None:
            self.used_settings.add(setting)
            if comment is None:
                self.left_out.append((finding, self.config.ignore[setting]))
        if comment is None and setting is None:
            self.kept.append(finding)

    def _comment(self, finding: Finding) -> tuple[Suppression, str] | None:
        place = finding.location
        if place is None:
            return None
        for comment in self.repo.suppressions:
            if comment.location.path != place.path:
                continue
            if comment.first_line <= place.line <= comment.last_line:
                for code in comment.codes:
                    if finding.code.startswith(code):
                        return comment, code
        return None

    def find_unused(self, codes: tuple[str, ...]) -> Iterator[Finding]:
        """Suppressions that covered nothing although all that they could cover ran."""
        if self.repo.hubconf is None:
            return
        for comment in self.repo.suppressions:
            for code in comment.codes:
                if (comment, code) not in self.used_comments and _all_ran(code, codes):
                    yield unused_suppression.finding(
                        f"nothing here breaks {code}, so ignoring it has no effect",
                        comment.location,
                        hint="Remove the comment, or move it to the statement that it is for.",
                    )
        for code in self.config.ignore:
            if code not in self.used_settings and _all_ran(code, codes):
                yield unused_suppression.finding(
                    f"nothing in this repo breaks {code}, so ignoring it has no effect",
                    _setting(self.config, code),
                    hint=f"Remove {code} from `ignore`.",
                )


def _all_ran(code: str, codes: tuple[str, ...]) -> bool:
    meant = {rule.code for rule in matching_rules(code) if not rule.preview or rule.code == code}
    return bool(meant) and meant <= set(codes)


def _is_declared(rule: Rule, finding: Finding, config: Config) -> bool:
    return (
        finding.entrypoint is not None
        and config.entrypoint(finding.entrypoint).kind in rule.moot_kinds
    )


def _find_unknown(repo: RepoFacts, config: Config) -> Iterator[Finding]:
    for comment in repo.suppressions:
        yield from _unknown(comment.codes, comment.location)
    for code in (*config.select, *config.ignore):
        yield from _unknown((code,), _setting(config, code))


def _unknown(codes: Iterable[str], location: Location | None) -> Iterator[Finding]:
    for code in codes:
        if not matching_rules(code) and not _CHECK_CODE.fullmatch(code):
            yield unknown_code.finding(
                f"there is no rule {code}, so naming it has no effect", location, hint=_advise(code)
            )


def _advise(code: str) -> str:
    import difflib

    known = {rule.slug: rule.code for rule in all_rules()} | {r.code: r.code for r in all_rules()}
    close = difflib.get_close_matches(code, known, n=1)
    meant = f"Did you mean {known[close[0]]}? " if close else ""
    return f"{meant}`hubkit explain` lists the codes."


def _setting(config: Config, code: str) -> Location | None:
    line = config.lines.get(code)
    return Location(config.path, line) if line else None


def _place(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.location
    if place is None:
        return "", 0, 0, finding.code
    # hubconf.py comes first: it is what its author looks at first.
    path = "" if place.path == "hubconf.py" else place.path
    return path, place.line, place.column, finding.code
