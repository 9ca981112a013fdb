"""``hubkit check``: lint a hub repo from source alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click
from msgspec import structs

from hubkit.commands.fixing import Fixing, fixing_options
from hubkit.commands.known import Known, known_options
from hubkit.commands.output import Output, output_options
from hubkit.commands.selection import Selection, selection_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.config import Config
    from hubkit.facts import Files, RepoFacts, Report


@click.command()
@click.argument("repo", default=".", metavar="[PATH|OWNER/NAME[:REF]]")
@click.option(
    "--ref", metavar="REV", help="Check the files of this commit instead of the work tree."
)
@click.option(
    "--no-git", is_flag=True, help="Check all files in the folder, tracked by git or not."
)
@click.option(
    "--against", metavar="REV", help="Report calls that worked at this commit and no longer do."
)
@click.option(
    "--no-cache",
    is_flag=True,
    envvar="HUBKIT_NO_CACHE",
    help="Neither read nor write the cache.",
)
@selection_options
@fixing_options
@known_options
@output_options
def command(
    repo: str,
    ref: str | None,
    no_git: bool,
    against: str | None,
    no_cache: bool,
    selection: Selection,
    fixing: Fixing,
    known: Known,
    output: Output,
) -> int:
    """Lint a hub repo from source alone.

    In a git repo, only tracked files are checked: users who load the repo get nothing else. No
    code of the repo is imported or run.

    Exit codes: 0 no findings, 1 findings, 2 the check could not run.
    """
    from hubkit.commands.target import is_own, open_earlier, open_target, require_own

    output.require_sense()
    fixing.require_sense()
    if fixing.diff or known.update:
        output.refuse("--diff" if fixing.diff else "--update-baseline")
    files = open_target(repo, ref=ref, use_git=not no_git)
    config = selection.read_config(files)
    before = open_earlier(repo, against) if against is not None else None
    judged = known.apply(config)
    if fixing.fix or known.writes_into_repo:
        require_own(repo, files)

    def judge(present: Files) -> Report:
        return _lint(_read(present, before), judged)

    if fixing.is_wanted:
        known.refuse("with --diff" if fixing.diff else "with --fix")
        outcome = fixing.plan(files, judge)
        if fixing.diff:
            return fixing.show(outcome)
        fixing.write(files, outcome)
        output.write(outcome.report)
        return fixing.exit_code(outcome)
    if known.update:
        return known.write(judge(files), files.root, config)
    if known.reason is not None:
        facts = _read(files, before)
        known.comment(_lint(facts, judged), facts)
        report = judge(files)
    elif no_cache or before is not None:
        report = judge(files)
    else:
        report = _recall(files, judged, judge)
    output.write(report if is_own(repo) else structs.replace(report, config=""))
    return report.exit_code


def _recall(files: Files, config: Config, judge: Callable[[Files], Report]) -> Report:
    """The cached report if no file changed since, or a new one."""
    from hubkit._util.paths import read_file
    from hubkit.lint import cached_report
    from hubkit.lint.baseline import locate_baseline

    if not files.is_file("hubconf.py"):  # whether there is anything to check is asked elsewhere
        return judge(files)
    baseline = None
    if config.baseline:
        with contextlib.suppress(OSError):
            baseline = read_file(locate_baseline(files.root, config.baseline), follow=True)
    return cached_report(files, (config, config.text, baseline), judge)


def _lint(facts: RepoFacts, config: Config) -> Report:
    from hubkit.lint import lint_repo

    _require_something(facts, config)
    return lint_repo(facts, config)


def _read(files: Files, before: Files | None) -> RepoFacts:
    """The repo's facts, and those of the earlier version to compare with, if any."""
    from hubkit.analysis import read_repo

    facts = read_repo(files)
    if before is None:
        return facts
    return structs.replace(facts, before=read_repo(before))


def _require_something(facts: RepoFacts, config: Config) -> None:
    """Refuse what can only pass because nothing was looked at.

    Raises:
        UsageError: No rule is selected, or the folder is nothing that could be a hub repo.
    """
    from hubkit.errors import UsageError
    from hubkit.lint import select_rules

    rules = select_rules(config)
    if rules and facts.before is None and all(rule.needs_previous for rule in rules):
        raise UsageError(
            f"nothing to check: {rules[0].code} needs an earlier version to compare with",
            hint="Name that version, for example --against v1.0.",
        )
    if not rules:
        raise UsageError(
            "nothing to check: no rule is selected",
            hint="To run preview rules, add --preview or select them by their full code."
            if config.select or config.extend_select
            else "`select` is empty: give codes, prefixes or ALL, or leave it out.",
        )
    missing = facts.problem is not None and facts.problem.kind == "missing"
    is_git = facts.files.is_tracked or (facts.root / ".git").exists()
    if missing and not is_git and not any(path.endswith(".py") for path in facts.files.paths()):
        raise UsageError(
            f"nothing to check: {facts.root} has no hubconf.py, no Python file and no git repo",
            hint="Pass the folder of a hub repo, or owner/name[:ref].",
        )
