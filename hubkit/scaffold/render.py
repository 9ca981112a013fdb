"""Render the files of a template in memory."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.jinja import Templates
from hubkit._util.text import code_span, escape_markdown, table_cell
from hubkit.errors import TemplateError
from hubkit.scaffold.names import repo_slug, slug
from hubkit.scaffold.requirement import add_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.scaffold.answers import Answers
    from hubkit.scaffold.discovery import Discovery
    from hubkit.scaffold.templates import Template, TemplateFile

SUFFIX = ".jinja"
INCLUDES = "_include/"
# The hubconf belongs to the author, whatever a template declares.
_ALWAYS_YOURS = frozenset({"hubconf.py"})
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')


class RenderedFile(Struct, frozen=True):
    """A file to write.

    Attributes:
        path: POSIX path relative to the target.
        content: Its bytes.
        is_yours: Whether it belongs to the repo's author once it is created.
        before: What an earlier run wrote, if other answers have changed that; else None. A file
            that is still the same may be replaced.
    """

    path: str
    content: bytes
    is_yours: bool = False
    before: bytes | None = None


def render_template(
    template: Template, answers: Answers, found: Discovery
) -> tuple[RenderedFile, ...]:
    """Render every file of a template in memory, sorted by path.

    Args:
        template: The template.
        answers: The answers to its questions.
        found: The target; templates see it as ``found``.

    Raises:
        TemplateError: A file does not render, or its path is outside the target.
    """
    variables: dict[str, object] = {
        **answers,
        "answers": answers,
        "found": found,
        "template": template.name,
    }
    sources = {file.path: file.content for file in template.files}
    templates = _templates(sources)
    files: dict[str, RenderedFile] = {}
    for file in template.files:
        if file.path.startswith(INCLUDES) or not _is_wanted(templates, file, variables):
            continue
        path = _render_path(templates, file.path, variables)
        if path in files:
            raise TemplateError(f"The template {template.name!r} creates {path} twice")
        content = file.content
        if file.path.endswith(SUFFIX):
            content = templates.render(content, variables, file.path)
        files[path] = RenderedFile(path, content, file.is_yours or path in _ALWAYS_YOURS)
    return tuple(files[path] for path in sorted(files))


def render_text(source: str, variables: Mapping[str, object], *, where: str) -> str:
    """Render one small template, such as a question's default.

    Args:
        source: The template.
        variables: Its variables.
        where: Its name, for messages.

    Raises:
        TemplateError: It does not render.
    """
    return _templates({}).render(source.encode(), variables, where).decode()


def require_safe_path(text: str) -> str:
    """Return a path that stays inside its folder, on any system.

    Raises:
        TemplateError: It is absolute, contains ``..`` or ``.git``, or has characters that some
            file systems reject.
    """
    parts = text.split("/")
    if (
        _FORBIDDEN.search(text)
        or any(part in ("", ".", "..") or part[-1] in ". " for part in parts)
        or any(part.lower() == ".git" for part in parts)
    ):
        raise TemplateError(
            f"A template cannot write to {text!r}, which is not a portable path inside the target"
        )
    return text


def _is_wanted(templates: Templates, file: TemplateFile, variables: Mapping[str, object]) -> bool:
    if not file.when:
        return True
    source = f"{{% if {file.when} %}}yes{{% endif %}}"
    return bool(templates.render(source.encode(), variables, f"when of {file.path}"))


def _render_path(templates: Templates, name: str, variables: Mapping[str, object]) -> str:
    source = name.removesuffix(SUFFIX).encode()
    return require_safe_path(templates.render(source, variables, name).decode())


def _templates(sources: Mapping[str, bytes]) -> Templates:
    filters: dict[str, Callable[..., str]] = {
        "slug": slug,
        "repo_slug": repo_slug,
        "quoted": _quoted,
        "prose": escape_markdown,
        "code": code_span,
        "cell": _cell,
        "extra": add_extra,
    }
    return Templates(sources, filters)


def _cell(text: str) -> str:
    return table_cell(code_span(text))


def _quoted(value: object) -> str:
    """The value for TOML, YAML and Python: a string in double quotes, a boolean or a number."""
    if not isinstance(value, str):
        return json.dumps(value)
    # JSON does not escape some characters that YAML and TOML reject or take for line ends.
    return "".join(_escape(letter) for letter in json.dumps(value, ensure_ascii=False))


def _escape(letter: str) -> str:
    if letter.isprintable():
        return letter
    point = 0xFFFD if 0xD800 <= ord(letter) <= 0xDFFF else ord(letter)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
