"""Which templates there are, and reading one into memory.

A template is a folder with a ``template.toml`` and the files to write. A file whose name ends in
``.jinja`` is rendered and loses the ending, others are copied; paths are templates too. Files under
``_include/`` are there for ``{% include %}`` only. ``template.toml`` holds ``description``, ``next``
(the commands that the user runs next), ``[questions.NAME]`` with ``ask``, ``kind``, ``default`` and
``choices``, and ``[when]``: from a file to the condition under which it is made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, cast, get_args

from hubkit.errors import TemplateError
from hubkit.records import dataclass
from hubkit.scaffold.toml import read_toml

MANIFEST = "template.toml"
DEFAULT = "classifier"
MINIMAL = "minimal"
Kind = Literal["line", "identifier", "module", "repo", "spdx", "choice", "bool"]
_SKIPPED = {".git", "__pycache__", ".DS_Store"}


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a template needs to know.

    Attributes:
        name: The variable that holds the answer.
        text: How it is asked; empty for one that is never asked, only computed or given.
        kind: What the answer must be.
        default: Template of the default answer.
        choices: The allowed answers of kind "choice".
    """

    name: str
    text: str
    kind: Kind
    default: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file of a template.

    Attributes:
        path: POSIX path in the template's folder.
        content: Its bytes.
        when: The expression that must hold for it to be made; empty for always.
    """

    path: str
    content: bytes
    when: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, read.

    Attributes:
        name: The folder's name.
        description: What it makes, in one line.
        questions: What it needs to know, in the order of asking.
        next_steps: Templates of the commands that the user runs next.
        files: What it holds, sorted by path.
    """

    name: str
    description: str
    questions: tuple[Question, ...]
    next_steps: tuple[str, ...]
    files: tuple[TemplateFile, ...]


def template_root() -> Path:
    """The folder of hubkit's own templates: in the wheel, else in the source checkout."""
    package = Path(__file__).parent.parent
    inside, beside = package / "templates", package.parent / "templates"
    return inside if inside.is_dir() else beside


def read_templates() -> tuple[Template, ...]:
    """Hubkit's own templates, the default first."""
    manifests = sorted(template_root().glob(f"*/{MANIFEST}"))
    templates = [_read_folder(path.parent) for path in manifests]
    return tuple(sorted(templates, key=lambda template: template.name != DEFAULT))


def read_template(name: str) -> Template:
    """The template of that name, or in that folder.

    Args:
        name: One of hubkit's own, or a path to a folder that holds ``template.toml``.

    Raises:
        TemplateError: There is none, or it cannot be read as one.
    """
    own = template_root() / name
    if "/" not in name and os.sep not in name and (own / MANIFEST).is_file():
        return _read_folder(own)
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return _read_folder(folder.resolve())
    names = ", ".join(path.parent.name for path in sorted(template_root().glob(f"*/{MANIFEST}")))
    if folder.is_dir():
        raise TemplateError(
            f"{name} holds no {MANIFEST}", hint=f"hubkit's own templates are: {names}."
        )
    raise TemplateError(
        f"there is no template {name!r}",
        hint=f"Choose one of {names}, or give the path of a folder that holds {MANIFEST}.",
    )


def _read_folder(folder: Path) -> Template:
    try:
        manifest = read_toml(folder / MANIFEST)
    except (OSError, ValueError) as error:
        raise TemplateError(f"{folder / MANIFEST} cannot be read: {error}") from error
    return Template(
        name=folder.name,
        description=_text(manifest, "description", folder),
        questions=_questions(manifest, folder),
        next_steps=_texts(manifest, "next", folder),
        files=_read_files(folder, _conditions(manifest, folder)),
    )


def _questions(manifest: dict[str, object], folder: Path) -> tuple[Question, ...]:
    tables = manifest.get("questions", {})
    if not isinstance(tables, dict):
        raise _bad(folder, "questions is no table")
    return tuple(_question(name, table, folder) for name, table in tables.items())


def _question(name: str, table: object, folder: Path) -> Question:
    if not isinstance(table, dict) or not name.isidentifier() or name in ("template", "found"):
        raise _bad(folder, f"questions.{name} is no table with a usable name")
    unknown = set(table) - {"ask", "kind", "default", "choices"}
    if unknown:
        raise _bad(folder, f"questions.{name} has unknown keys: {', '.join(sorted(unknown))}")
    kind = table.get("kind", "line")
    if kind not in get_args(Kind):
        raise _bad(folder, f"questions.{name}.kind is {kind!r}, not one of {get_args(Kind)}")
    choices = _texts(table, "choices", folder)
    if (kind == "choice") != bool(choices):
        raise _bad(folder, f"questions.{name} needs choices, and only kind 'choice' may have them")
    return Question(
        name,
        _text(table, "ask", folder),
        cast("Kind", kind),
        _text(table, "default", folder),
        choices,
    )


def _conditions(manifest: dict[str, object], folder: Path) -> dict[str, str]:
    table = manifest.get("when", {})
    if not isinstance(table, dict):
        raise _bad(folder, "when is no table")
    for path in table:
        if not (folder / path).is_file():
            raise _bad(folder, f"when names {path!r}, which is no file of the template")
    return {path: _text(table, path, folder) for path in table}


def _read_files(folder: Path, conditions: dict[str, str]) -> tuple[TemplateFile, ...]:
    files = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        name = relative.as_posix()
        if _SKIPPED & set(relative.parts) or name == MANIFEST:
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise _bad(folder, f"{name} is a link that leaves the template")
        if path.is_file():
            files.append(TemplateFile(name, path.read_bytes(), conditions.get(name, "")))
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


def _bad(folder: Path, what: str) -> TemplateError:
    return TemplateError(f"{folder / MANIFEST}: {what}")
