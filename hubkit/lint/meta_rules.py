"""HUB9xx: check the suppressions, selectors and settings themselves."""

from __future__ import annotations

import re
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
    from hubkit.lint.suppression import Sieve


# Codes of the conformance suite's checks (C106) may stand in the same places; they are its affair.
_CHECK_CODE = re.compile(r"C\d*")


def find_unknown(repo: RepoFacts, config: Config) -> Iterator[Finding]:
    """Comments and settings that name what is no rule."""
    for comment in repo.suppressions:
        for code in comment.codes:
            yield from _unknown(code, comment.location)
    for key, codes in (
        ("select", config.select),
        ("extend-select", config.extend_select),
        ("ignore", config.ignore),
        ("extend-ignore", config.extend_ignore),
    ):
        for code in codes:
            yield from _unknown(code, _place(config, key, code))
    for asked in config.per_file_ignores:
        for code in asked.ignore:
            yield from _unknown(code, _place(config, "per-file-ignores", asked.pattern, code))


def _unknown(code: str, location: Location | None) -> Iterator[Finding]:
    if not matching_rules(code) and code != ALL and not _CHECK_CODE.fullmatch(code):
        yield unknown_code.finding(
            f"there is no rule {code}, so naming it has no effect", location, hint=advise_code(code)
        )


def advise_code(code: str) -> str:
    """What to do about a code that no rule has: the likely one, also for a rule's name."""
    if matching_rules(code.upper()):
        return f"Did you mean `{code.upper()}`? `hubkit explain` lists the codes."
    known = {rule.slug: rule.code for rule in all_rules()} | {r.code: r.code for r in all_rules()}
    close = closest(code, known)
    meant = f"Did you mean `{known[close]}`? " if close else ""
    return f"{meant}`hubkit explain` lists the codes."


def find_unknown_entrypoints(repo: RepoFacts, config: Config) -> Iterator[Finding]:
    """Entrypoints that only the configuration knows."""
    hubconf = repo.hubconf
    if hubconf is None or hubconf.has_dynamic_names:
        return
    names = [one.name for one in hubconf.entrypoints] + [one.name for one in hubconf.leaks]
    for name in config.entrypoints:
        if name not in names:
            yield unknown_entrypoint.finding(
                f"there is no entrypoint `{name}`, so what is said about it has no effect",
                _place(config, "entrypoints", name),
                hint=_advise_entrypoint(name, names),
            )


def _advise_entrypoint(name: str, names: list[str]) -> str:
    return did_you_mean(name, names) or "Remove it; `hubkit list` shows the names."


def find_unused(sieve: Sieve, ran: Collection[str]) -> Iterator[Finding]:
    """Requests to leave out that covered nothing although all that they could cover ran.

    What is only said on the command line is not judged.
    """
    if sieve.repo.hubconf is None:
        return
    for comment, code in sieve.unused_comments():
        if _all_ran(code, ran):
            where = f"{comment.location.path}" if comment.whole_file else "here"
            yield unused_suppression.finding(
                f"nothing {'in ' * comment.whole_file}{where} breaks {code}, so ignoring it has no"
                " effect",
                comment.location,
                hint="Remove the comment."
                if comment.whole_file
                else "Remove the comment, or move it to the statement that it is for.",
                fix=_drop(sieve.repo, comment, code),
            )
    yield from _unused_settings(sieve, ran)


def _drop(repo: RepoFacts, comment: Suppression, code: str) -> Fix | None:
    from hubkit.lint.comments import drop_code

    edit = drop_code(repo, comment, code)
    return Fix("Remove it", "safe", (edit,)) if edit else None


def _unused_settings(sieve: Sieve, ran: Collection[str]) -> Iterator[Finding]:
    for key, code in sieve.unused_settings():
        place = _place(sieve.config, key, code)
        if place is not None and _all_ran(code, ran):
            yield unused_suppression.finding(
                f"nothing in this repo breaks {code}, so ignoring it has no effect",
                place,
                hint=f"Remove {code} from `{key}`.",
            )
    for asked, code in sieve.unused_file_ignores():
        place = _place(sieve.config, "per-file-ignores", asked.pattern, code)
        if place is not None and _all_ran(code, ran):
            yield unused_suppression.finding(
                f"nothing in `{asked.pattern}` breaks {code}, so ignoring it there has no effect",
                place,
                hint=f'Remove {code} from `per-file-ignores."{asked.pattern}"`.',
            )


def _all_ran(code: str, ran: Collection[str]) -> bool:
    meant = {
        r.code for r in all_rules() if covers(code, r.code) and (not r.preview or r.code == code)
    }
    return bool(meant) and meant <= set(ran)


def _place(config: Config, *words: str) -> Location | None:
    line = config.find_line(*words)
    return Location(config.path, line) if line else None
