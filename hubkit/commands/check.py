"""``hubkit check``: lint a hub repo from source alone."""

from __future__ import annotations

import dataclasses
import sys

import click


@click.command()
@click.argument("repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="How to say what was found.",
)
@click.option("--select", multiple=True, metavar="CODE", help="Run these rules only; prefixes do.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Leave these findings out.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
def command(
    repo: str, output_format: str, select: tuple[str, ...], ignore: tuple[str, ...], exit_zero: bool
) -> int:
    """Lint a hub repo from source alone.

    Nothing of the repo is imported or run. Exit codes: 0 clean, 1 findings, 2 could not check.
    """
    from hubkit.commands.target import locate_target
    from hubkit.config import read_config
    from hubkit.hubconf import read_repo
    from hubkit.linter import lint_repo
    from hubkit.reporters import REPORTERS

    root = locate_target(repo)
    config = read_config(root)
    config = dataclasses.replace(
        config,
        select=_codes(select) or config.select,
        ignore={**config.ignore, **dict.fromkeys(_codes(ignore), "left out on the command line")},
    )
    report = lint_repo(read_repo(root), config)
    REPORTERS[output_format](report, root, sys.stdout)
    return 0 if exit_zero else report.exit_code


def _codes(given: tuple[str, ...]) -> tuple[str, ...]:
    """The codes of an option that may be repeated and may hold several with commas."""
    from hubkit.errors import UsageError
    from hubkit.rules import matching_rules

    codes = tuple(code.strip() for text in given for code in text.split(",") if code.strip())
    for code in codes:
        if not matching_rules(code):
            raise UsageError(f"there is no rule {code}", hint="`hubkit explain` lists them.")
    return codes
