"""``hubkit rules``: every rule and check, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubkit.commands.catalogue import CatalogueEntry

_INTRO = """# Rules and checks

One line for each: what `hubkit check` looks for in the source, and what `pytest --hubconf` tries out. `hubkit explain CODE` says why it matters, and what is bad and good. A rule in *preview* runs with `hubkit check --preview`, or when its whole code is selected: `--select HUB106`. A *safe* fix leaves what the code does as it is, an *unsafe* one is for the author to judge.

This page is what `hubkit rules --output-format markdown` prints.
"""
_FAMILIES = {
    "HUB0": "The file and the protocol",
    "HUB1": "Dependencies",
    "HUB2": "Entrypoints",
    "HUB3": "Docstrings, the text that `torch.hub.help` prints",
    "HUB4": "What entrypoints give back",
    "HUB5": "Weights and downloads",
    "HUB6": "What is published",
    "HUB7": "Side effects and security",
    "HUB8": "Documents, licence and CI",
    "HUB9": "About the linter itself",
    "C1": "Checks of level 1: the protocol",
    "C2": "Checks of level 2: behaviour",
    "C3": "Checks of level 3: reproducible and portable",
}


@click.command()
@click.option(
    "--output-format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="How to list them.",
)
def command(output_format: str) -> None:
    """List every rule and every check.

    Rules are those of `hubkit check`, checks those of `pytest --hubconf`; without pytest there are
    no checks.
    """
    from hubkit.commands.catalogue import read_catalogue

    renderers = {"text": _render_text, "markdown": _render_markdown, "json": _render_json}
    echo_lines(renderers[output_format](read_catalogue()))


def _render_text(entries: Sequence[CatalogueEntry]) -> str:
    return "".join(
        f"{one.code:7} {one.slug:28} {one.severity:9} {'' if one.is_default else 'preview':8}"
        f"{one.summary}\n"
        for one in entries
    )


def _render_json(entries: Sequence[CatalogueEntry]) -> str:
    import dataclasses
    import json

    rows = [dataclasses.asdict(one) for one in entries]
    return json.dumps({"schema": 1, "rules": rows}, indent=2) + "\n"


def _render_markdown(entries: Sequence[CatalogueEntry]) -> str:
    parts = [_INTRO]
    for prefix, title in _FAMILIES.items():
        rows = [one for one in entries if one.code.startswith(prefix)]
        if not rows:
            continue
        is_rule = rows[0].kind == "rule"
        head = (
            "| code | name | severity | runs | fix | finds |"
            if is_rule
            else ("| code | name | for the level | shows |")
        )
        rule_line = "| --- " * (head.count("|") - 1) + "|"
        lines = [_rule_row(one) if is_rule else _check_row(one) for one in rows]
        parts.append("\n".join([f"## {title}\n", head, rule_line, *lines]) + "\n")
    return "\n".join(parts)


def _rule_row(one: CatalogueEntry) -> str:
    runs = "default" if one.is_default else "preview"
    return f"| {one.code} | {one.slug} | {one.severity} | {runs} | {one.fix} | {_cell(one)} |"


def _check_row(one: CatalogueEntry) -> str:
    return f"| {one.code} | {one.slug} | {one.severity} | {_cell(one)} |"


def _cell(one: CatalogueEntry) -> str:
    return one.summary.replace("|", "\\|")
