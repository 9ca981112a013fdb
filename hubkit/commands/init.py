"""``hubkit init``: create a hub repo, or publish the models of a repo."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from hubkit._util.colors import paint
from hubkit._util.console import InvalidAnswerError, ask, echo, echo_data, echo_lines, note
from hubkit._util.progress import show_wait
from hubkit._util.text import did_you_mean, join_words, plural
from hubkit.commands.base import Command, print_answer, subcommand
from hubkit.errors import TemplateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hubkit.scaffold import (
        Answers,
        Discovery,
        Outcome,
        Proposal,
        Question,
        RenderedFile,
        Template,
        WeightsFile,
    )

# Longer lists would hide the rest of the output.
_MAX_SKIPPED = 10
_MAX_OTHERS = 12
# Questions with an option of their own. --answer also answers the questions of other templates.
_TEXTS = (
    ("name", "TEXT", "Name of the project."),
    ("module", "NAME", "Name of its Python package."),
    ("entrypoint", "NAME", "Name of the model, as torch.hub.load takes it."),
    ("entrypoints", "NAMES", "Models to publish: comma-separated names, all, or none."),
    ("repo", "OWNER/NAME", "Name of the repo on GitHub."),
    ("host", "github|gitlab", "With --site: the host whose Pages show the models."),
    ("author", "TEXT", "Author."),
    ("license", "SPDX", "License, such as MIT, or NONE."),
    ("description", "TEXT", "Description in one line."),
    ("weights", "both|in-repo|release|none", "Where to publish trained weights."),
    ("config", "FILE", "Configuration file: pyproject.toml or hubkit.toml."),
)
_PARTS = (
    ("ci", "a GitHub workflow"),
    ("ci-card", "a CI job that fails if the model card is out of date"),
    ("site", "a CI job that publishes a page of the models"),
    ("pre-commit", "a pre-commit hook"),
    ("attributes", "a .gitattributes"),
    ("citation", "a CITATION.cff"),
    ("license-file", "a LICENSE file"),
    ("card", "a model card"),
    ("readme", "a README"),
    ("tests", "tests of the model"),
)


def _answer_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add an option for each question above."""
    for part, what in reversed(_PARTS):
        option = click.option(
            f"--{part}/--no-{part}", default=None, help=f"Whether to create {what}."
        )
        command = option(command)
    for name, metavar, text in reversed(_TEXTS):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


class _InitCommand(Command):
    """Suggests ``-a`` for an option that does not exist."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name.lstrip("-").replace("-", "_")
            known = [option for one in self.params for option in one.opts]
            meant = did_you_mean(error.option_name, known)
            hint = f"{meant} To answer a question of the template: -a {name}=VALUE"
            raise UsageError(f"No such option: {error.option_name}", hint=hint.strip()) from None


@subcommand(
    cls=_InitCommand,
    answers=True,
    short_help="Create a hub repo, or publish the models of a repo.",
)
@click.argument("path", metavar="[NAME|PATH]", default=".")
@click.option(
    "-t",
    "--template",
    metavar="NAME|DIR",
    help="Template to use. To see all templates, pass --list.",
)
@click.option(
    "--bare",
    is_flag=True,
    help="Create only hubconf.py, configuration and a license. Same as --template minimal.",
)
@click.option("--defaults", is_flag=True, help="Use the defaults instead of asking.")
@click.option(
    "--build/--no-build",
    default=None,
    help="Build the models and load their weights, in a child process without a network. This runs "
    "the repo's code.  [default: ask; yes if nothing is asked]",
)
@click.option(
    "-a", "--answer", "pairs", metavar="KEY=VALUE", multiple=True, help="Answer a question."
)
@click.option(
    "--answers",
    "answers_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="TOML file with answers. Options take precedence.",
)
@_answer_options
@click.option("--dry-run", is_flag=True, help="Show what would be written without writing it.")
@click.option(
    "--diff", is_flag=True, help="Show what --overwrite would change without changing it."
)
@click.option("--overwrite", is_flag=True, help="Replace files that differ from the template.")
@click.option(
    "--check", is_flag=True, help="Exit with code 1 if a file differs, without changing it."
)
@click.option(
    "--git/--no-git",
    default=None,
    help="Create a git repo.  [default: only if the folder is new and not in a git repo]",
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
    build: bool | None,
    dry_run: bool,
    diff: bool,
    overwrite: bool,
    check: bool,
    git: bool | None,
    listing: bool,
    as_json: bool,
    **flags: str | bool | None,
) -> int:
    """Create a hub repo from a template, or publish the models of a repo.

    With a NAME, creates a folder with a small model that trains in seconds. In a folder with code,
    finds its models in the source, checks that they can be built and load their weights, and adds a
    hubconf.py and other missing files. Files that you wrote or edited are not changed.

    Exit codes: 0 success, 1 a file differs (with --check) or no model can be published, 2 an error.
    """
    if listing:
        _print_templates(as_json=as_json)
        return 0
    _require_consistent(
        bare=bare, template=template, modes=(dry_run, diff, check), overwrite=overwrite
    )
    texts = _read_answers(pairs, answers_file, flags)
    wanted = texts.pop("template", "")
    wanted = "minimal" if bare else template or wanted
    asks = not defaults and _is_interactive()
    builds = False if check else _asks_to_build if build is None and asks else build is not False
    interactive = asks and not (dry_run or diff or check)
    plan = make_plan(Path(path).resolve(), wanted, texts, interactive=interactive, build=builds)
    if plan.lacks_models and not wanted:
        code, outcomes = _refuse(plan)
    elif check:
        code, outcomes = _compare(plan, named=bool(wanted))
    elif diff:
        code, outcomes = _show_diff(plan)
    elif dry_run:
        code, outcomes = _show_plan(plan, overwrite=overwrite)
    else:
        code, outcomes = _write(plan, git=git, overwrite=overwrite)
    if as_json:
        print_answer(_as_json(plan, outcomes, written=not (check or diff or dry_run)))
    return code


def _as_json(plan: Plan, outcomes: Sequence[Outcome], *, written: bool) -> dict[str, object]:
    return {
        "target": plan.target,
        "template": plan.template.name,
        "answers": plan.answers,
        "entrypoints": [
            {"name": one.name, "path": one.model.location.path, "line": one.model.location.line}
            for one in plan.found.entrypoints
        ],
        "written": written and bool(outcomes),
        "files": outcomes,
        "dropped": plan.dropped,
    }


def _require_consistent(
    *, bare: bool, template: str | None, modes: tuple[bool, ...], overwrite: bool
) -> None:
    _, diff, check = modes
    if bare and template:
        raise UsageError("--bare cannot be combined with --template")
    if sum(modes) > 1:
        raise UsageError("--dry-run, --diff and --check cannot be combined")
    if overwrite and (diff or check):
        raise UsageError("--overwrite cannot be combined with --diff or --check")


def _read_answers(
    pairs: Sequence[str], answers_file: Path | None, flags: dict[str, str | bool | None]
) -> dict[str, str]:
    """The answers as texts: --answer overrides options, and those override the file."""
    from hubkit.scaffold import read_answers_file

    texts = read_answers_file(answers_file) if answers_file else {}
    for name, value in flags.items():
        if value is not None:
            texts[name] = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{pair!r} is not KEY=VALUE", hint="For example: -a license=MIT")
        texts[key] = value
    return texts


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _compare(plan: Plan, *, named: bool) -> tuple[int, tuple[Outcome, ...]]:
    from hubkit.scaffold import compare_files

    if not plan.found.template and not named:
        raise UsageError(
            f"{plan.target} was not created by `hubkit init`, so there is nothing to compare",
            hint="Run `hubkit init` there first: it records its template in the configuration.",
        )
    outcomes = compare_files(plan.target, plan.files)
    drifted = [outcome for outcome in outcomes if outcome.has_drifted]
    if not drifted:
        _say(f"All files match the template {plan.template.name}.")
        return 0, outcomes
    _print_outcomes(plan, drifted, dry=True)
    _say("Use --diff to see the differences, and --overwrite to apply the template.")
    return 1, outcomes


def _show_diff(plan: Plan) -> tuple[int, tuple[Outcome, ...]]:
    from hubkit.lint import FileChange, render_diff
    from hubkit.scaffold import compare_files

    contents = {file.path: file.content for file in plan.files}
    changes: dict[str, FileChange] = {}
    outcomes = compare_files(plan.target, plan.files, overwrite=True)
    for outcome in outcomes:
        if outcome.state in ("created", "overwritten"):
            path = plan.target / outcome.path
            before = path.read_bytes() if outcome.state == "overwritten" else None
            changes[outcome.path] = FileChange(before, contents[outcome.path])
    echo_data(render_diff(changes))
    return 0, outcomes


def _show_plan(plan: Plan, *, overwrite: bool) -> tuple[int, tuple[Outcome, ...]]:
    from hubkit.scaffold import compare_files

    outcomes = compare_files(plan.target, plan.files, overwrite=overwrite)
    _print_found(plan.found)
    _print_outcomes(plan, outcomes, dry=True)
    _say("Nothing was written.")
    return 0, outcomes


def _write(plan: Plan, *, git: bool | None, overwrite: bool) -> tuple[int, tuple[Outcome, ...]]:
    from hubkit.scaffold import write_files

    outcomes = write_files(plan.target, plan.files, overwrite=overwrite)
    _print_found(plan.found)
    _print_outcomes(plan, outcomes)
    has_repo = _prepare_git(plan, git=git)
    _print_findings(plan.target)
    _print_next_steps(plan, has_repo=has_repo)
    return 0, outcomes


def _say(*parts: str) -> None:
    """Print what was done, unless the command is quiet."""
    note(*parts, err=False)


def _prepare_git(plan: Plan, *, git: bool | None) -> bool:
    """Create a git repo if requested; returns whether the target is in one."""
    from hubkit.scaffold import read_work_tree, write_git_repo

    tree = read_work_tree(plan.target)
    wanted = tree is None and plan.is_new if git is None else git
    if wanted and tree != plan.target:
        if write_git_repo(plan.target):
            _say("Created a git repo on branch main. Nothing is committed yet.")
            return True
        _say("Could not create a git repo: git is not installed or failed.")
        return tree is not None
    if tree is not None and tree != plan.target:
        _say(f"The folder is inside the git repo {tree}. To make it a repo of its own, use --git.")
    return tree is not None


def _refuse(plan: Plan) -> tuple[int, tuple[Outcome, ...]]:
    """Print why no hubconf is written."""
    _print_found(plan.found)
    echo("No files were written, because hubconf.py cannot publish any model of this repo.")
    echo(
        "To publish a model, define a class or a function that needs no more than plain arguments."
    )
    echo(
        "To start from an example, pass --template minimal (hubconf.py) or classifier (a package)."
    )
    return 1, ()


class Plan(Struct, frozen=True):
    """The files to create in a folder, and the answers that they were rendered from.

    Files that only an earlier run created, with other answers, are in ``dropped``.
    """

    target: Path
    template: Template
    found: Discovery
    answers: Answers
    files: tuple[RenderedFile, ...]
    is_new: bool
    dropped: tuple[str, ...] = ()

    @property
    def lacks_models(self) -> bool:
        """Whether there is code, but neither a hubconf nor a model for one, unless none is wanted."""
        from hubkit.scaffold import NONE

        found = self.found
        wants_none = self.answers.get("entrypoints") == NONE != found.proposed
        is_new = found.has_code and not (found.has_hubconf or found.template)
        return is_new and not (found.entrypoints or wants_none)


def make_plan(
    target: Path,
    wanted: str,
    texts: Mapping[str, str],
    *,
    interactive: bool,
    build: bool | Callable[[int], bool] = False,
) -> Plan:
    """Make the plan; nothing is written.

    Args:
        target: The absolute path of the folder, which need not exist.
        wanted: The template's name or folder; "" for the default one.
        texts: Answers as texts.
        interactive: Whether to ask for the other answers.
        build: Whether to build the models, or a function that asks that for their number.

    Raises:
        TemplateError: An answer is not valid, or the template does not render.
        UsageError: The folder is inside ``.git``.
    """
    from hubkit.scaffold import changed_answers, read_discovery, read_template

    if ".git" in target.parts:
        raise UsageError(f"{target} is inside a .git folder", hint="Choose another folder.")
    found = _check_models(read_discovery(target), target, build)
    template = read_template(wanted) if wanted else _read_default_template(found)
    texts = _drop_inapplicable(template, texts)
    if interactive:
        texts = _ask_questions(template, texts, found)
    plan = _render(target, template, texts, found)
    known = {question.name for question in template.questions}
    recorded = {name: text for name, text in found.answers if name in known}
    if template.name != found.template or not changed_answers(plan.answers, found):
        return plan
    return _with_earlier(plan, _render(target, template, recorded, found).files)


def _render(target: Path, template: Template, texts: Mapping[str, str], found: Discovery) -> Plan:
    """The plan for some answers."""
    from hubkit.scaffold import open_target, render_template, resolve_answers, select_entrypoints

    answers = resolve_answers(template, texts, found)
    names = answers.get("entrypoints")
    if isinstance(names, str) and found.proposals:
        found = select_entrypoints(found, open_target(target), names)
    files = _fill_parts(target, render_template(template, answers, found))
    files = tuple(_extend_ignores(target, one) for one in files)
    is_new = not target.is_dir() or not any(target.iterdir())
    return Plan(target, template, found, answers, files, is_new)


def _extend_ignores(target: Path, file: RenderedFile) -> RenderedFile:
    """A .gitignore with the lines of the existing file first; other files as they are."""
    from msgspec.structs import replace

    path = target / file.path
    if not file.path.endswith(".gitignore") or path.is_symlink() or not path.is_file():
        return file
    current = path.read_bytes()
    known = {line.strip(b" \t\r/") for line in current.splitlines()}
    missing = [line for line in file.content.splitlines() if line.strip(b"/") not in known]
    if not any(line[:1] != b"#" for line in missing):
        return replace(file, content=current)
    start = current.rstrip(b"\r\n") + b"\n\n" if current.strip() else b""
    return replace(file, content=start + b"\n".join([*missing, b""]), before=current)


def _with_earlier(plan: Plan, earlier: tuple[RenderedFile, ...]) -> Plan:
    """The plan with what an earlier run wrote, for files that other answers change.

    Args:
        plan: The plan.
        earlier: The files for the recorded answers.
    """
    from msgspec.structs import replace

    before = {one.path: one.content for one in earlier}
    files = tuple(
        _update_file(plan, one, before[one.path])
        if before.get(one.path, one.content) != one.content
        else one
        for one in plan.files
    )
    dropped = sorted(before.keys() - {one.path for one in files})
    left = tuple(path for path in dropped if (plan.target / path).is_file())
    return replace(plan, files=files, dropped=left)


def _update_file(plan: Plan, file: RenderedFile, before: bytes) -> RenderedFile:
    """A file that other answers change: it may replace the one that an earlier run wrote."""
    from msgspec.structs import replace

    from hubkit.publish.card import keep_parts
    from hubkit.scaffold import update_record

    path = plan.target / file.path
    current = path.read_bytes() if path.is_file() else before
    if current == before:
        return replace(file, before=before)
    if file.path == plan.found.config_file:
        edited = update_record(file.path, current, plan.answers, plan.found)
    else:
        edited = keep_parts(file.path, current, before, file.content)
    return replace(file, content=edited or file.content, before=current if edited else before)


def _fill_parts(target: Path, files: tuple[RenderedFile, ...]) -> tuple[RenderedFile, ...]:
    """The files with the parts of documents that ``hubkit card`` generates."""
    from msgspec.structs import replace

    from hubkit.analysis import read_repo
    from hubkit.errors import HubkitError
    from hubkit.publish.card import fill_parts
    from hubkit.publish.card_facts import Source
    from hubkit.scaffold import open_target
    from hubkit.source import Overlay

    documents = {one.path: one.content for one in files if b"<!-- hubkit:begin " in one.content}
    if not documents:
        return files
    new = {one.path: one.content for one in files if not (target / one.path).exists()}
    try:
        facts = read_repo(Overlay(open_target(target), new))
        documents = fill_parts(facts, documents, Source())
    except HubkitError:
        return files  # `hubkit check` reports what is wrong with the hubconf or the configuration
    return tuple(replace(one, content=documents.get(one.path, one.content)) for one in files)


def _check_models(found: Discovery, target: Path, build: bool | Callable[[int], bool]) -> Discovery:
    """Build the models that a new hubconf may publish, if that is wanted and possible."""
    from hubkit.scaffold import mark_untried, open_target, try_models, why_not_tried

    drafts = sum(one.draft is not None for one in found.leftovers) if found.weights else 0
    count = len(found.proposals) + drafts
    if not count:
        return found
    reason = why_not_tried()
    if reason:
        return mark_untried(found, reason)
    if found.has_hubconf or not (build if isinstance(build, bool) else build(count)):
        return mark_untried(found, "it was not built")
    _say("Building the models in a child process without a network. This runs the repo's code.")
    with show_wait("Building models"):
        return try_models(found, open_target(target))


def _asks_to_build(count: int) -> bool:
    def check(text: str) -> str:
        if text.lower() not in ("yes", "y", "no", "n"):
            raise InvalidAnswerError("Answer yes or no.")
        return text

    what = plural(count, "model")
    question = f"Build {what} to see what loads? This runs the repo's code, without a network"
    return ask(question, "yes", check).lower().startswith("y")


def _read_default_template(found: Discovery) -> Template:
    """The template that created the folder, or the default one for it."""
    from hubkit.scaffold import DEFAULT, EXISTING, read_template

    if not found.template:
        return read_template(EXISTING if found.has_code else DEFAULT)
    try:
        return read_template(found.template)
    except TemplateError as error:
        raise TemplateError(
            f"Template not found: {found.template!r}, which created this repo",
            hint="Pass its folder: --template DIR.",
        ) from error


def _drop_inapplicable(template: Template, texts: Mapping[str, str]) -> dict[str, str]:
    """The answers without "no" to questions that the template does not have."""
    known = {question.name for question in template.questions}
    return {name: text for name, text in texts.items() if name in known or text != "no"}


def _ask_questions(
    template: Template, texts: Mapping[str, str], found: Discovery
) -> dict[str, str]:
    from hubkit.scaffold import is_asked, require_answer, require_known, suggest_answer

    require_known(template, texts)
    complete = dict(texts)
    answers: Answers = {}
    for question in template.questions:
        if not is_asked(question, answers, found):
            continue
        if question.name not in complete:
            default = suggest_answer(question, answers, found)
            prompt = bool(question.text)
            complete[question.name] = _prompt(question, default, found) if prompt else default
        answers[question.name] = require_answer(question, complete[question.name], found)
    return complete


def _prompt(question: Question, default: str, found: Discovery) -> str:
    from hubkit.scaffold import require_answer

    def check(text: str) -> str:
        try:
            require_answer(question, text, found)
        except TemplateError as error:
            raise InvalidAnswerError(error.message) from None
        return text

    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    if question.kind == "models":
        choices = f" ({', '.join(one.name for one in found.proposals)}; all; none)"
    prompt = f"{question.text}{choices}"
    return ask(prompt, default, check)


def _print_templates(*, as_json: bool) -> None:
    """Print the templates and their questions."""
    from hubkit.scaffold import DEFAULT, read_templates

    templates = read_templates()
    if as_json:
        shown = ("name", "description", "questions")
        rows = [{key: getattr(one, key) for key in shown} for one in templates]
        print_answer({"default": DEFAULT, "templates": rows})
        return
    for template in templates:
        mark = " (default)" if template.name == DEFAULT else ""
        echo(f"{template.name}{mark}: {template.description}")
        for question in template.questions:
            choices = f": {', '.join(question.choices)}" if question.choices else ""
            what = f"{question.text or question.help}{choices}"
            # Other defaults depend on the repo and on earlier answers.
            fixed = "{" not in question.default
            default = f", default: {question.default}" if fixed else ""
            echo(f"  -a {question.name}=...  {what}  [{question.kind}{default}]")


def _print_found(found: Discovery) -> None:
    """Print the models that will be published, the other ones, and the weights."""
    if found.has_code and not found.proposals and not found.has_hubconf:
        _say("No usable model found.")
    if found.entrypoints:
        _say(paint("Entrypoints:", "bold"))
        width = max(len(one.name) for one in found.entrypoints)
        for one in found.entrypoints:
            location = one.model.location
            more = _describe(one, is_new=not found.has_hubconf)
            _say(f"  {one.name:{width}}  {location.path}:{location.line}{more}")
        _say(f"  dependencies: {', '.join(found.dependencies)}")
    names = {one.name for one in found.entrypoints}
    others = [one for one in found.proposals if one.name not in names and found.is_ours]
    usable = [one.name for one in others if one.check.state != "fails"]
    if usable:
        more = f" and {len(usable) - _MAX_OTHERS} more" if len(usable) > _MAX_OTHERS else ""
        listed = ", ".join(usable[:_MAX_OTHERS])
        _say(f"Other models, which --entrypoints can select: {listed}{more}")
    failing = [(f"{one.name}", one.check.reason) for one in others if one.check.state == "fails"]
    left = [
        (f"{one.name} of {one.module}" if one.module else f"the models of {one.name}", one.reason)
        for one in sorted(found.leftovers, key=lambda one: one.draft is None)
    ]
    _print_skipped([*failing, *left])
    if not found.has_hubconf:
        _print_weights(found)


def _describe(one: Proposal, *, is_new: bool) -> str:
    """What is known of an entrypoint, after its place."""
    weights = one.checkpoint and (one.checkpoint.path or one.checkpoint.url)
    more = f", with weights from {weights}" if weights else ""
    check = one.check
    if not is_new or not (check.is_verified or check.reason):
        return more
    # Weights that the entrypoint does not load: git does not track the file.
    loaded = f" {check.path}" if check.state == "loads" and check.path and not weights else ""
    verdict = f"{check.state}{loaded}" if check.is_verified else f"not verified: {check.reason}"
    return f"{more} ({verdict})"


def _print_skipped(skipped: Sequence[tuple[str, str]]) -> None:
    for what, reason in skipped[:_MAX_SKIPPED]:
        _say(f"Skipped {what}: {reason}")
    if len(skipped) > _MAX_SKIPPED:
        _say(f"Skipped {len(skipped) - _MAX_SKIPPED} more")


def _print_weights(found: Discovery) -> None:
    """Print what is not published of the weights, and how it can be."""
    used = {c.path or c.url: one.name for one in found.entrypoints if (c := one.checkpoint)}
    for file in found.weights[:_MAX_SKIPPED]:
        text = _describe_weights(file, used.get(file.path, ""), found)
        if text:
            _say(f"Weights: {text}")
    if len(found.weights) > _MAX_SKIPPED:
        _say(f"Weights: {plural(len(found.weights) - _MAX_SKIPPED, 'more file')}")
    for url in [url for url in found.urls if url not in used][:_MAX_SKIPPED]:
        _say(f"Weights: skipped {url}: {_why_unused(url, found)}")


def _why_unused(url: str, found: Discovery) -> str:
    """Why no entrypoint downloads a file."""
    from hubkit.scaffold import fits_name

    names = tuple(one.name for one in found.entrypoints)
    for one in found.entrypoints:
        if one.checkpoint and fits_name(one.name, names, url):
            return f"{one.name} loads {one.checkpoint.path or one.checkpoint.url}"
    return "its name does not match a model"


def _describe_weights(file: WeightsFile, used: str, found: Discovery) -> str:
    """What to say of a checkpoint; "" if it is published as it is.

    Args:
        file: The checkpoint.
        used: The entrypoint that loads it from the repo, or "".
        found: The target.
    """
    from hubkit.scaffold import fits_name

    entrypoints = found.entrypoints

    if file.is_pointer:
        return f"{file.path} is a Git LFS pointer. Archives contain the pointer only."
    names = tuple(one.name for one in entrypoints)
    user = used or next((one.name for one in entrypoints if one.check.path == file.path), "")
    named = (name for name in names if fits_name(name, names, file.path))
    name = user or next(named, names[0] if len(names) == 1 else "ENTRYPOINT")
    key = f" --key {shlex.quote(file.key)}" if file.key else ""
    key += f" --strip {shlex.quote(file.prefix)}" if file.prefix else ""
    command = f"hubkit weights add {shlex.quote(file.path)}{key} --to dist --wire {name}"
    if file.is_model:
        command = (
            f"hubkit weights add {shlex.quote(file.path)} --state-dict --to dist --wire {name}"
        )
        return f"{file.path} is a pickled model. To publish its weights: {command}"
    if not file.is_plain:
        return f"skipped {file.path}: {file.problem or 'contains more than tensors'}"
    if not file.is_published:
        fits = f"{user} loads it, but git" if user else "git"
        return f"{file.path}: {fits} does not track it. To publish it: {command}"
    if used:
        more = f"{file.path} is a training checkpoint. To publish its weights alone: {command}"
        return more if file.key else ""
    is_partial = any(one.check.state == "unknown" for one in found.proposals)
    none = "no model that could be built loads it" if is_partial else "no model loads it"
    why = file.fits or (none if file.was_tried else "its name does not match a model")
    return f"skipped {file.path}: {why}"


# In a repo that an earlier run made, and whose files are committed.
_LATER_STEPS = ("git add . && hubkit check", 'git commit -m "Update what hubkit wrote"')
_STYLES = {"created": "ok", "overwritten": "doubtful", "differs": "doubtful", "kept": ""}
_PRESENT = {"created": "create", "overwritten": "overwrite", "updated": "update"}


def _print_outcomes(plan: Plan, outcomes: Sequence[Outcome], *, dry: bool = False) -> None:
    """Print the outcome for each file.

    Args:
        plan: The plan.
        outcomes: The outcomes.
        dry: Whether nothing was written.
    """
    from hubkit.scaffold import changed_answers

    say = echo if dry else _say
    say(f"{plan.target}, from the template {plan.template.name}:")
    changed = {one.path for one in plan.files if one.before is not None}
    if plan.found.has_hubconf and not any(one.path == "hubconf.py" for one in outcomes):
        say(f"  {'kept':{12 if dry else 11}}  hubconf.py")
    for outcome in outcomes:
        change = outcome.state in ("created", "overwritten")
        done = "updated" if change and outcome.path in changed else outcome.state
        is_mine = outcome.state == "differs" and outcome.is_yours
        word = "kept" if is_mine else f"would {_PRESENT[done]}" if dry and change else done
        mine = "  (yours, differs from the template)" if is_mine else ""
        style = _STYLES["kept" if is_mine else outcome.state]
        state = paint(f"{word:{15 if dry else 11}}", style)
        say("  ", state, f"  {outcome.path}{mine}")
    edited = [one.path for one in outcomes if one.state == "differs" and one.path in changed]
    if edited:
        old = changed_answers(plan.answers, plan.found)
        listed = join_words([f"`{name}` {text}" for name, text in old.items()])
        verb = "was edited, so it keeps" if len(edited) == 1 else "were edited, so they keep"
        say(f"{join_words(edited)} {verb} earlier answers: {listed}. Change them by hand.")
    if plan.dropped:
        say(f"No longer created with these answers: {join_words(plan.dropped)}. Remove by hand.")


def _print_findings(target: Path) -> None:
    """Run ``hubkit check`` and print the findings."""
    from hubkit.analysis import read_repo
    from hubkit.config import read_config
    from hubkit.lint import lint_repo
    from hubkit.reporters.full import format_findings
    from hubkit.reporters.text import format_summary
    from hubkit.scaffold import open_target

    files = open_target(target)
    report = lint_repo(read_repo(files), read_config(files))
    if report.findings:
        echo_lines(format_findings(report))
    _say(f"hubkit check: {format_summary(report)}")


def _print_next_steps(plan: Plan, *, has_repo: bool) -> None:
    """Print the commands to run next.

    Args:
        plan: The plan.
        has_repo: Whether the target is in a git repo.
    """
    from hubkit.scaffold import render_text
    from hubkit.scaffold.requirement import UNKNOWN
    from hubkit.source.git import git_output
    from hubkit.source.project import PLACEHOLDER_OWNER
    from hubkit.torchhub import HUBCONF

    repo = plan.answers.get("repo")
    if isinstance(repo, str) and repo.startswith(f"{PLACEHOLDER_OWNER}/"):
        _say(f"The files use the placeholder {repo}. Replace it before you publish.")
    if plan.answers.get("requirement") == UNKNOWN:
        _say(
            "Before you push: CI cannot reach what hubkit was installed from here. Pass an address, "
            f'such as -a requirement="{UNKNOWN}".'
        )
    if plan.answers.get("license") == "NONE":
        _say("To add a license, pass --license MIT, or the name of another one.")
    steps = [
        render_text(step, {**plan.answers, "found": plan.found}, where="next")
        for step in plan.template.next_steps
    ]
    if plan.found.template and git_output(plan.target, "ls-files", "--", HUBCONF):
        steps = list(_LATER_STEPS)
    if plan.target != Path.cwd():
        steps.insert(0, f"cd {shlex.quote(_short(plan.target))}")
    if not has_repo:
        steps.insert(1 if len(steps) > 1 and steps[0].startswith("cd ") else 0, "git init -b main")
    _say(paint("Next steps:", "bold"))
    for step in steps:
        if step:
            _say(f"  {step}")


def _short(target: Path) -> str:
    here = Path.cwd()
    name = str(target.relative_to(here)) if target.is_relative_to(here) else str(target)
    return f"./{name}" if name.startswith("-") else name
