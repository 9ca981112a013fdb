"""The messages of ``hubkit init``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.console import echo, echo_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubkit.commands.planning import Plan
    from hubkit.scaffold import Discovery, Outcome

# More lines than these hide what matters.
_MAX_LEFT = 5
_MAX_OTHERS = 12


def print_templates() -> None:
    """Print the templates and their questions."""
    from hubkit.scaffold import DEFAULT, read_templates

    for template in read_templates():
        mark = " (default)" if template.name == DEFAULT else ""
        echo(f"{template.name}{mark}: {template.description}")
        for question in template.questions:
            choices = f": {', '.join(question.choices)}" if question.choices else ""
            echo(f"  -a {question.name}=...  {question.text or question.help}{choices}")


def print_found(found: Discovery) -> None:
    """Print the models that will be published, the other ones, and the weights."""
    if found.has_code and not found.proposals and not found.has_hubconf:
        echo("No usable model found. Replace the example model in hubconf.py.")
    if found.entrypoints:
        echo("Entrypoints:")
        width = max(len(one.name) for one in found.entrypoints)
        for one in found.entrypoints:
            location = one.model.location
            weights = one.checkpoint and (one.checkpoint.path or one.checkpoint.url)
            more = f", with weights from {weights}" if weights else ""
            echo(f"  {one.name:{width}}  {location.path}:{location.line}{more}")
        echo(f"  dependencies: {', '.join(found.dependencies)}")
    names = {one.name for one in found.entrypoints}
    others = [one.name for one in found.proposals if one.name not in names]
    if found.is_ours and others:
        more = f" and {len(others) - _MAX_OTHERS} more" if len(others) > _MAX_OTHERS else ""
        listed = ", ".join(others[:_MAX_OTHERS])
        echo(f"Other models, which --entrypoints can select: {listed}{more}")
    _print_left(found)
    _print_weights(found)


def _print_left(found: Discovery) -> None:
    for one in found.leftovers[:_MAX_LEFT]:
        what = f"{one.name} of {one.module}" if one.module else f"the models of {one.name}"
        echo(f"Skipped {what}: {one.reason}")
    if len(found.leftovers) > _MAX_LEFT:
        echo(f"Skipped {len(found.leftovers) - _MAX_LEFT} more")


def _print_weights(found: Discovery) -> None:
    used = {
        one.checkpoint.path or one.checkpoint.url for one in found.entrypoints if one.checkpoint
    }
    for file in found.weights[:_MAX_LEFT]:
        if file.is_pointer:
            echo(f"Weights: {file.path} is a Git LFS pointer. Archives contain the pointer only.")
        elif file.path not in used:
            why = "no model of that name" if file.is_plain else "contains more than tensors"
            echo(f"Weights: skipped {file.path}: {why}")
    for url in [url for url in found.urls if url not in used][:_MAX_LEFT]:
        echo(f"Weights: skipped {url}: no model of that name")


def print_outcomes(plan: Plan, outcomes: Sequence[Outcome], *, dry: bool = False) -> None:
    """Print the outcome for each file.

    Args:
        plan: The plan.
        outcomes: The outcomes.
        dry: Whether nothing was written.
    """
    echo(f"{plan.target}, from the template {plan.template.name}:")
    if plan.found.has_hubconf and not any(one.path == "hubconf.py" for one in outcomes):
        echo(f"  {'kept':{12 if dry else 11}}  hubconf.py")
    for outcome in outcomes:
        change = outcome.state in ("created", "overwritten")
        state = outcome.state.replace("created", "create").replace("overwritten", "overwrite")
        word = f"would {state}" if dry and change else outcome.state
        mine = "  (yours, not changed)" if outcome.state == "differs" and outcome.is_yours else ""
        echo(f"  {word:{15 if dry else 11}}  {outcome.path}{mine}")


def print_verdict(target: Path) -> None:
    """Run ``hubkit check`` and print the findings."""
    from hubkit.analysis import read_repo
    from hubkit.config import read_config
    from hubkit.linter import lint_repo
    from hubkit.reporters.full import format_finding
    from hubkit.reporters.wording import format_summary

    report = lint_repo(read_repo(target), read_config(target))
    for finding in report.findings:
        echo_lines(format_finding(finding, report))
    echo(f"hubkit check: {format_summary(report)}")


def print_next(plan: Plan, *, has_repo: bool) -> None:
    """Print the commands to run next.

    Args:
        plan: The plan.
        has_repo: Whether the target is in a git repo.
    """
    from hubkit.scaffold import render_text
    from hubkit.source.project import PLACEHOLDER_OWNER

    repo = plan.answers.get("repo")
    if isinstance(repo, str) and repo.startswith(f"{PLACEHOLDER_OWNER}/"):
        echo(f"The files use the placeholder {repo}. Replace it before you publish.")
    if plan.answers.get("license") == "NONE":
        echo("There is no license, so nobody may use the code. To add one: --license MIT.")
    steps = [
        render_text(step, {**plan.answers, "found": plan.found}, where="next")
        for step in plan.template.next_steps
    ]
    if plan.target != Path.cwd():
        steps.insert(0, f"cd {shlex.quote(_short(plan.target))}")
    if not has_repo:
        steps.insert(1 if len(steps) > 1 and steps[0].startswith("cd ") else 0, "git init -b main")
    echo("Next steps:")
    for step in steps:
        if step:
            echo(f"  {step}")


def _short(target: Path) -> str:
    here = Path.cwd()
    name = str(target.relative_to(here)) if target.is_relative_to(here) else str(target)
    return f"./{name}" if name.startswith("-") else name
