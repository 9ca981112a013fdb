"""``hubkit explain``: why a rule or check exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.commands.catalogue import CatalogueEntry


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Say why a rule or check exists.

    What it finds, why that bites, what is bad and what is good. Without CODE all are listed. CODE
    may be a name, such as undeclared-import.
    """
    from hubkit.commands.catalogue import read_catalogue
    from hubkit.errors import UsageError

    entries = read_catalogue()
    if code is None:
        for one in entries:
            click.echo(f"{one.code}  {one.slug:28} {one.summary}")
        return
    found = next((one for one in entries if code in (one.slug, one.code, one.code.lower())), None)
    if found is None:
        raise UsageError(f"there is no rule or check {code}", hint=_advise(code, entries))
    click.echo(f"{found.code} {found.slug}\n\n{found.explanation}")
    if found.fix:
        click.echo(f"\n{_describe_fix(found.fix)}")


def _describe_fix(fix: str) -> str:
    applicability, _, sometimes = fix.partition(", ")
    some = " some of these" if sometimes else " these"
    if applicability == "safe":
        return f"Fix: `hubkit check --fix` puts{some} right."
    return f"Fix: `hubkit check --fix --unsafe-fixes` puts{some} right; look at what it does."


def _advise(code: str, entries: Iterable[CatalogueEntry]) -> str:
    import difflib

    words = {one.slug: one.code for one in entries} | {one.code: one.code for one in entries}
    close = difflib.get_close_matches(code, words, n=3)
    meant = " or ".join(words[word] for word in close)
    return f"Did you mean {meant}?" if close else "`hubkit explain` lists them all."
