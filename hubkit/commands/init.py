"""``hubkit init``: a hub repo from a template, or what is missing in one."""

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
    ("entrypoints", "NAMES", "Models to publish, with commas between them; all; none."),
    ("repo", "OWNER/NAME", "Where it will be published on GitHub."),
    ("author", "TEXT", "Whose it is."),
    ("license", "SPDX", "Its licence, such as MIT; NONE for none."),
    ("description", "TEXT", "What it does, in one line."),
    ("weights", "both|in-repo|release|none", "Where trained weights are published."),
    ("config", "FILE", "The file that configures hubkit: pyproject.toml or hubkit.toml."),
)
_PARTS = (
    ("ci", "a GitHub workflow"),
    ("ci-card", "a job of it that fails when the model card is stale"),
    ("pre-commit", "a pre-commit hook"),
    ("attributes", "a .gitattributes"),
    ("citation", "a CITATION.cff"),
    ("license-file", "a LICENSE with the licence's text"),
    ("card", "a model card"),
    ("readme", "a README"),
    ("tests", "tests of the model's own"),
)


def _answer_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command one option for each of those questions."""
    for part, what in reversed(_PARTS):
        option = click.option(f"--{part}/--no-{part}", default=None, help=f"Make {what}, or not.")
        command = option(command)
    for name, metavar, text in reversed(_TEXTS):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


@click.command("init", short_help="Make a hub repo from a template, or publish one's models.")
@click.argument("path", metavar="[NAME|PATH]", default=".")
@click.option("-t", "--template", metavar="NAME|DIR", help="What to make; --list shows them.")
@click.option("--bare", is_flag=True, help="hubconf.py and configuration only: --template minimal.")
@click.option("--defaults", is_flag=True, help="Ask nothing.")
@click.option(
    "-a", "--answer", "pairs", metavar="KEY=VALUE", multiple=True, help="Answer a question."
)
@click.option(
    "--answers",
    "answers_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Answers in TOML; options come before them.",
)
@_answer_options
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--diff", is_flag=True, help="Show what --overwrite would change, and write nothing.")
@click.option("--overwrite", is_flag=True, help="Replace what differs from the template.")
@click.option("--check", is_flag=True, help="Exit with 1 if anything differs; write nothing.")
@click.option(
    "--git/--no-git", default=None, help="Make it a git repo; by default when new and in none."
)
@click.option("--list", "listing", is_flag=True, help="Show the templates and what they ask.")
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
    """Make a hub repo from a template, or publish the models of one.

    With a NAME, makes a folder with a small model that trains in seconds. In a folder with code,
    finds its models from their source and adds a hubconf.py and what else is missing; what is there
    stays as it is. Exit codes: 0 done, 1 with --check when something differs, 2 could not do it.
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
        raise UsageError("--bare is a template of its own: leave --template out")
    if sum(modes) > 1:
        raise UsageError("--dry-run, --diff and --check each show something else: choose one")
    if overwrite and (diff or check):
        raise UsageError("--overwrite writes, and --diff and --check do not: choose one")


def _gather(
    pairs: Sequence[str], answers_file: Path | None, flags: dict[str, str | bool | None]
) -> dict[str, str]:
    """The answers, as texts: of the file, over that the options, over that --answer."""
    from hubkit.scaffold import read_answers_file

    given = read_answers_file(answers_file) if answers_file else {}
    for name, value in flags.items():
        if value is not None:
            given[name] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{pair!r} is not KEY=VALUE", hint="Such as: -a license=MIT")
        given[key] = value
    return given


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _check(plan: Plan, *, named: bool) -> int:
    from hubkit.commands.telling import print_outcomes
    from hubkit.scaffold import compare_files

    if not plan.found.template and not named:
        raise UsageError(
            f"{plan.target} does not say what made it, so nothing can have drifted",
            hint="`hubkit init` writes that down in hubkit's configuration; run it there first.",
        )
    outcomes = compare_files(plan.target, plan.files)
    drifted = [outcome for outcome in outcomes if outcome.has_drifted]
    if not drifted:
        echo(f"Nothing has drifted from the template {plan.template.name}.")
        return 0
    print_outcomes(plan, drifted, dry=True)
    echo("See it with --diff; `hubkit init --overwrite` makes it so.")
    return 1


def _diff(plan: Plan) -> int:
    from hubkit.fixer import Change, render_diff
    from hubkit.scaffold import compare_files

    contents = {file.path: file.content for file in plan.files}
    changes: dict[str, Change] = {}
    for outcome in compare_files(plan.target, plan.files, overwrite=True):
        if outcome.state in ("created", "overwritten"):
            path = plan.target / outcome.path
            before = path.read_bytes() if outcome.state == "overwritten" else None
            changes[outcome.path] = Change(before, contents[outcome.path])
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
    """Make the target a git repo when that is wanted; says whether it lies in one now."""
    from hubkit.scaffold import read_work_tree, write_git_repo

    tree = read_work_tree(plan.target)
    wanted = tree is None and plan.is_new if git is None else git
    if wanted and tree != plan.target:
        if write_git_repo(plan.target):
            echo("Made it a git repo, on branch main; nothing is committed yet.")
            return True
        echo("It is no git repo: git is missing or failed.")
        return tree is not None
    if tree is not None and tree != plan.target:
        echo(f"It lies inside the git repo {tree}. To publish it, make it one: --git.")
    return tree is not None
