"""Render a page: its template, with the style and the script of the kit in it."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit import __version__
from hubkit._util.jinja import Templates
from hubkit._util.text import printable_lines
from hubkit.pages.markup import Html, keep_web_address, mark_code
from hubkit.pages.plots import bar, bars, scatter, stack

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = ".jinja"
_KIT = Path(__file__).parent


def render_page(template: Path, variables: Mapping[str, object], *, title: str) -> str:
    """Render a page as one HTML file that requests nothing.

    Args:
        template: A file such as ``zoo.html.jinja`` that extends ``layout.html``. It can include
            the other templates of its folder. If there is a ``zoo.css``, the page has that style.
        variables: The template's variables. Their texts are escaped.
        title: The title of the page.

    Raises:
        TemplateError: The template does not render.
    """
    style, script, templates = _read_kit(template)
    known = {
        "title": title,
        "version": __version__,
        "style": Html(style),
        "script": Html(script),
        "policy": _policy(style, script),
        "bar": bar,
        "bars": bars,
        "scatter": scatter,
        "stack": stack,
    }
    page = templates.render(template.read_bytes(), {**variables, **known}, template.name).decode()
    return printable_lines(page)


@functools.lru_cache(maxsize=16)
def _read_kit(template: Path) -> tuple[str, str, Templates]:
    """The style, the script and the templates of a page: those of the kit, and its own.

    They are kept, because a site has hundreds of pages, and compiling takes longer than rendering.
    """
    own = template.with_name(template.name.partition(".")[0] + ".css")
    style = _read(_KIT / "page.css") + (_read(own) if own.exists() else "")
    sources = {
        path.name.removesuffix(SUFFIX): path.read_bytes()
        for folder in (template.parent, _KIT)
        for path in folder.glob(f"*{SUFFIX}")
    }
    filters = {"web": keep_web_address, "code": mark_code}
    templates = Templates(sources, filters, html=True)
    return style, _read(_KIT / "page.js"), templates


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()


def _policy(style: str, script: str) -> str:
    """The content security policy that allows one style and one script, and no request."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
