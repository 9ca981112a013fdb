"""``hubkit explain``: why a rule or check exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_lines
from hubkit._util.text import close_matches, join_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.commands.catalogue import CatalogueEntry


@click.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
def command(codes: tuple[str, ...]) -> None:
    """Say why a rule or check exists.

    What it finds, why that bites, what is bad and what is good. CODE may be a name, such as
    undeclared-import; the first digits of several, such as HUB1, list those. Without CODE all are
    listed.
    """
    from hubkit.commands.catalogue import read_catalogue
    from hubkit.errors import UsageError

    entries = read_catalogue()
    wanted = [_find(code, entries) for code in codes or ("",)]
    for code, found in zip(codes, wanted, strict=False):
        if not found:
            raise UsageError(f"there is no rule or check {code}", hint=_advise(code, entries))
    for number, found in enumerate(wanted):
        if number:
            echo()
        if len(found) == 1:
            echo_lines(_explain(found[0]))
        else:
            for one in found:
                echo(f"{one.code}  {one.slug:28} {one.summary}")


def _find(code: str, entries: Iterable[CatalogueEntry]) -> list[CatalogueEntry]:
    """The one of that code or name, else those whose codes start so."""
    name = code.upper()
    same = [one for one in entries if code == one.slug or name == one.code]
    return same or [one for one in entries if one.code.startswith(name) or name == "ALL"]


def _explain(one: CatalogueEntry) -> str:
    text = f"{one.code} {one.slug}\n\n{one.explanation}"
    return f"{text}\n\n{_describe_fix(one.fix)}" if one.fix else text


def _describe_fix(fix: str) -> str:
    applicability, _, sometimes = fix.partition(", ")
    some = " some of these" if sometimes else " these"
    if applicability == "safe":
        return f"Fix: `hubkit check --fix` puts{some} right."
    return f"Fix: `hubkit check --fix --unsafe-fixes` puts{some} right; look at what it does."


def _advise(code: str, entries: Iterable[CatalogueEntry]) -> str:
    words = {one.slug: one.code for one in entries} | {one.code: one.code for one in entries}
    meant = dict.fromkeys(words[word] for word in close_matches(code, words))
    listed = join_words((f"`{one}`" for one in meant), "or")
    return f"Did you mean {listed}?" if meant else "`hubkit explain` lists them."
