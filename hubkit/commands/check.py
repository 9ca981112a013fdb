"""``hubkit check``: lint a hub repo from source alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hubkit.commands.known import Known, known_options
from hubkit.commands.output import Output, output_options
from hubkit.commands.selection import Selection, selection_options

if TYPE_CHECKING:
    from hubkit.config import Config
    from hubkit.facts import RepoFacts


@click.command()
@click.argument("repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]")
@selection_options
@known_options
@output_options
def command(repo: str, selection: Selection, known: Known, output: Output) -> int:
    """Lint a hub repo from source alone.

    Nothing of the repo is imported or run. Exit codes: 0 clean, 1 findings, 2 could not check.
    """
    from hubkit.commands.target import locate_target
    from hubkit.hubconf import read_repo
    from hubkit.linter import lint_repo

    root = locate_target(repo)
    config = selection.read_config(root)
    facts = read_repo(root)
    _require_something(facts, config)
    report = lint_repo(facts, known.apply(config))
    if known.update:
        return known.write(report, root, config)
    if known.reason is not None:
        known.comment(report, facts)
        report = lint_repo(read_repo(root), known.apply(config))
    output.write(report)
    return report.exit_code


def _require_something(facts: RepoFacts, config: Config) -> None:
    """Refuse what can only pass because nothing was looked at.

    Raises:
        UsageError: No rule is selected, or the folder is nothing that could be a hub repo.
    """
    from hubkit.errors import UsageError
    from hubkit.linter import select_rules

    if not select_rules(config):
        raise UsageError(
            "nothing to check: no rule is selected",
            hint="Rules in preview need --preview or their whole code.",
        )
    root = facts.root
    missing = facts.problem is not None and facts.problem.kind == "missing"
    if missing and not (root / ".git").exists() and not any(root.glob("**/*.py")):
        raise UsageError(
            f"nothing to check: {root} has no hubconf.py, no Python file and no git repo",
            hint="Give the folder of a hub repo, or owner/name[:ref].",
        )
