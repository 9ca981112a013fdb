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
from hubkit.errors import WHERE_TO_REPORT, HubkitError, missing_requirement
from hubkit.facts import Report, RuleFacts
from hubkit.lint.baseline import locate_baseline, read_baseline
from hubkit.lint.meta_rules import (
    find_unknown,
    find_unknown_entrypoints,
    find_unused,
)
from hubkit.lint.select import select_rules
from hubkit.lint.suppression import Sieve
from hubkit.rules.meta import internal_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from hubkit.config import Config
    from hubkit.facts import Files, Finding, KnownFinding, RepoFacts
    from hubkit.rules import Rule


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


_HERE = Path(__file__).parent.parent
_LONGEST = 200  # characters of an exception's text; a repo's source may be in it


class Ran(Struct, frozen=True):
    """A rule that ran to its end, or did not.

    Attributes:
        rule: The rule.
        findings: What it found, suppressed or not; nothing when it stopped.
        stopped: What is said about a rule that stopped; else None.
    """

    rule: Rule
    findings: tuple[Finding, ...] = ()
    stopped: Finding | None = None


def run_rules(rules: Iterable[Rule], repo: RepoFacts) -> tuple[Ran, ...]:
    """Run rules one after the other.

    Raises:
        HubkitError: What is to be judged cannot be read.
    """
    return tuple(_run_rule(rule, repo) for rule in rules)


def _run_rule(rule: Rule, repo: RepoFacts) -> Ran:
    try:
        return Ran(rule, tuple(rule.function(repo)))
    except HubkitError:  # such as git that fails: said on purpose, and no mistake of the rule's
        raise
    except Exception as error:
        missing = missing_requirement(error)
        if missing is not None:
            raise missing from error
        return Ran(rule, stopped=_report_crash(rule, error))


def _report_crash(rule: Rule, error: Exception) -> Finding:
    if isinstance(error, RecursionError):
        return internal_error.finding(
            f"the rule {rule.code} ({rule.slug}) was skipped: the repo's code is nested too deeply",
            hint="Split its longest expressions into several statements, or skip the rule: "
            f"`--extend-ignore {rule.code}`.",
        )
    text = str(error)
    said = f": {text[:_LONGEST]}{'…' * (len(text) > _LONGEST)}" if text else ""
    return internal_error.finding(
        f"the rule {rule.code} ({rule.slug}) stopped with {type(error).__name__}{said}"
        f" ({_find_place(error)})",
        hint=f"This is a mistake of hubkit's: please report it at {WHERE_TO_REPORT}, with the"
        f" code that it stopped at if you can. `--extend-ignore {rule.code}` goes without the rule"
        " meanwhile.",
    )


def _find_place(error: Exception) -> str:
    """The line of hubkit's that was at work, as far as a stack tells."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)]
    frame = own[-1] if len(own) > 1 else frames[-1]  # the first is that of this module
    path = Path(frame.filename)
    inside = path.is_relative_to(_HERE)
    shown = path.relative_to(_HERE.parent).as_posix() if inside else path.name
    return f"{shown}, line {frame.lineno}"


def sort_by_place(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order in which their author will look at them, each once."""
    return sorted(dict.fromkeys(findings), key=place_key)


def place_key(finding: Finding) -> tuple[str, int, int, str, str]:
    """What findings are sorted by."""
    place = finding.location
    if place is None:
        return "", 0, 0, finding.code, finding.message
    # hubconf.py comes first: it is what its author looks at first.
    path = "" if place.path == "hubconf.py" else place.path
    return path, place.line, place.column, finding.code, finding.message


def read_lines(files: Files, findings: Iterable[Finding]) -> dict[tuple[str, int], str]:
    """The source lines that findings are about, by path and number; each file is read once."""
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
    # Not splitlines: Python counts lines by their ends alone, not by form feeds and the like.
    try:
        text = data.decode(encoding, errors="replace")
    except (LookupError, ValueError):  # "hex" is no encoding of text, and "idna" replaces nothing
        text = data.decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def add_fingerprints(
    findings: Sequence[Finding], lines: Mapping[tuple[str, int], str]
) -> tuple[Finding, ...]:
    """The findings, each with a fingerprint that stays the same when lines move.

    It is made of the code, the file and the text of the line, or of the message where there is no
    line; the nth of equals gets n behind a colon.

    Args:
        findings: The findings, sorted by place.
        lines: The source lines that they are about.
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
