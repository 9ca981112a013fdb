"""Render templates in memory. The only home of jinja2.

Rendering is sandboxed, undefined names are errors, and a template can include only the sources that
it is given, so nothing else on the machine is read.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hubkit.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

    import jinja2

    _Filters = tuple[tuple[str, Callable[..., str]], ...]


class Templates:
    """Templates that can include one another.

    Args:
        sources: The templates by name.
        filters: Filters by name, in addition to jinja's own.
        html: Whether values are escaped for HTML; they are not in source code.
    """

    def __init__(
        self,
        sources: Mapping[str, bytes],
        filters: Mapping[str, Callable[..., str]] | None = None,
        *,
        html: bool = False,
    ) -> None:
        self._html = html
        self._filters = tuple((filters or {}).items())
        self._environment = _make_environment(sources, self._filters, html=html)

    def render(self, source: bytes, variables: Mapping[str, object], where: str) -> bytes:
        """Render one template.

        Args:
            source: The template, which may include the others.
            variables: Its variables.
            where: Its name, for messages.

        Raises:
            TemplateError: It does not render.
        """
        import jinja2

        try:
            code = _compile(source.decode("utf-8"), where, self._filters, html=self._html)
            template = jinja2.Template.from_code(
                self._environment, code, self._environment.make_globals(None)
            )
            # A page shows text that is not Unicode; source code must not contain any.
            errors = "backslashreplace" if self._html else "strict"
            return template.render(variables).encode("utf-8", errors)
        except jinja2.TemplateSyntaxError as error:
            place = f"{error.name or where}, line {error.lineno}"
            raise TemplateError(f"{place}: {error.message}") from error
        except jinja2.TemplateNotFound as error:
            place = _place(error, where)
            raise TemplateError(
                f"{place} includes {error}, which is not a file of the template"
            ) from error
        except (
            jinja2.TemplateError,
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            raise TemplateError(f"Cannot render {_place(error, where)}: {error}") from error


def _make_environment(
    sources: Mapping[str, bytes], filters: _Filters, *, html: bool
) -> jinja2.Environment:
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
        autoescape=html,
    )
    environment.filters.update(filters)
    return environment


@functools.lru_cache(maxsize=256)
def _compile(text: str, where: str, filters: _Filters, *, html: bool) -> CodeType:
    # Compiling takes ten times as long as rendering, and many texts are rendered twice.
    code: CodeType = _make_environment({}, filters, html=html).compile(
        text, name=where, filename=where
    )
    return code


def _place(error: BaseException, where: str) -> str:
    """The innermost line of a template that raised an error."""
    place, trace = where, error.__traceback__
    while trace is not None:
        # jinja defines this in the module of a template.
        if "__jinja_exception__" in trace.tb_frame.f_globals:
            place = f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place
