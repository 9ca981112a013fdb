"""Suppress findings, and report suppressions and settings without effect (HUB9xx).

Comments, settings and the baseline suppress. `hubkit.rules.meta` declares the rules HUB9xx; they
need the configuration and the findings of all other rules, so their code is here.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import closest, did_you_mean
from hubkit.config import ALL
from hubkit.facts import Fix, Location, SuppressedFinding
from hubkit.rules import all_rules, matching_rules
from hubkit.rules.meta import unknown_code, unknown_entrypoint, unused_suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from hubkit.config import Config, FileIgnore
    from hubkit.facts import Finding, RepoFacts, Suppression


_WHOLE_FILE = 0  # a line number that stands for every line


@dataclass(slots=True)
class Suppressions:
    """The suppressions of a run, and which of them were used.

    Attributes:
        repo: The repo, with its comments.
        config: Its settings.
        baseline: Fingerprints in the baseline.
        reported: Findings that nothing suppresses.
        suppressed: The other findings.
    """

    repo: RepoFacts
    config: Config
    baseline: Collection[str] = ()
    reported: list[Finding] = field(default_factory=list)
    suppressed: list[SuppressedFinding] = field(default_factory=list)
    _by_line: dict[tuple[str, int], list[list[Suppression]]] = field(init=False)
    _used_comments: set[tuple[Suppression, str]] = field(default_factory=set)
    _used_settings: set[str] = field(default_factory=set)
    _used_patterns: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._by_line = _by_line(self.repo.suppressions)

    def add(self, finding: Finding) -> None:
        """Add a finding. All suppressions that cover it are used; the closest gives the reason."""
        matches = [
            *self._match_comments(finding),
            *self._match_file_ignores(finding),
            *self._match_settings(finding, finding.code),
        ]
        if matches:
            self.suppressed.append(matches[0])
        elif finding.fingerprint in self.baseline:
            self.suppressed.append(SuppressedFinding(finding, "", "baseline"))
        else:
            self.reported.append(finding)

    def add_crash(self, crash: Finding, code: str) -> None:
        """Add the crash of a rule. Only ignoring that rule in the whole repo suppresses it."""
        match = next(self._match_settings(crash, code), None)
        if match is None:
            self.reported.append(crash)
        else:
            self.suppressed.append(match)

    def _match_comments(self, finding: Finding) -> Iterator[SuppressedFinding]:
        place = finding.location
        if place is None:
            return
        groups = [*self._by_line.get((place.path, place.line), ())]
        groups += self._by_line.get((place.path, _WHOLE_FILE), ())
        for comment in itertools.chain.from_iterable(groups):
            for code in comment.codes:
                if covers(code, finding.code):
                    self._used_comments.add((comment, code))
                    yield SuppressedFinding(finding, comment.reason, "comment")

    def _match_file_ignores(self, finding: Finding) -> Iterator[SuppressedFinding]:
        path = finding.location.path if finding.location else ""
        for entry in self.config.per_file_ignores:
            code = most_specific(finding.code, entry.ignore)
            if path and code is not None and matches_path(entry.pattern, path):
                self._used_patterns.add((entry.pattern, code))
                yield SuppressedFinding(finding, entry.ignore[code], "setting")

    def _match_settings(self, finding: Finding, rule: str) -> Iterator[SuppressedFinding]:
        code = find_ignore(rule, self.config)
        if code is not None:
            self._used_settings.add(code)
            reason = {**self.config.ignore, **self.config.extend_ignore}[code]
            yield SuppressedFinding(finding, reason, "setting")

    def unused_comments(self) -> Iterator[tuple[Suppression, str]]:
        """Yield comments, and their codes that suppressed nothing."""
        for comment in self.repo.suppressions:
            for code in comment.codes:
                if (comment, code) not in self._used_comments:
                    yield comment, code

    def unused_settings(self) -> Iterator[tuple[str, str]]:
        """Yield settings, and their codes that suppressed nothing."""
        for key, codes in (
            ("ignore", self.config.ignore),
            ("extend-ignore", self.config.extend_ignore),
        ):
            yield from ((key, code) for code in codes if code not in self._used_settings)

    def unused_file_ignores(self) -> Iterator[tuple[FileIgnore, str]]:
        """Yield entries of ``per-file-ignores``, and their codes that suppressed nothing."""
        for entry in self.config.per_file_ignores:
            for code in entry.ignore:
                if (entry.pattern, code) not in self._used_patterns:
                    yield entry, code


def _by_line(comments: Iterable[Suppression]) -> dict[tuple[str, int], list[list[Suppression]]]:
    """Group comments by path and covered line; those that cover the same lines share a list."""
    by_span: dict[tuple[str, int, int], list[Suppression]] = {}
    for comment in comments:
        first, last = comment.first_line, comment.last_line
        if comment.whole_file:
            first = last = _WHOLE_FILE
        by_span.setdefault((comment.location.path, first, last), []).append(comment)
    found: dict[tuple[str, int], list[list[Suppression]]] = {}
    for (path, first, last), group in by_span.items():
        for line in range(first, last + 1):
            found.setdefault((path, line), []).append(group)
    return found


def matches_path(pattern: str, path: str) -> bool:
    """Whether a pattern matches a file: its path, its name, or a folder above it.

    ``*`` matches slashes too, as in ruff's ``per-file-ignores``. ``!`` in front negates a pattern.
    """
    if pattern.startswith("!"):
        return not matches_path(pattern[1:], path)
    pattern = pattern.removeprefix("./")
    if pattern.endswith("/"):
        return path.startswith(pattern) or fnmatchcase(path, f"{pattern}*")
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)


# Codes of checks of the conformance suite (C106), which may be in the same comments and settings.
_CHECK_CODE = re.compile(r"C\d*")


def find_unknown_codes(repo: RepoFacts, config: Config) -> Iterator[Finding]:
    """Report comments and settings with a code that no rule has."""
    for comment in repo.suppressions:
        for code in comment.codes:
            yield from _check_code(code, comment.location)
    for key, codes in (
        ("select", config.select),
        ("extend-select", config.extend_select),
        ("ignore", config.ignore),
        ("extend-ignore", config.extend_ignore),
    ):
        for code in codes:
            yield from _check_code(code, _locate(config, key, code))
    for entry in config.per_file_ignores:
        for code in entry.ignore:
            place = _locate(config, "per-file-ignores", entry.pattern, code)
            yield from _check_code(code, place)


def _check_code(code: str, location: Location | None) -> Iterator[Finding]:
    if not matching_rules(code) and code != ALL and not _CHECK_CODE.fullmatch(code):
        yield unknown_code.finding(f"unknown rule: {code}", location, hint=advise_code(code))


def advise_code(code: str) -> str:
    """A hint for an unknown code: the closest one, also to the name of a rule."""
    if matching_rules(code.upper()):
        return f"Did you mean `{code.upper()}`? `hubkit explain` lists the codes."
    words = {rule.slug: rule.code for rule in all_rules()}
    words |= {rule.code: rule.code for rule in all_rules()}
    close = closest(code, words)
    suggestion = f"Did you mean `{words[close]}`? " if close else ""
    return f"{suggestion}`hubkit explain` lists the codes."


def find_unknown_entrypoints(repo: RepoFacts, config: Config) -> Iterator[Finding]:
    """Report settings of entrypoints that the repo does not have."""
    hubconf = repo.hubconf
    if hubconf is None or hubconf.has_dynamic_names:
        return
    names = [*hubconf.names] + [one.name for one in hubconf.leaks]
    known = set(names)
    for name in config.entrypoints:
        if name in known:
            continue
        hint = did_you_mean(name, names) or "Remove it; `hubkit list` shows the names."
        yield unknown_entrypoint.finding(
            f"unknown entrypoint `{name}`: its settings have no effect",
            _locate(config, "entrypoints", name),
            hint=hint,
        )


def find_unused(suppressions: Suppressions, codes: Collection[str]) -> Iterator[Finding]:
    """Report suppressions that suppressed nothing although all rules that they cover ran.

    Options of the command line are not reported.
    """
    repo, ran = suppressions.repo, frozenset(codes)
    if repo.hubconf is None:
        return
    for comment, code in suppressions.unused_comments():
        if _did_all_run(code, ran):
            where = f"in {comment.location.path}" if comment.whole_file else "here"
            yield unused_suppression.finding(
                f"unused suppression: {code} is not reported {where}",
                comment.location,
                hint="Remove the comment."
                if comment.whole_file
                else "Remove the comment, or move it to the statement that it is for.",
                fix=partial(_remove_code, repo, comment, code),
            )
    yield from _find_unused_settings(suppressions, ran)


def _remove_code(repo: RepoFacts, comment: Suppression, code: str) -> Fix | None:
    from hubkit.lint.comments import remove_code

    edit = remove_code(repo, comment, code)
    return Fix("Remove it", "safe", (edit,)) if edit else None


def _find_unused_settings(suppressions: Suppressions, ran: frozenset[str]) -> Iterator[Finding]:
    config = suppressions.config
    for key, code in suppressions.unused_settings():
        place = _locate(config, key, code)
        if place is not None and _did_all_run(code, ran):
            yield unused_suppression.finding(
                f"unused suppression: {code} is not reported in this repo",
                place,
                hint=f"Remove {code} from `{key}`.",
            )
    for entry, code in suppressions.unused_file_ignores():
        place = _locate(config, "per-file-ignores", entry.pattern, code)
        if place is not None and _did_all_run(code, ran):
            yield unused_suppression.finding(
                f"unused suppression: {code} is not reported in `{entry.pattern}`",
                place,
                hint=f'Remove {code} from `per-file-ignores."{entry.pattern}"`.',
            )


def _did_all_run(selector: str, ran: frozenset[str]) -> bool:
    """Whether all rules that a selector covers ran; preview rules need their full code."""
    meant = {
        rule.code
        for rule in all_rules()
        if covers(selector, rule.code) and (not rule.preview or rule.code == selector)
    }
    return bool(meant) and meant <= ran


def _locate(config: Config, *keys: str) -> Location | None:
    line = config.find_line(*keys)
    return Location(config.path, line) if line else None


# Codes of rules and selectors: codes, prefixes, ``ALL``


def find_ignore(code: str, config: Config) -> str | None:
    """Return the selector that ignores a rule in the whole repo, or None.

    If a rule is both selected and ignored, the longer selector wins; of equal ones, the one that
    ignores.
    """
    ignored = most_specific(code, (*config.ignore, *config.extend_ignore))
    selected = most_specific(code, (*config.select, *config.extend_select))
    if ignored is None or (selected is not None and _length(selected) > _length(ignored)):
        return None
    return ignored


def most_specific(code: str, selectors: Iterable[str]) -> str | None:
    """Return the longest selector that covers a code, or None."""
    covering = (selector for selector in selectors if covers(selector, code))
    return max(covering, key=_length, default=None)


def covers(selector: str, code: str) -> bool:
    """Whether a selector covers the code of a rule."""
    return selector == ALL or (bool(selector) and code.startswith(selector))


def _length(selector: str) -> int:
    return 0 if selector == ALL else len(selector)
