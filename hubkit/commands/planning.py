"""The plan of ``hubkit init``, and its questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.console import InvalidAnswerError, ask
from hubkit.errors import TemplateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.scaffold import Answers, Discovery, Question, RenderedFile, Template


class Plan(Struct, frozen=True):
    """The files to create, where, and from which answers."""

    target: Path
    template: Template
    found: Discovery
    answers: Answers
    files: tuple[RenderedFile, ...]
    is_new: bool


def make_plan(target: Path, wanted: str, given: Mapping[str, str], *, asking: bool) -> Plan:
    """Make the plan; nothing is written.

    Args:
        target: The absolute path of the folder, which need not exist.
        wanted: The template's name or folder; "" for the one that suits the folder.
        given: Answers as texts.
        asking: Whether somebody is there to be asked for the others.

    Raises:
        TemplateError: An answer is not valid, or the template does not render.
        UsageError: The folder is git's own.
    """
    from hubkit.scaffold import (
        open_target,
        read_discovery,
        read_template,
        render_template,
        resolve_answers,
        select_entrypoints,
    )

    if ".git" in target.parts:
        raise UsageError(f"{target} is inside a .git folder", hint="Choose another folder.")
    found = read_discovery(target)
    template = read_template(wanted) if wanted else _read_usual(found)
    given = _without_refusals(template, given)
    if asking:
        given = _ask(template, given, found)
    answers = resolve_answers(template, given, found)
    chosen = answers.get("entrypoints")
    if isinstance(chosen, str) and found.proposals:
        found = select_entrypoints(found, open_target(target), chosen)
    files = render_template(template, answers, found)
    is_new = not target.is_dir() or not any(target.iterdir())
    return Plan(target, template, found, answers, files, is_new)


def _read_usual(found: Discovery) -> Template:
    """The template that created the folder, or the default one for it."""
    from hubkit.scaffold import DEFAULT, EXISTING, read_template

    if not found.template:
        return read_template(EXISTING if found.has_code else DEFAULT)
    try:
        return read_template(found.template)
    except TemplateError as error:
        raise TemplateError(
            f"template not found: {found.template!r}, which created this repo",
            hint="Pass its folder: --template DIR.",
        ) from error


def _without_refusals(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """The answers without "no" to questions that the template does not have."""
    known = {question.name for question in template.questions}
    return {name: text for name, text in given.items() if name in known or text != "no"}


def _ask(template: Template, given: Mapping[str, str], found: Discovery) -> dict[str, str]:
    from hubkit.scaffold import is_asked, require_answer, require_known, suggest_answer

    require_known(template, given)
    texts = dict(given)
    answers: Answers = {}
    for question in template.questions:
        if not is_asked(question, answers, found):
            continue
        if question.name not in texts:
            default = suggest_answer(question, answers, found)
            asked = bool(question.text)
            texts[question.name] = _prompt(question, default, found) if asked else default
        answers[question.name] = require_answer(question, texts[question.name], found)
    return texts


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
