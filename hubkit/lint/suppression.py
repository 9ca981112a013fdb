"""Suppress findings: by comments, by settings, by the baseline."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hubkit.facts import SuppressedFinding
from hubkit.lint.select import covers, find_ignore, most_specific

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
