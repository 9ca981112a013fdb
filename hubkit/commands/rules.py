"""``hubkit rules``: list all rules and checks."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct

from hubkit._util.colors import Palette, paint
from hubkit._util.console import echo, echo_lines
from hubkit._util.text import Painted, table_row
from hubkit.commands.base import Choice, print_answer, subcommand
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTRO = """# Rules and checks

The rules of `hubkit check`, which reads source code, and the checks of `pytest --hubconf`, which runs it. `hubkit explain CODE` explains each one with examples. *Preview* rules run with `hubkit check --preview`, or if selected by their full code: `--select HUB106`. *Safe* fixes keep the behavior of the code; review *unsafe* ones.

This page is the output of `hubkit rules --output-format markdown`.
"""
_FAMILIES = {
    "HUB0": "The file and the protocol",
    "HUB1": "Dependencies",
    "HUB2": "Entrypoints",
    "HUB3": "Docstrings, the text that `torch.hub.help` prints",
    "HUB4": "Return values",
    "HUB5": "Weights and downloads",
    "HUB6": "Published files",
    "HUB7": "Side effects and security",
    "HUB8": "Documents, license and CI",
    "HUB9": "The linter itself",
    "C1": "Level 1 checks: the protocol",
    "C2": "Level 2 checks: behavior",
    "C3": "Level 3 checks: reproducible and portable",
}


class CatalogEntry(Struct, frozen=True):
    """A rule of ``hubkit check`` or a check of ``pytest --hubconf``.

    Attributes:
        code: Such as "HUB105" or "C207".
        slug: Its name, such as "undeclared-import".
        kind: "rule" or "check".
        severity: The default severity of a rule; "required" or "optional" for a check.
        is_default: Whether it runs by default.
        fix: "safe" or "unsafe" for a rule with fixes, followed by ", sometimes" if only some findings
            can be fixed; "" without fixes.
        summary: The first line of the explanation.
        explanation: The full text.
    """

    code: str
    slug: str
    kind: Literal["rule", "check"]
    severity: str
    is_default: bool
    fix: str
    summary: str
    explanation: str


def read_catalog() -> tuple[CatalogEntry, ...]:
    """All rules, and all checks if pytest is installed, in the order of their codes."""
    rules = _rules()
    return rules if importlib.util.find_spec("pytest") is None else (*rules, *_checks())


def _rules() -> tuple[CatalogEntry, ...]:
    from hubkit.rules import all_rules

    return tuple(
        CatalogEntry(
            rule.code,
            rule.slug,
            "rule",
            rule.severity,
            not rule.preview,
            f"{rule.applicability or ''}{', sometimes' if rule.fixable == 'sometimes' else ''}",
            rule.summary,
            rule.explanation,
        )
        for rule in all_rules()
    )


def _checks() -> tuple[CatalogEntry, ...]:
    # By name: hubkit does not depend on its pytest plugin.
    checks = importlib.import_module("pytest_hubkit.checks").all_checks()
    return tuple(
        CatalogEntry(
            check.code,
            check.slug,
            "check",
            "required" if check.required else "optional",
            True,
            "",
            check.explanation.partition("\n")[0],
            check.explanation,
        )
        for check in checks
    )


@subcommand(answers=True)
@click.option(
    "--output-format",
    type=Choice(["text", "markdown", "json"]),
    default="text",
    help="Output format.",
)
def command(output_format: str, *, as_json: bool) -> None:
    """List all rules and checks.

    Rules belong to `hubkit check`. Checks belong to `pytest --hubconf` and are listed if pytest is
    installed.
    """
    if as_json and output_format == "markdown":
        raise UsageError("--json cannot be combined with --output-format markdown")
    if as_json or output_format == "json":
        print_answer({"rules": read_catalog()})
        return
    if output_format == "markdown":
        echo_lines(_render_markdown(read_catalog()))
        return
    for one in read_catalog():
        severity = paint(f"{one.severity:9}", one.severity if one.kind == "rule" else "")
        when = "" if one.is_default else "preview"
        blanks = " " * (7 - len(one.code))
        echo(paint_entry(one), f"{blanks} {one.slug:28} ", severity, f" {when:8}{one.summary}")


def paint_entry(one: CatalogEntry) -> Painted:
    """The code of a rule or check, linked to its page."""
    return Palette(sys.stdout).link(one.code, paint(one.code, "name"))


def _render_markdown(entries: Sequence[CatalogEntry]) -> str:
    parts = [_INTRO]
    for prefix, title in _FAMILIES.items():
        rows = [one for one in entries if one.code.startswith(prefix)]
        if not rows:
            continue
        is_rule = rows[0].kind == "rule"
        heads = _RULE_HEADS if is_rule else _CHECK_HEADS
        head, rule_line = table_row(heads), table_row(["---"] * len(heads))
        lines = [_rule_row(one) if is_rule else _check_row(one) for one in rows]
        parts.append("\n".join([f"## {title}\n", head, rule_line, *lines]) + "\n")
    return "\n".join(parts)


_RULE_HEADS = ("code", "name", "severity", "runs", "fix", "finds")
_CHECK_HEADS = ("code", "name", "for the level", "shows")


def _rule_row(one: CatalogEntry) -> str:
    runs = "default" if one.is_default else "preview"
    return table_row((one.code, one.slug, one.severity, runs, one.fix, one.summary))


def _check_row(one: CatalogEntry) -> str:
    return table_row((one.code, one.slug, one.severity, one.summary))
