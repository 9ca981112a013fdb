"""Questions settled: what was given, else what was recorded, else the guessed default."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hubkit._util.text import did_you_mean
from hubkit.errors import TemplateError
from hubkit.scaffold.licenses import require_spdx
from hubkit.scaffold.names import (
    require_identifier,
    require_line,
    require_module,
    require_repo,
)
from hubkit.scaffold.render import render_text
from hubkit.scaffold.selection import require_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.scaffold.catalog import Question, Template
    from hubkit.scaffold.discover import Discovery

Answers: TypeAlias = "dict[str, str | bool]"

_REQUIRE = {
    "line": require_line,
    "identifier": require_identifier,
    "module": require_module,
    "repo": require_repo,
    "spdx": require_spdx,
}
_BOOLS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}


def suggest_answer(question: Question, answers: Answers, found: Discovery) -> str:
    """The default answer, unchecked: what an earlier run recorded, else the template's default.

    Args:
        question: What is asked.
        answers: The answers to the questions before it.
        found: What the target tells.
    """
    recorded = dict(found.answers).get(question.name)
    if recorded is not None:
        return recorded
    return render_text(question.default, {**answers, "found": found}, where=question.name)


def is_asked(question: Question, answers: Answers, found: Discovery) -> bool:
    """Whether there is such a question, after the answers before it.

    Args:
        question: The question.
        answers: The answers to the questions before it.
        found: What the target tells.
    """
    if not question.when:
        return True
    source = f"{{% if {question.when} %}}yes{{% endif %}}"
    return bool(render_text(source, {**answers, "found": found}, where=f"when of {question.name}"))


def require_answer(question: Question, text: str, found: Discovery) -> str | bool:
    """The answer as the template will see it.

    Args:
        question: What is asked.
        text: The answer.
        found: What the target tells.

    Raises:
        TemplateError: It is not what the question's kind asks for.
    """
    try:
        return _require(question, text, found)
    except TemplateError as error:
        raise TemplateError(
            f"{question.name}: {error.message}",
            hint=f"{error.hint} Or answer it yourself: -a {question.name}=VALUE.".strip(),
        ) from None


def resolve_answers(template: Template, given: Mapping[str, str], found: Discovery) -> Answers:
    """An answer to each of the template's questions, asking nobody.

    Args:
        template: What is to be rendered.
        given: Answers as text, which need not be complete.
        found: What the target tells.

    Raises:
        TemplateError: One given is not asked for, or one is not valid.
    """
    require_known(template, given)
    answers: Answers = {}
    for question in template.questions:
        text = given.get(question.name)
        if not is_asked(question, answers, found):
            if text is not None:
                raise TemplateError(
                    f"the template {template.name!r} does not ask for {question.name!r} here",
                    hint=f"It does where this holds: {question.when}.",
                )
            continue
        if text is None:
            text = suggest_answer(question, answers, found)
        answers[question.name] = require_answer(question, text, found)
    return answers


def require_known(template: Template, given: Mapping[str, str]) -> None:
    """Insist that the template asks for everything that was given.

    Raises:
        TemplateError: It does not.
    """
    names = [question.name for question in template.questions]
    for name in given:
        if name not in names:
            raise TemplateError(
                f"the template {template.name!r} does not ask for {name!r}",
                hint=f"{did_you_mean(name, names)} It asks for: "
                f"{', '.join(names) or 'nothing'}.".strip(),
            )


def _require(question: Question, text: str, found: Discovery) -> str | bool:
    if not text.strip():
        raise TemplateError("there is no answer, and none could be guessed")
    if question.kind == "bool":
        return _require_bool(text)
    if question.kind == "choice":
        return _require_choice(text, question.choices)
    if question.kind == "models":
        return require_names(text, found)
    return _REQUIRE[question.kind](text)


def _require_bool(text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise TemplateError(f"{text!r} is neither yes nor no", hint="Say yes or no.")
    return _BOOLS[text.lower()]


def _require_choice(text: str, choices: tuple[str, ...]) -> str:
    for choice in choices:
        if choice.lower() == text.strip().lower():
            return choice
    raise TemplateError(
        f"{text!r} is not one of {', '.join(choices)}", hint=f"Choose one of {', '.join(choices)}."
    )
