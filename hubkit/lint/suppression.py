"""Suppress findings: by comments, by settings, by the baseline."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from hubkit.facts import LeftOut
from hubkit.lint.select import covers, find_ignore, most_specific

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from hubkit.config import Config, FileIgnore
    from hubkit.facts import Finding, RepoFacts, Suppression


_WHOLE_FILE = 0  # stands for every line


@dataclass(slots=True)
class Sieve:
    """What was kept, what was left out, and which requests have covered something.

    Attributes:
        repo: The repo, with its comments.
        config: Its settings.
        known: Fingerprints in the baseline.
        kept: The findings to report.
        left_out: The others.
    """

    repo: RepoFacts
    config: Config
    known: Collection[str] = ()
    kept: list[Finding] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    _by_line: dict[tuple[str, int], list[list[Suppression]]] = field(init=False)
    _used_comments: set[tuple[Suppression, str]] = field(default_factory=set)
    _used_settings: set[str] = field(default_factory=set)
    _used_patterns: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._by_line = _by_line(self.repo.suppressions)

    def add(self, finding: Finding) -> None:
        """Take in a finding. All that cover it count as used; the nearest gives the reason."""
        requests = [
            *self._comments(finding),
            *self._file_ignores(finding),
            *self._settings(finding, finding.code),
        ]
        if requests:
            self.left_out.append(requests[0])
        elif finding.fingerprint in self.known:
            self.left_out.append(LeftOut(finding, "", "baseline"))
        else:
            self.kept.append(finding)

    def add_stopped(self, stopped: Finding, code: str) -> None:
        """Take in that a rule stopped. Only what ignores that rule in the whole repo covers it."""
        asked = next(self._settings(stopped, code), None)
        if asked is None:
            self.kept.append(stopped)
        else:
            self.left_out.append(asked)

    def _comments(self, finding: Finding) -> Iterator[LeftOut]:
        place = finding.location
        if place is None:
            return
        there = [*self._by_line.get((place.path, place.line), ())]
        there += self._by_line.get((place.path, _WHOLE_FILE), ())
        for comment in itertools.chain.from_iterable(there):
            for code in comment.codes:
                if covers(code, finding.code):
                    self._used_comments.add((comment, code))
                    yield LeftOut(finding, comment.reason, "comment")

    def _file_ignores(self, finding: Finding) -> Iterator[LeftOut]:
        path = finding.location.path if finding.location else ""
        for asked in self.config.per_file_ignores:
            code = most_specific(finding.code, asked.ignore)
            if path and code is not None and matches(asked.pattern, path):
                self._used_patterns.add((asked.pattern, code))
                yield LeftOut(finding, asked.ignore[code], "setting")

    def _settings(self, finding: Finding, rule: str) -> Iterator[LeftOut]:
        code = find_ignore(rule, self.config)
        if code is not None:
            self._used_settings.add(code)
            reason = {**self.config.ignore, **self.config.extend_ignore}[code]
            yield LeftOut(finding, reason, "setting")

    def unused_comments(self) -> Iterator[tuple[Suppression, str]]:
        """Comments, and the codes in them that have covered nothing."""
        for comment in self.repo.suppressions:
            for code in comment.codes:
                if (comment, code) not in self._used_comments:
                    yield comment, code

    def unused_settings(self) -> Iterator[tuple[str, str]]:
        """Keys, and the codes below them that have covered nothing."""
        for key, codes in (
            ("ignore", self.config.ignore),
            ("extend-ignore", self.config.extend_ignore),
        ):
            yield from ((key, code) for code in codes if code not in self._used_settings)

    def unused_file_ignores(self) -> Iterator[tuple[FileIgnore, str]]:
        """Patterns, and the codes below them that have covered nothing."""
        for asked in self.config.per_file_ignores:
            for code in asked.ignore:
                if (asked.pattern, code) not in self._used_patterns:
                    yield asked, code


def _by_line(comments: Iterable[Suppression]) -> dict[tuple[str, int], list[list[Suppression]]]:
    """Comments by path and line that they cover, those that cover the same lines together."""
    by_span: dict[tuple[str, int, int], list[Suppression]] = {}
    for comment in comments:
        first, last = comment.first_line, comment.last_line
        if comment.whole_file:
            first = last = _WHOLE_FILE
        by_span.setdefault((comment.location.path, first, last), []).append(comment)
    found: dict[tuple[str, int], list[list[Suppression]]] = {}
    for (path, first, last), those in by_span.items():
        for line in range(first, last + 1):
            found.setdefault((path, line), []).append(those)
    return found


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern means a file: by its whole path, by its name, or by a folder above it.

    ``*`` matches slashes too, as in ruff's ``per-file-ignores``; ``!`` in front means all others.
    """
    if pattern.startswith("!"):
        return not matches(pattern[1:], path)
    pattern = pattern.removeprefix("./")
    if pattern.endswith("/"):
        return path.startswith(pattern) or fnmatchcase(path, f"{pattern}*")
    return fnmatchcase(path, pattern) or fnmatchcase(path.rpartition("/")[2], pattern)
