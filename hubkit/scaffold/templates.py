"""Templates, read into memory.

A template is a folder with a ``template.toml`` and the files to write; docs/init.md describes both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.text import did_you_mean, join_words, quoted
from hubkit._util.toml import read_toml
from hubkit.errors import TemplateError

MANIFEST = "template.toml"
DEFAULT = "classifier"
MINIMAL = "minimal"
EXISTING = "existing"
Kind = Literal[
    "line",
    "identifier",
    "module",
    "repo",
    "spdx",
    "requirement",
    "integer",
    "choice",
    "bool",
    "models",
]
_SKIPPED = {".git", "__pycache__", ".DS_Store"}


class Question(Struct, frozen=True):
    """A question of a template.

    Attributes:
        name: The variable for the answer.
        text: The prompt; empty for a question that is never asked, only computed or passed.
        kind: The kind of answer.
        default: Template of the default answer.
        choices: The allowed answers, for the kind "choice".
        help: The description of a question that is never asked.
        when: The condition under which the question applies; empty for always.
        otherwise: Template of the reason why it does not apply, and of what to do.
    """

    name: str
    text: str
    kind: Kind
    default: str
    choices: tuple[str, ...] = ()
    help: str = ""
    when: str = ""
    otherwise: str = ""


class TemplateFile(Struct, frozen=True):
    """One file of a template.

    Attributes:
        path: POSIX path in the template's folder.
        content: Its bytes.
        when: The condition under which it is created; empty for always.
        is_yours: Whether it belongs to the repo's author once it is created.
    """

    path: str
    content: bytes
    when: str = ""
    is_yours: bool = False


class Template(Struct, frozen=True):
    """A template.

    Attributes:
        name: The folder's name.
        description: What it creates, in one line.
        questions: Its questions, in order.
        next_steps: Templates of the commands to run next.
        files: Its files, sorted by path.
    """

    name: str
    description: str
    questions: tuple[Question, ...]
    next_steps: tuple[str, ...]
    files: tuple[TemplateFile, ...]


def template_root() -> Path:
    """The folder of the built-in templates: in the wheel, or in the source checkout."""
    package = Path(__file__).parent.parent
    inside, beside = package / "templates", package.parent / "templates"
    return inside if inside.is_dir() else beside


def read_templates() -> tuple[Template, ...]:
    """The built-in templates, the default first."""
    templates = [_read_folder(path.parent) for path in _own_manifests()]
    return tuple(sorted(templates, key=lambda template: template.name != DEFAULT))


def read_template(name: str) -> Template:
    """Read a template.

    Args:
        name: The name of a built-in template, or the path of a folder with a ``template.toml``.

    Raises:
        TemplateError: There is no such template, or it is not valid.
    """
    own = template_root() / name
    is_plain = "/" not in name and os.sep not in name and not name.startswith("_")
    if is_plain and (own / MANIFEST).is_file():
        return _read_folder(own)
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return _read_folder(folder.resolve())
    names = [path.parent.name for path in _own_manifests()]
    if folder.is_dir():
        raise TemplateError(
            f"{name} has no {MANIFEST}", hint=f"The built-in templates are {join_words(names)}."
        )
    raise TemplateError(
        f"Template not found: {name!r}",
        hint=f"{did_you_mean(name, names)} Choose one of {', '.join(names)}, or pass the path of a "
        f"folder with a {MANIFEST}.".lstrip(),
    )


def _own_manifests() -> list[Path]:
    # A folder whose name starts with an underscore is only for others to extend.
    return sorted(template_root().glob(f"[!_]*/{MANIFEST}"))


def _read_folder(folder: Path, extenders: tuple[Path, ...] = ()) -> Template:
    """A template with the questions and files of those that it extends, unless it has its own."""
    if folder in extenders:
        raise _bad(extenders[-1], f"extends {folder.name!r}, which extends it")
    manifest = _read_manifest(folder)
    extends = _texts(manifest, "extends", folder)
    bases = [_read_folder(_sibling(folder, name), (*extenders, folder)) for name in extends]
    own = Template(
        name=folder.name,
        description=_text(manifest, "description", folder),
        questions=_questions(manifest, folder),
        next_steps=_texts(manifest, "next", folder),
        files=_read_files(folder, manifest),
    )
    layers = (*bases, own)
    questions: dict[str, Question] = {}
    for layer in (own, *bases):
        for question in layer.questions:
            questions.setdefault(question.name, question)
    files = {file.path: file for layer in layers for file in layer.files}
    return replace(
        own,
        questions=tuple(questions.values()),
        files=tuple(files[path] for path in sorted(files)),
    )


def _read_manifest(folder: Path) -> dict[str, object]:
    try:
        manifest = read_toml(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise TemplateError(f"Cannot read {folder / MANIFEST}: {error}") from error
    unknown = set(manifest) - {"description", "next", "extends", "questions", "when", "yours"}
    if unknown:
        raise _bad(folder, f"unknown keys: {', '.join(sorted(unknown))}")
    return manifest


def _sibling(folder: Path, name: str) -> Path:
    beside = folder.parent / name
    for place in (beside, template_root() / name):
        if name == Path(name).name and (place / MANIFEST).is_file():
            return place
    raise _bad(
        folder, f"extends {name!r}, which is not a template in the same folder or a built-in one"
    )


def _questions(manifest: dict[str, object], folder: Path) -> tuple[Question, ...]:
    tables = manifest.get("questions", {})
    if not isinstance(tables, dict):
        raise _bad(folder, "questions is not a table")
    return tuple(_question(name, table, folder) for name, table in tables.items())


def _question(name: str, table: object, folder: Path) -> Question:
    if not isinstance(table, dict) or not name.isidentifier() or name in ("template", "found"):
        raise _bad(folder, f"questions.{name} is not a table with a valid name")
    unknown = set(table) - {"ask", "help", "kind", "default", "choices", "when", "otherwise"}
    if unknown:
        raise _bad(folder, f"questions.{name} has unknown keys: {', '.join(sorted(unknown))}")
    kind = table.get("kind", "line")
    if kind not in get_args(Kind):
        raise _bad(
            folder, f"questions.{name}.kind is {kind!r}. Use {quoted(get_args(Kind), most=0)}"
        )
    choices = _texts(table, "choices", folder)
    if (kind == "choice") != bool(choices):
        raise _bad(
            folder,
            f"questions.{name}: `choices` is required for the kind 'choice', and only allowed there",
        )
    return Question(
        name,
        _text(table, "ask", folder),
        cast("Kind", kind),
        _text(table, "default", folder),
        choices,
        _text(table, "help", folder),
        _text(table, "when", folder),
        _text(table, "otherwise", folder),
    )


def _conditions(manifest: dict[str, object], folder: Path) -> dict[str, str]:
    table = manifest.get("when", {})
    if not isinstance(table, dict):
        raise _bad(folder, "when is not a table")
    for path in table:
        if not (folder / path).is_file():
            raise _bad(folder, f"`when` lists {path!r}, which is not a file of the template")
    return {path: _text(table, path, folder) for path in table}


def _read_files(folder: Path, manifest: dict[str, object]) -> tuple[TemplateFile, ...]:
    conditions, yours = _conditions(manifest, folder), _texts(manifest, "yours", folder)
    files = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        name = relative.as_posix()
        if _SKIPPED & set(relative.parts) or name == MANIFEST:
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise _bad(folder, f"{name} is a link to a file outside the template")
        if path.is_file():
            is_yours = any(name == one or name.startswith(f"{one}/") for one in yours)
            when = conditions.get(name, "")
            files.append(TemplateFile(name, path.read_bytes(), when, is_yours))
    for one in yours:
        if not (folder / one).exists():
            raise _bad(
                folder, f"`yours` lists {one!r}, which is not a file or folder of the template"
            )
    return tuple(files)


def _text(table: dict[str, object], key: str, folder: Path) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _bad(folder, f"{key} is {value!r}, not a string")
    return value


def _texts(table: dict[str, object], key: str, folder: Path) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _bad(folder, f"{key} is {value!r}, not a list of strings")
    return tuple(value)


def _bad(folder: Path, problem: str) -> TemplateError:
    return TemplateError(f"{folder / MANIFEST}: {problem}")
