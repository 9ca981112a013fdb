"""HUB9xx: unknown codes, unknown entrypoints and unused suppressions.

``hubkit.rules.meta`` declares these rules. They need the configuration and the findings of all
other rules, so their code is here.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import closest, did_you_mean
from hubkit.config import ALL
from hubkit.facts import Fix, Location
from hubkit.lint.select import covers
from hubkit.rules import all_rules, matching_rules
from hubkit.rules.meta import unknown_code, unknown_entrypoint, unused_suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hubkit.config import Config
    from hubkit.facts import Finding, RepoFacts, Suppression
    from hubkit.lint.suppression import Suppressions

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
    names = [one.name for one in hubconf.entrypoints] + [one.name for one in hubconf.leaks]
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
