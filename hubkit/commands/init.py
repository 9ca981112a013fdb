"""``hubkit init``: a hub repo from a template, or what is missing in one."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hubkit.errors import TemplateError, UsageError
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hubkit.scaffold import Answers, Discovery, Outcome, Question, RenderedFile, Template


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, where, and from which answers."""

    target: Path
    template: Template
    found: Discovery
    answers: Answers
    files: tuple[RenderedFile, ...]
    is_new: bool


@click.command("init", short_help="Make a hub repo from a template, or add what is missing.")
@click.argument("path", metavar="[NAME|PATH]", default=".")
@click.option("-t", "--template", metavar="NAME|DIR", help="What to make; --list shows them.")
@click.option("--bare", is_flag=True, help="hubconf.py and configuration only: --template minimal.")
@click.option("--defaults", is_flag=True, help="Ask nothing.")
@click.option("--repo", metavar="OWNER/NAME", help="Where it will be published on GitHub.")
@click.option(
    "-a", "--answer", "answers", metavar="KEY=VALUE", multiple=True, help="Answer a question."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option(
    "--git/--no-git", default=None, help="Make it a git repo; by default when new and in none."
)
@click.option("--list", "listing", is_flag=True, help="Show the templates and what they ask.")
def command(
    path: str,
    template: str | None,
    repo: str | None,
    answers: tuple[str, ...],
    *,
    bare: bool,
    defaults: bool,
    dry_run: bool,
    git: bool | None,
    listing: bool,
) -> None:
    """Make a hub repo from a template, or add what is missing.

    With a NAME, makes a folder with a small model that trains in seconds. Without, adds to the
    current folder. A file that is there already stays as it is.
    """
    if listing:
        _print_templates()
        return
    if bare and template:
        raise UsageError("--bare is a template of its own: leave --template out")
    given = _read_given((*answers, f"repo={repo}") if repo else answers)
    wanted = "minimal" if bare else template
    plan = _plan(Path(path), wanted, given, asking=not defaults and _on_terminal())
    if dry_run:
        _print_plan(plan)
    else:
        _carry_out(plan, git=git)


def _plan(path: Path, wanted: str | None, given: dict[str, str], *, asking: bool) -> Plan:
    from hubkit.scaffold import read_discovery, read_template, render_template, resolve_answers

    target = path.resolve()
    found = read_discovery(target)
    template = read_template(wanted or _select_template(found))
    if asking:
        given = _ask(template, given, found)
    answers = resolve_answers(template, given, found)
    files = render_template(template, answers, found)
    is_new = not target.is_dir() or not any(target.iterdir())
    return Plan(target, template, found, answers, files, is_new)


def _select_template(found: Discovery) -> str:
    """The one that made the folder; else the whole repo, or little where there is code already."""
    from hubkit.scaffold import DEFAULT, MINIMAL

    return found.template or (MINIMAL if found.has_code else DEFAULT)


def _read_given(pairs: Sequence[str]) -> dict[str, str]:
    given = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{pair!r} is not KEY=VALUE", hint="Such as: -a license=MIT")
        given[key] = value
    return given


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(template: Template, given: Mapping[str, str], found: Discovery) -> dict[str, str]:
    from hubkit.scaffold import require_answer, require_known, suggest_answer

    require_known(template, given)
    texts = dict(given)
    answers: Answers = {}
    for question in template.questions:
        if question.name not in texts:
            default = suggest_answer(question, answers, found)
            texts[question.name] = _prompt(question, default) if question.text else default
        answers[question.name] = require_answer(question, texts[question.name])
    return texts


def _prompt(question: Question, default: str) -> str:
    from hubkit.scaffold import require_answer

    def check(text: str) -> str:
        try:
            require_answer(question, text)
        except TemplateError as error:
            raise click.UsageError(error.message) from None
        return text

    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    prompt = f"{question.text}{choices}"
    text: str = click.prompt(prompt, default=default or None, value_proc=check, err=True)
    return text


def _carry_out(plan: Plan, *, git: bool | None) -> None:
    from hubkit.scaffold import write_files

    _print_outcomes(plan, write_files(plan.target, plan.files))
    has_repo = _settle_git(plan, git=git)
    _print_verdict(plan.target)
    _print_next(plan, has_repo=has_repo)


def _settle_git(plan: Plan, *, git: bool | None) -> bool:
    """Make the target a git repo when that is wanted; says whether it lies in one now."""
    from hubkit.scaffold import read_work_tree, write_git_repo

    tree = read_work_tree(plan.target)
    wanted = tree is None and plan.is_new if git is None else git
    if wanted and tree != plan.target:
        if write_git_repo(plan.target):
            click.echo("Made it a git repo, on branch main; nothing is committed yet.")
            return True
        click.echo("It is no git repo: git is missing or failed.")
        return tree is not None
    if tree is not None and tree != plan.target:
        click.echo(f"It lies inside the git repo {tree}. To publish it, make it one: --git.")
    return tree is not None


def _print_templates() -> None:
    from hubkit.scaffold import DEFAULT, read_templates

    for template in read_templates():
        mark = " (default)" if template.name == DEFAULT else ""
        click.echo(f"{template.name}{mark}: {template.description}")
        for question in template.questions:
            choices = f": {', '.join(question.choices)}" if question.choices else ""
            click.echo(f"  -a {question.name}=...  {question.text}{choices}")


def _print_plan(plan: Plan) -> None:
    from hubkit.scaffold import compare_files

    _print_outcomes(plan, compare_files(plan.target, plan.files), created="would create")
    click.echo("Nothing was written.")


def _print_outcomes(plan: Plan, outcomes: Sequence[Outcome], created: str = "created") -> None:
    click.echo(f"{plan.target}, from the template {plan.template.name}:")
    words = {"created": created, "same": "kept", "kept": "kept"}
    for outcome in outcomes:
        differs = "  (differs from the template's)" if outcome.state == "kept" else ""
        click.echo(f"  {words[outcome.state]:{len(created)}}  {outcome.path}{differs}")


def _print_verdict(target: Path) -> None:
    from hubkit.config import read_config
    from hubkit.hubconf import read_repo
    from hubkit.linter import lint_repo
    from hubkit.reporters.full import format_finding
    from hubkit.reporters.wording import format_summary

    report = lint_repo(read_repo(target), read_config(target))
    for finding in report.findings:
        click.echo(format_finding(finding, report))
    click.echo(f"hubkit check: {format_summary(report)}")


def _print_next(plan: Plan, *, has_repo: bool) -> None:
    from hubkit.scaffold import UNKNOWN_OWNER, render_text

    repo = plan.answers.get("repo")
    if isinstance(repo, str) and repo.startswith(f"{UNKNOWN_OWNER}/"):
        click.echo(f"The files call it {repo}: put your own name there before you publish.")
    steps = [
        render_text(step, {**plan.answers, "found": plan.found}, where="next")
        for step in plan.template.next_steps
    ]
    if plan.target != Path.cwd():
        steps.insert(0, f"cd {shlex.quote(_short(plan.target))}")
    if not has_repo:
        steps.insert(1 if len(steps) > 1 else 0, "git init -b main")
    click.echo("Next:")
    for step in steps:
        click.echo(f"  {step}")


def _short(target: Path) -> str:
    here = Path.cwd()
    return str(target.relative_to(here)) if target.is_relative_to(here) else str(target)
