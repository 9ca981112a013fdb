"""Templates rendered in memory. The only home of jinja2.

Rendering is sandboxed, undefined names are errors, and the loader knows the template's own files
only, so that nothing outside its folder can be included.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import code_span, escape_markdown, table_cell
from hubkit.errors import TemplateError
from hubkit.scaffold.names import repo_slug, slug

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import CodeType

    import jinja2

    from hubkit.scaffold.answers import Answers
    from hubkit.scaffold.discovery import Discovery
    from hubkit.scaffold.templates import Template, TemplateFile

SUFFIX = ".jinja"
INCLUDES = "_include/"
# What publishes the author's models is the author's, whatever a template says.
_ALWAYS_YOURS = frozenset({"hubconf.py"})
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')


class RenderedFile(Struct, frozen=True):
    """A file to write.

    Attributes:
        path: POSIX path relative to the target.
        content: Its bytes.
        is_yours: Whether it is its author's to change once it is made.
    """

    path: str
    content: bytes
    is_yours: bool = False


def render_template(
    template: Template, answers: Answers, found: Discovery
) -> tuple[RenderedFile, ...]:
    """Every file of the template, in memory, sorted by path.

    Args:
        template: What to render.
        answers: An answer to each of its questions.
        found: What the target tells; templates see it as ``found``.

    Raises:
        TemplateError: Something in it does not render, or would land outside the target.
    """
    variables: dict[str, object] = {
        **answers,
        "answers": answers,
        "found": found,
        "template": template.name,
    }
    sources = {file.path: file.content for file in template.files}
    environment = _environment(sources)
    files: dict[str, RenderedFile] = {}
    for file in template.files:
        if file.path.startswith(INCLUDES) or not _is_wanted(environment, file, variables):
            continue
        path = _render_path(environment, file.path, variables)
        if path in files:
            raise TemplateError(f"the template {template.name!r} makes {path} twice")
        content = file.content
        if file.path.endswith(SUFFIX):
            content = _render(environment, content, variables, file.path)
        files[path] = RenderedFile(path, content, file.is_yours or path in _ALWAYS_YOURS)
    return tuple(files[path] for path in sorted(files))


def render_text(source: str, variables: Mapping[str, object], *, where: str) -> str:
    """One small template, such as a question's default.

    Args:
        source: Its text.
        variables: What it may refer to.
        where: What it is, for messages.

    Raises:
        TemplateError: It does not render.
    """
    return _render(_environment({}), source.encode(), variables, where).decode()


def require_safe_path(text: str) -> str:
    """The path, when it stays inside the folder that it is relative to, on any system.

    Raises:
        TemplateError: It is absolute, climbs, points into ``.git`` or has characters that some
            file system refuses.
    """
    parts = text.split("/")
    if (
        _FORBIDDEN.search(text)
        or any(part in ("", ".", "..") or part[-1] in ". " for part in parts)
        or any(part.lower() == ".git" for part in parts)
    ):
        raise TemplateError(f"a template may not write to {text!r}: it would leave the target")
    return text


def _is_wanted(
    environment: jinja2.Environment, file: TemplateFile, variables: Mapping[str, object]
) -> bool:
    if not file.when:
        return True
    source = f"{{% if {file.when} %}}yes{{% endif %}}"
    return bool(_render(environment, source.encode(), variables, f"when of {file.path}"))


def _render_path(
    environment: jinja2.Environment, name: str, variables: Mapping[str, object]
) -> str:
    source = name.removesuffix(SUFFIX).encode()
    return require_safe_path(_render(environment, source, variables, name).decode())


def _environment(sources: Mapping[str, bytes]) -> jinja2.Environment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def load(name: str) -> tuple[str, str, None] | None:
        content = sources.get(name)
        return None if content is None else (content.decode("utf-8"), name, None)

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # what is rendered is source code, not HTML
    )
    environment.filters.update(slug=slug, repo_slug=repo_slug, quoted=_quoted)
    environment.filters.update(prose=escape_markdown, code=code_span, cell=_cell)
    return environment


def _render(
    environment: jinja2.Environment, source: bytes, variables: Mapping[str, object], where: str
) -> bytes:
    import jinja2

    try:
        code = _compile(source.decode("utf-8"), where)
        template = jinja2.Template.from_code(environment, code, environment.make_globals(None))
        return template.render(variables).encode("utf-8")
    except jinja2.TemplateSyntaxError as error:
        place = f"{error.name or where}, line {error.lineno}"
        raise TemplateError(f"{place}: {error.message}") from error
    except jinja2.TemplateNotFound as error:
        place = _place(error, where)
        raise TemplateError(f"{place} includes {error}, which the template lacks") from error
    except (
        jinja2.TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise TemplateError(f"{_place(error, where)} does not render: {error}") from error


@functools.lru_cache(maxsize=256)
def _compile(text: str, where: str) -> CodeType:
    # Compiling costs ten times as much as rendering, and a run renders many texts twice.
    code: CodeType = _environment({}).compile(text, name=where, filename=where)
    return code


def _place(error: BaseException, where: str) -> str:
    """The line of the template at which an error came up, the innermost one."""
    place, trace = where, error.__traceback__
    while trace is not None:
        # jinja puts this into the module that a template becomes.
        if "__jinja_exception__" in trace.tb_frame.f_globals:
            place = f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _cell(text: str) -> str:
    return table_cell(code_span(text))


def _quoted(value: object) -> str:
    """The value as TOML, YAML and Python all write it: a string in double quotes, or a boolean."""
    if not isinstance(value, str):
        return json.dumps(value)
    # JSON leaves alone what YAML and TOML refuse or take for the end of a line.
    return "".join(_escape(letter) for letter in json.dumps(value, ensure_ascii=False))


def _escape(letter: str) -> str:
    if letter.isprintable():
        return letter
    point = 0xFFFD if 0xD800 <= ord(letter) <= 0xDFFF else ord(letter)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
