"""The answers to a template's questions: given, recorded by an earlier run, or the default."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from hubkit._util.text import did_you_mean, join_words, suggest
from hubkit._util.toml import find_table, find_value, parse_toml, read_toml, set_values
from hubkit.errors import TemplateError
from hubkit.scaffold.names import (
    require_identifier,
    require_integer,
    require_line,
    require_module,
    require_repo,
)
from hubkit.scaffold.proposals import ALL, NONE
from hubkit.scaffold.render import render_text
from hubkit.scaffold.requirement import require_requirement
from hubkit.scaffold.templates import read_templates
from hubkit.source.project import SPDX_IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hubkit.facts import Files
    from hubkit.scaffold.discovery import Discovery
    from hubkit.scaffold.templates import Question, Template

Answers: TypeAlias = "dict[str, str | bool | int]"
# Files that configure hubkit, with the key of its table.
_CONFIGS = {"hubkit.toml": (), "pyproject.toml": ("tool", "hubkit")}
_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_BOOLS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}


def require_spdx(text: str) -> str:
    """The identifier in the spelling of SPDX.

    Raises:
        TemplateError: It is not a well-known identifier, ``LicenseRef-`` and a name, or NONE.
    """
    for name in SPDX_IDENTIFIERS:
        if name.lower() == text.strip().lower():
            return name
    if _REFERENCE.fullmatch(text.strip()):
        return text.strip()
    raise TemplateError(
        f"{text!r} is not a well-known SPDX license identifier",
        hint=did_you_mean(text, SPDX_IDENTIFIERS)
        or "For example: MIT, Apache-2.0 or BSD-3-Clause. For custom terms, use LicenseRef-NAME.",
    )


def require_names(text: str, found: Discovery) -> str:
    """Check an answer that names models.

    Args:
        text: "all", "none", or names separated by commas.
        found: The target.

    Raises:
        TemplateError: A model does not exist.
    """
    if text.strip().lower() in (ALL, NONE):
        return text.strip().lower()
    known = [one.name for one in found.proposals]
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise TemplateError(
                f"No model {name!r} was found here",
                hint=f"{did_you_mean(name, known)} Found: {', '.join(known) or 'none'}. "
                "Use `all` to publish all of them.".strip(),
            )
    return ", ".join(names) or NONE


_REQUIRE: dict[str, Callable[[str], str | int]] = {
    "line": require_line,
    "identifier": require_identifier,
    "module": require_module,
    "repo": require_repo,
    "spdx": require_spdx,
    "integer": require_integer,
    "requirement": require_requirement,
}


def suggest_answer(question: Question, answers: Answers, found: Discovery) -> str:
    """The default answer, unchecked: the one that an earlier run recorded, or the template's.

    Args:
        question: The question.
        answers: The answers to the questions before it.
        found: The target.
    """
    recorded = dict(found.answers).get(question.name)
    if recorded is not None:
        return recorded
    return render_text(question.default, {**answers, "found": found}, where=question.name)


def is_asked(question: Question, answers: Answers, found: Discovery) -> bool:
    """Whether the question applies, depending on the answers before it.

    Args:
        question: The question.
        answers: The answers to the questions before it.
        found: The target.
    """
    if not question.when:
        return True
    source = f"{{% if {question.when} %}}yes{{% endif %}}"
    return bool(render_text(source, {**answers, "found": found}, where=f"when of {question.name}"))


def require_answer(question: Question, text: str, found: Discovery) -> str | bool | int:
    """Convert and check an answer.

    Args:
        question: The question.
        text: The answer as text.
        found: The target.

    Raises:
        TemplateError: It is not valid for the kind of the question.
    """
    try:
        return _require(question, text, found)
    except TemplateError as error:
        raise TemplateError(
            f"{question.name}: {error.message}",
            hint=f"{error.hint} To set it: -a {question.name}=VALUE.".strip(),
        ) from None


def resolve_answers(template: Template, texts: Mapping[str, str], found: Discovery) -> Answers:
    """Resolve every question of a template without asking.

    Args:
        template: The template.
        texts: Answers as text; missing ones get their defaults.
        found: The target.

    Raises:
        TemplateError: An answer is to no question of the template, or is not valid.
    """
    require_known(template, texts)
    answers: Answers = {}
    for question in template.questions:
        text = texts.get(question.name)
        if not is_asked(question, answers, found):
            if text is not None:
                raise _inapplicable(template, question, {**answers, "found": found})
            continue
        if text is None:
            text = suggest_answer(question, answers, found)
        answers[question.name] = require_answer(question, text, found)
    return answers


def _inapplicable(
    template: Template, question: Question, variables: Mapping[str, object]
) -> TemplateError:
    """The error for an answer to a question that does not apply."""
    why = render_text(question.otherwise, variables, where=question.name)
    reason, _, hint = why.partition(". ")
    return TemplateError(
        f"`{question.name}` cannot be answered here: {reason}"
        if reason
        else f"The template {template.name!r} does not use `{question.name}` here",
        hint=hint or f"Remove the answer to `{question.name}`.",
    )


def require_known(template: Template, texts: Mapping[str, str]) -> None:
    """Check that the template has a question for every answer.

    Raises:
        TemplateError: It does not.
    """
    names = _question_names(template)
    for name in texts:
        if name not in names:
            raise _unused(template, name)


def _unused(template: Template, name: str) -> TemplateError:
    """The error for an answer to no question of a template."""
    templates = read_templates()
    others = [one.name for one in templates if name in _question_names(one)]
    every = {*_question_names(template), *(n for one in templates for n in _question_names(one))}
    where = f"Only {join_words(others)} {'use' if len(others) > 1 else 'uses'} it."
    used = f"{template.name} uses: {', '.join(_question_names(template)) or 'no answers'}."
    return TemplateError(
        f"The template {template.name!r} does not use `{name}`",
        hint=f"{where if others else did_you_mean(name, sorted(every))} {used}".strip(),
    )


def _question_names(template: Template) -> tuple[str, ...]:
    return tuple(question.name for question in template.questions)


def _require(question: Question, text: str, found: Discovery) -> str | bool | int:
    if not text.strip():
        raise TemplateError("An answer is required, because there is no default")
    if question.kind == "bool":
        return _require_bool(text)
    if question.kind == "choice":
        return _require_choice(text, question.choices)
    if question.kind == "models":
        return require_names(text, found)
    return _REQUIRE[question.kind](text)


def _require_bool(text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise TemplateError(f"{text!r} is not yes or no", hint="Answer yes or no.")
    return _BOOLS[text.lower()]


def _require_choice(text: str, choices: tuple[str, ...]) -> str:
    for choice in choices:
        if choice.lower() == text.strip().lower():
            return choice
    raise TemplateError(f"{text!r} is not one of {', '.join(choices)}", hint=suggest(text, choices))


def read_answers_file(path: Path) -> dict[str, str]:
    """Read answers from a TOML file, as text; ``template`` among them names the template.

    They are at the top level, in ``[init]`` of a ``hubkit.toml``, or in ``[tool.hubkit.init]`` of a
    ``pyproject.toml``, so that the answers of one repo can be used for another.

    Args:
        path: The file.

    Raises:
        TemplateError: It cannot be read, or an answer is not a string, a number, a boolean or a
            list of strings.
    """
    try:
        table: object = read_toml(path.resolve())
    except OSError as error:
        raise TemplateError(
            f"Cannot read {path}: {error.strerror or error}", hint="Pass a TOML file."
        ) from None
    except ValueError as error:
        raise TemplateError(
            f"{path} is not TOML: {error}", hint='For example: license = "MIT"'
        ) from None
    for keys in _CONFIGS.values():
        table = find_table(table, *keys, "init") or table
    assert isinstance(table, dict)  # noqa: S101 - TOML is a table at the top
    return {str(name): _file_text(path, str(name), value) for name, value in table.items()}


def _file_text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    raise TemplateError(
        f"{path}: {name} is {value!r}, which is not an answer",
        hint="Use a string, a number, true, false, or a list of names.",
    )


def changed_answers(answers: Answers, found: Discovery) -> dict[str, str]:
    """The recorded texts of the answers that differ from those that an earlier run recorded.

    Args:
        answers: The answers of this run.
        found: The target.
    """
    return {
        name: text
        for name, text in found.answers
        if name in answers and _record_text(answers[name]) != text
    }


def update_record(name: str, current: bytes, answers: Answers, found: Discovery) -> bytes | None:
    """The configuration with the new answers in its record; None if it cannot be edited.

    Args:
        name: Its name.
        current: Its contents.
        answers: The answers of this run.
        found: The target, as it was read.
    """
    values = {one: answers[one] for one in changed_answers(answers, found)}
    edited = set_values(current.decode(), (*_CONFIGS[name], "init"), values)
    return edited.encode() if edited else None


def read_record(files: Files) -> tuple[str, dict[str, str]]:
    """The answers that an earlier run recorded in the configuration.

    Args:
        files: The target's files.

    Returns:
        The name of the configuration file, "" if there is none, and the answers as text.
    """
    for name, keys in _CONFIGS.items():
        try:
            table = find_value(parse_toml(files.read(name).decode()), *keys)
        except (OSError, ValueError):
            continue
        if isinstance(table, dict):
            record = find_table(table, "init")
            return name, {str(key): _record_text(value) for key, value in record.items()}
    return "", {}


def _record_text(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
