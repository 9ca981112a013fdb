"""Pages: one HTML file with everything in it, made from values.

A page is a jinja2 template of the part that makes it, beside that part's module. It extends
``layout.html`` and uses the macros of ``parts.html``, both from here::

    {% extends "layout.html" %}
    {% import "parts.html" as ui %}
    {% block nav %}<a href="#models">Models</a>{% endblock %}
    {% block main %}
    <h1>{{ repo }}</h1>
    {{ ui.toolbar("Search models", "#models", [("license", "License", ["MIT", "BSD"])]) }}
    <table id="models" data-sort>...<tr data-item="{{ model.name }}" data-license="MIT">...</table>
    {{ scatter(points, "parameters", "seconds") }}
    {% endblock %}

The module renders it::

    render_page(Path(__file__).with_name("zoo.html.jinja"), {"repo": ..., "points": ...}, title=...)

What a page gets by that:

- Style for light, dark, phones and print, and a switch for light and dark. ``page.css`` begins with
  a list of its classes. A ``zoo.css`` beside ``zoo.html.jinja`` is added to it.
- Search, filters, sorting and copy buttons, by ``data-`` attributes; ``page.js`` begins with a list
  of them. Without JavaScript the page shows everything.
- Plots as inline SVG: `bar` and `stack` for a cell of a table, `bars` and `scatter`. Templates can call them.
- Text of strangers is safe everywhere: all values are escaped, ``{{ value | tojson }}`` is safe
  inside ``<script type="application/json">``, and characters that are invisible or change the
  direction of text are shown as escapes. Never use the filter ``safe``, and quote each attribute
  that contains a value. Values in ``href`` must start with ``#`` or pass the filter ``web``, which
  drops addresses other than ``https:`` and ``http:``.
- The filter ``code`` shows what stands between backticks as code.
- A content security policy: the page requests nothing, and runs only the script of the kit. It
  forbids ``style`` and ``on...`` attributes, so use classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.pages.markup import Html
    from hubkit.pages.page import render_page
    from hubkit.pages.plots import Bar, Point, Svg, bar, bars, scatter, stack

__all__ = ["Bar", "Html", "Point", "Svg", "bar", "bars", "render_page", "scatter", "stack"]

__getattr__ = lazy_names(
    __name__,
    {"markup": "Html", "page": "render_page", "plots": "Bar Point Svg bar bars scatter stack"},
)
