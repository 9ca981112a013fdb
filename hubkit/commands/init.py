"""``hubkit init``: create a hub repo, or turn a repo into one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit._util.console import echo, echo_data
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hubkit.commands.planning import Plan

# Questions that have an option of their own; a template may ask for others, by --answer.
_TEXTS = (
    ("name", "TEXT", "Name of the project."),
    ("module", "NAME", "Name of its Python package."),
    ("entrypoint", "NAME", "Name of the model, as torch.hub.load takes it."),
    ("entrypoints", "NAMES", "Models to publish: comma-separated names, all, or none."),
    ("repo", "OWNER/NAME", "The repo on GitHub."),
    ("author", "TEXT", "Author."),
    ("license", "SPDX", "License, such as MIT, or NONE."),
    ("description", "TEXT", "Description in one line."),
    ("weights", "both|in-repo|release|none", "Where to publish trained weights."),
    ("config", "FILE", "Configuration file: pyproject.toml or hubkit.toml."),
)
_PARTS = (
    ("ci", "a GitHub workflow"),
    ("ci-card", "a CI job that fails if the model card is out of date"),
    ("pre-commit", "a pre-commit hook"),
    ("attributes", "a .gitattributes"),
    ("citation", "a CITATION.cff"),
    ("license-file", "a LICENSE file"),
    ("card", "a model card"),
    ("readme", "a README"),
    ("tests", "tests of the model"),
)


def _answer_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add an option for each of those questions."""
    for part, what in reversed(_PARTS):
        option = click.option(f"--{part}/--no-{part}", default=None, help=f"Create {what}, or not.")
        command = option(command)
    for name, metavar, text in reversed(_TEXTS):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


@click.command("init", short_help="Create a hub repo, or publish the models of a repo.")
@click.argument("path", metavar="[NAME|PATH]", default=".")
@click.option("-t", "--template", metavar="NAME|DIR", help="Template; see --list.")
@click.option(
    "--bare", is_flag=True, help="Only hubconf.py and configuration; same as --template minimal."
)
@click.option("--defaults", is_flag=True, help="Use the defaults; do not ask.")
@click.option(
    "-a", "--answer", "pairs", metavar="KEY=VALUE", multiple=True, help="Answer a question."
)
@click.option(
    "--answers",
    "answers_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML file with answers; options take precedence.",
)
@_answer_options
@click.option("--dry-run", is_flag=True, help="Show what would be written; write nothing.")
@click.option("--diff", is_flag=True, help="Show what --overwrite would change; write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace files that differ from the template.")
@click.option("--check", is_flag=True, help="Exit with 1 if a file differs; write nothing.")
@click.option(
    "--git/--no-git",
    default=None,
    help="Create a git repo.  [default: if the folder is new and not in one]",
)
@click.option("--list", "listing", is_flag=True, help="List the templates and their questions.")
def command(
    path: str,
    template: str | None,
    pairs: tuple[str, ...],
    answers_file: Path | None,
    *,
    bare: bool,
    defaults: bool,
    dry_run: bool,
    diff: bool,
    overwrite: bool,
    check: bool,
    git: bool | None,
    listing: bool,
    **flags: str | bool | None,
) -> int:
    """Create a hub repo from a template, or publish the models of a repo.

    With a NAME, creates a folder with a small model that trains in seconds. In a folder with code,
    finds its models in the source and adds a hubconf.py and other missing files. Existing files are
    not changed.

    Exit codes: 0 success, 1 a file differs (with --check), 2 an error.
    """
    from hubkit.commands.planning import make_plan
    from hubkit.commands.telling import print_templates

    if listing:
        print_templates()
        return 0
    _require_sense(bare=bare, template=template, modes=(dry_run, diff, check), overwrite=overwrite)
    given = _gather(pairs, answers_file, flags)
    wanted = given.pop("template", "")
    wanted = "minimal" if bare else template or wanted
    writes = not (dry_run or diff or check)
    asking = writes and not defaults and _on_terminal()
    plan = make_plan(Path(path).resolve(), wanted, given, asking=asking)
    if check:
        return _check(plan, named=bool(wanted))
    if diff:
        return _diff(plan)
    if dry_run:
        return _rehearse(plan, overwrite=overwrite)
    return _carry_out(plan, git=git, overwrite=overwrite)


def _require_sense(
    *, bare: bool, template: str | None, modes: tuple[bool, ...], overwrite: bool
) -> None:
    _, diff, check = modes
    if bare and template:
        raise UsageError("--bare cannot be combined with --template")
    if sum(modes) > 1:
        raise UsageError("--dry-run, --diff and --check cannot be combined")
    if overwrite and (diff or check):
        raise UsageError("--overwrite cannot be combined with --diff or --check")


def _gather(
    pairs: Sequence[str], answers_file: Path | None, flags: dict[str, str | bool | None]
) -> dict[str, str]:
    """The answers as texts: --answer overrides options, and those override the file."""
    from hubkit.scaffold import read_answers_file

    given = read_answers_file(answers_file) if answers_file else {}
    for name, value in flags.items():
        if value is not None:
            given[name] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{pair!r} is not KEY=VALUE", hint="For example -a license=MIT.")
        given[key] = value
    return given


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _check(plan: Plan, *, named: bool) -> int:
    from hubkit.commands.telling import print_outcomes
    from hubkit.scaffold import compare_files

    if not plan.found.template and not named:
        raise UsageError(
            f"{plan.target} was not created by `hubkit init`, so there is nothing to compare",
            hint="Run `hubkit init` there first: it records its template in the configuration.",
        )
    outcomes = compare_files(plan.target, plan.files)
    drifted = [outcome for outcome in outcomes if outcome.has_drifted]
    if not drifted:
        echo(f"All files match the template {plan.template.name}.")
        return 0
    print_outcomes(plan, drifted, dry=True)
    echo("Use --diff to see the differences, and --overwrite to apply the template.")
    return 1


def _diff(plan: Plan) -> int:
    from hubkit.lint import FileChange, render_diff
    from hubkit.scaffold import compare_files

    contents = {file.path: file.content for file in plan.files}
    changes: dict[str, FileChange] = {}
    for outcome in compare_files(plan.target, plan.files, overwrite=True):
        if outcome.state in ("created", "overwritten"):
            path = plan.target / outcome.path
            before = path.read_bytes() if outcome.state == "overwritten" else None
            changes[outcome.path] = FileChange(before, contents[outcome.path])
    echo_data(render_diff(changes))
    return 0


def _rehearse(plan: Plan, *, overwrite: bool) -> int:
    from hubkit.commands.telling import print_found, print_outcomes
    from hubkit.scaffold import compare_files

    print_found(plan.found)
    print_outcomes(plan, compare_files(plan.target, plan.files, overwrite=overwrite), dry=True)
    echo("Nothing was written.")
    return 0


def _carry_out(plan: Plan, *, git: bool | None, overwrite: bool) -> int:
    from hubkit.commands.telling import print_found, print_next, print_outcomes, print_verdict
    from hubkit.scaffold import write_files

    outcomes = write_files(plan.target, plan.files, overwrite=overwrite)
    print_found(plan.found)
    print_outcomes(plan, outcomes)
    has_repo = _settle_git(plan, git=git)
    print_verdict(plan.target)
    print_next(plan, has_repo=has_repo)
    return 0


def _settle_git(plan: Plan, *, git: bool | None) -> bool:
    """Create a git repo if requested; returns whether the target is in one."""
    from hubkit.scaffold import read_work_tree, write_git_repo

    tree = read_work_tree(plan.target)
    wanted = tree is None and plan.is_new if git is None else git
    if wanted and tree != plan.target:
        if write_git_repo(plan.target):
            echo("Created a git repo on branch main. Nothing is committed yet.")
            return True
        echo("Could not create a git repo: git is missing or failed.")
        return tree is not None
    if tree is not None and tree != plan.target:
        echo(f"The folder is inside the git repo {tree}. To make it a repo of its own, use --git.")
    return tree is not None
