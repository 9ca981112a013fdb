"""Run the rules on a repo and report what they find."""

from __future__ import annotations

import io
import tokenize
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from hubkit import limits
from hubkit.config import HUBKIT_TOML
from hubkit.errors import HubkitError, UsageError, missing_requirement
from hubkit.facts import Report, RuleFacts
from hubkit.lint.suppression import (
    Suppressions,
    find_unknown_codes,
    find_unknown_entrypoints,
    find_unused,
    most_specific,
)
from hubkit.rules import all_rules
from hubkit.rules.meta import internal_error
from hubkit.rules.registry import FindingWithFix

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from hubkit.config import Config
    from hubkit.facts import BaselineEntry, Files, Finding, RepoFacts
    from hubkit.rules import Rule

_PACKAGE = Path(__file__).parent.parent
_LONGEST = 200  # characters of an exception's text, which may contain source of the repo

Lines = dict[tuple[str, int], str]  # by path and number


def lint_repo(
    repo: RepoFacts,
    config: Config,
    rules: Iterable[Rule] | None = None,
    *,
    with_fixes: bool = False,
) -> Report:
    """Check a repo.

    Args:
        repo: The facts of the repo.
        config: Its configuration, which selects the rules.
        rules: The rules to select from; hubkit's own by default.
        with_fixes: Whether to compute the fixes of the findings.

    Returns:
        The findings and the suppressed findings, each sorted by place.

    Raises:
        ConfigError: The configuration names a baseline that cannot be read.
        GitRepoError: git fails.
    """
    repo = structs.replace(repo, limits=config.limits)
    baseline = _read_baseline(repo, config)
    suppressions = Suppressions(repo, config, {entry.fingerprint for entry in baseline})
    runs, lines = _run_selected(select_rules(config, rules), suppressions)
    finished = [run.rule for run in runs if run.crash is None]
    codes = {rule.code for rule in finished}
    lines |= _add(suppressions, _find_unknown(suppressions, codes))
    unused = (one for one in find_unused(suppressions, codes) if one.code in codes)
    lines |= _add(suppressions, unused)
    crashes = [(run.rule, run.crash) for run in runs if run.crash is not None]
    findings, failed = _finish(suppressions.reported, with_fixes=with_fixes)
    by_code = {rule.code: rule for rule in finished}
    crashes += [(by_code[code], crash) for code, crash in failed]
    suppressions.reported = findings
    if _add_crashes(suppressions, crashes) and internal_error.code not in codes:
        finished.append(internal_error)
    suppressed, _ = _finish((one.finding for one in suppressions.suppressed), with_fixes=False)
    hidden = [
        structs.replace(one, finding=finding)
        for one, finding in zip(suppressions.suppressed, suppressed, strict=True)
    ]
    return Report(
        findings=tuple(sorted(suppressions.reported, key=place_key)),
        suppressed=tuple(sorted(hidden, key=lambda one: place_key(one.finding))),
        rules=tuple(sorted(map(_describe, finished), key=lambda rule: rule.code)),
        fail_on=config.fail_on,
        lines=lines,
        fixed=tuple(_find_fixed(baseline, suppressions, codes)),
        config=config.path or HUBKIT_TOML,
        ignores=config.ignores,
        root=str(repo.root),
    )


def _read_baseline(repo: RepoFacts, config: Config) -> tuple[BaselineEntry, ...]:
    if not config.baseline:
        return ()
    from hubkit.lint.baseline import locate_baseline, read_baseline

    return read_baseline(locate_baseline(repo.root, config.baseline))


class _RuleRun(Struct, frozen=True):
    """A rule and its findings, or the finding that reports its crash."""

    rule: Rule
    findings: tuple[Finding, ...] = ()
    crash: Finding | None = None


def _run_selected(
    rules: tuple[Rule, ...], suppressions: Suppressions
) -> tuple[list[_RuleRun], Lines]:
    """Run the rules; if an exclusive rule finds something, only the exclusive ones."""
    repo = suppressions.repo
    rules = tuple(rule for rule in rules if repo.before is not None or not rule.needs_previous)
    runs = [_run_rule(rule, repo) for rule in rules if rule.exclusive]
    lines = _add(suppressions, _checked(runs, suppressions.config))
    if not suppressions.reported:
        more = [_run_rule(rule, repo) for rule in rules if not rule.exclusive]
        lines |= _add(suppressions, _checked(more, suppressions.config))
        runs += more
    return runs, lines


def _run_rule(rule: Rule, repo: RepoFacts) -> _RuleRun:
    try:
        return _RuleRun(rule, tuple(rule.function(repo)))
    except (HubkitError, MemoryError):  # for example, git fails
        raise
    except Exception as error:
        missing = missing_requirement(error)
        if missing is not None:
            raise missing from error
        return _RuleRun(rule, crash=_describe_crash(rule.code, rule.slug, error))


def _describe_crash(code: str, slug: str, error: Exception) -> Finding:
    """The finding that reports the crash of a rule."""
    if isinstance(error, RecursionError):
        return internal_error.finding(
            f"rule {code} ({slug}) was skipped: the code is nested too deeply",
            hint="Split the longest expressions into several statements, or ignore the rule:"
            f" `--extend-ignore {code}`.",
        )
    text = str(error)
    message = f": {text[:_LONGEST]}{'…' * (len(text) > _LONGEST)}" if text else ""
    return internal_error.finding(
        f"rule {code} ({slug}) crashed with {type(error).__name__}{message} ({_find_frame(error)})",
        hint="This is a bug in hubkit. Please report it, if possible with the code that was"
        f" checked: `hubkit doctor` says where. To skip the rule: `--extend-ignore {code}`.",
    )


def _find_frame(error: Exception) -> str:
    """The line of hubkit at which an exception was raised."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE)]
    frame = own[-1] if len(own) > 1 else frames[-1]  # the first is a frame of this module
    path = Path(frame.filename)
    inside = path.is_relative_to(_PACKAGE)
    shown = path.relative_to(_PACKAGE.parent).as_posix() if inside else path.name
    return f"{shown}, line {frame.lineno}"


def _checked(runs: Iterable[_RuleRun], config: Config) -> Iterator[Finding]:
    """Findings of rules, without those about entrypoints of an exempt kind."""
    for run in runs:
        for finding in run.findings:
            if not _is_exempt(run.rule, finding, config):
                yield finding


def _is_exempt(rule: Rule, finding: Finding, config: Config) -> bool:
    return (
        finding.entrypoint is not None
        and config.entrypoint(finding.entrypoint).kind in rule.exempt_kinds
    )


def _find_unknown(suppressions: Suppressions, codes: Collection[str]) -> Iterator[Finding]:
    """Unknown codes and entrypoints, if the rules that report them ran."""
    repo, config = suppressions.repo, suppressions.config
    unknown = (*find_unknown_codes(repo, config), *find_unknown_entrypoints(repo, config))
    yield from (one for one in unknown if one.code in codes)


def _add(suppressions: Suppressions, findings: Iterable[Finding]) -> Lines:
    """Sort findings, add them, and return the source lines that they are about."""
    ordered = sort_by_place(findings)
    lines = read_lines(suppressions.repo.files, ordered)
    for finding in add_fingerprints(ordered, lines):
        suppressions.add(finding)
    return lines


def _add_crashes(suppressions: Suppressions, crashes: Sequence[tuple[Rule, Finding]]) -> bool:
    """Add one finding per crash; returns whether there are any."""
    findings = add_fingerprints([crash for _, crash in crashes], {})
    for (rule, _), finding in zip(crashes, findings, strict=True):
        suppressions.add_crash(finding, rule.code)
    return bool(crashes)


def _finish(
    findings: Iterable[Finding], *, with_fixes: bool
) -> tuple[list[Finding], list[tuple[str, Finding]]]:
    """Turn findings that can compute their fix into plain ones; also returns crashes by code."""
    finished: list[Finding] = []
    crashes: list[tuple[str, Finding]] = []
    for finding in findings:
        if not isinstance(finding, FindingWithFix):
            finished.append(finding)
            continue
        try:
            finished.append(finding.finish(with_fix=with_fixes))
        except Exception as error:  # noqa: BLE001 - a bug in a fix must not hide the findings
            finished.append(finding.finish(with_fix=False))
            crashes.append((finding.code, _describe_crash(finding.code, "its fix", error)))
    return finished, crashes


def _find_fixed(
    baseline: Iterable[BaselineEntry], suppressions: Suppressions, codes: Collection[str]
) -> Iterator[BaselineEntry]:
    """Baseline entries of rules that ran and that no longer match a finding."""
    found = {finding.fingerprint for finding in suppressions.reported}
    found |= {one.finding.fingerprint for one in suppressions.suppressed}
    for entry in baseline:
        if entry.code in codes and entry.fingerprint not in found:
            yield entry


def _describe(rule: Rule) -> RuleFacts:
    return RuleFacts(
        rule.code, rule.slug, rule.severity, rule.summary, rule.explanation, rule.several
    )


def sort_by_place(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by place and drop duplicates."""
    unique: dict[Finding, Finding] = {}
    for finding in findings:
        plain = finding.finish() if isinstance(finding, FindingWithFix) else finding
        unique.setdefault(plain, finding)
    return sorted(unique.values(), key=place_key)


def place_key(finding: Finding) -> tuple[str, int, int, str, str]:
    """The sort key of findings: hubconf.py first, then by path and position."""
    place = finding.location
    if place is None:
        return "", 0, 0, finding.code, finding.message
    path = "" if place.path == "hubconf.py" else place.path
    return path, place.line, place.column, finding.code, finding.message


def read_lines(files: Files, findings: Iterable[Finding]) -> Lines:
    """Read the source lines that findings are about, each file once."""
    wanted: dict[str, set[int]] = {}
    for finding in findings:
        if finding.location is not None:
            wanted.setdefault(finding.location.path, set()).add(finding.location.line)
    return {
        (path, number): lines[number - 1][: limits.LINE.most]
        for path, numbers in wanted.items()
        for lines in [_read_file_lines(files, path)]
        for number in numbers
        if 0 < number <= len(lines)
    }


def _read_file_lines(files: Files, path: str) -> list[str]:
    try:
        data = files.read(path, limits.SOURCE_BYTES.most)
    except (OSError, ValueError):
        return []
    encoding = "utf-8"
    if path.endswith(".py"):
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError:
            encoding = "utf-8"
    # Not splitlines: Python counts lines by line ends alone, not by form feeds and the like.
    try:
        text = data.decode(encoding, errors="replace")
    except (LookupError, ValueError):  # "hex" does not decode to text, and "idna" cannot replace
        text = data.decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def add_fingerprints(
    findings: Sequence[Finding], lines: Mapping[tuple[str, int], str]
) -> tuple[Finding, ...]:
    """Give each finding a fingerprint that stays the same when lines move.

    It is a hash of the code, the file and the text of the line, or of the message if there is no
    line. Equal hashes are numbered: ``<hash>:2``.
    """
    seen: Counter[str] = Counter()
    marked = []
    for finding in findings:
        digest = _digest(finding, lines)
        seen[digest] += 1
        marked.append(structs.replace(finding, fingerprint=f"{digest}:{seen[digest]}"))
    return tuple(marked)


def _digest(finding: Finding, lines: Mapping[tuple[str, int], str]) -> str:
    import hashlib

    place = finding.location
    path = place.path if place else ""
    line = lines.get((place.path, place.line), "") if place else ""
    subject = " ".join(line.split()) or finding.message
    text = "\0".join((finding.code, path, finding.entrypoint or "", subject))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# Which rules run


def select_rules(config: Config, rules: Iterable[Rule] | None = None) -> tuple[Rule, ...]:
    """Return the rules that a configuration selects.

    A preview rule runs if its full code is selected, or if preview is enabled.

    Args:
        config: The configuration.
        rules: The rules to select from; hubkit's own by default.
    """
    selectors = (*config.select, *config.extend_select)
    return tuple(
        rule
        for rule in (all_rules() if rules is None else rules)
        if most_specific(rule.code, selectors) is not None
        and (config.preview or not rule.preview or rule.code in selectors)
    )


def require_something_to_check(facts: RepoFacts, config: Config) -> None:
    """Reject a run that would pass only because it checks nothing.

    Raises:
        UsageError: No rule is selected, or the folder cannot be a hub repo.
    """
    rules = select_rules(config)
    if rules and facts.before is None and all(rule.needs_previous for rule in rules):
        raise UsageError(
            f"Nothing to check: {rules[0].code} needs an earlier version to compare with",
            hint="Pass that version. For example: --against v1.0",
        )
    if not rules:
        raise UsageError(
            "Nothing to check: no rule is selected",
            hint="To run preview rules, add --preview or select them by their full code."
            if config.select or config.extend_select
            else "`select` is empty. Add codes, prefixes or ALL, or remove the setting.",
        )
    missing = facts.problem is not None and facts.problem.kind == "missing"
    is_git = facts.files.is_tracked or (facts.root / ".git").exists()
    if missing and not is_git and not any(path.endswith(".py") for path in facts.files.paths()):
        raise UsageError(
            f"Nothing to check: {facts.root} has no hubconf.py, no Python files and no git repo",
            hint="Pass the folder of a hub repo, or owner/name[:ref].",
        )
