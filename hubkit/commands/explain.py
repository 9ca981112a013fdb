"""``hubkit explain``: why a rule or check exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.colors import paint
from hubkit._util.console import echo, echo_lines
from hubkit._util.text import close_matches, join_words
from hubkit.commands.base import print_answer, subcommand
from hubkit.commands.complete import complete_codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.commands.rules import CatalogEntry


@subcommand(answers=True)
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=complete_codes)
def command(codes: tuple[str, ...], *, as_json: bool) -> None:
    """Explain rules and checks.

    CODE is a code such as HUB105 or a name such as undeclared-import. A prefix such as HUB1 lists
    the rules that start with it. Without CODE, lists all of them.
    """
    from hubkit.commands.rules import paint_entry, read_catalog
    from hubkit.errors import UsageError

    entries = read_catalog()
    wanted = [_find(code, entries) for code in codes or ("",)]
    for code, found in zip(codes, wanted, strict=False):
        if not found:
            raise UsageError(f"Unknown rule or check: {code}", hint=_advise(code, entries))
    if as_json:
        print_answer({"rules": list(dict.fromkeys(one for found in wanted for one in found))})
        return
    for number, found in enumerate(wanted):
        if number:
            echo()
        if len(found) == 1:
            echo(paint_entry(found[0]), paint(f" {found[0].slug}", "bold"))
            echo()
            echo_lines(_explain(found[0]))
        else:
            for one in found:
                echo(paint_entry(one), f"  {one.slug:28} {one.summary}")


def _find(code: str, entries: Iterable[CatalogEntry]) -> list[CatalogEntry]:
    """The entry with that code or name, or those whose codes start with it."""
    name = code.upper()
    same = [one for one in entries if code == one.slug or name == one.code]
    return same or [one for one in entries if one.code.startswith(name) or name == "ALL"]


def _explain(one: CatalogEntry) -> str:
    fix = f"\n\n{_describe_fix(one.fix)}" if one.fix else ""
    return f"{one.explanation}{fix}"


def _describe_fix(fix: str) -> str:
    applicability, _, sometimes = fix.partition(", ")
    option = "" if applicability == "safe" else " --unsafe-fixes"
    review = "" if applicability == "safe" else " Review the changes."
    availability = "is sometimes available" if sometimes else "is available"
    return f"A fix {availability}: `hubkit check --fix{option}`.{review}"


def _advise(code: str, entries: Iterable[CatalogEntry]) -> str:
    words = {one.slug: one.code for one in entries} | {one.code: one.code for one in entries}
    meant = dict.fromkeys(words[word] for word in close_matches(code, words))
    listed = join_words((f"`{one}`" for one in meant), "or")
    return f"Did you mean {listed}?" if meant else "`hubkit explain` lists them."
