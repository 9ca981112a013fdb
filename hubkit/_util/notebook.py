"""HTML for cells of notebooks. Text of repos is escaped; the notebook has the style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def html_text(text: str) -> str:
    """The text with characters escaped that HTML or a reader could take for something else."""
    from html import escape

    return escape(printable_lines(text))


def html_code(text: str) -> str:
    """The text as code on one line."""
    return f"<code>{html_text(text)}</code>"


def html_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table.

    Args:
        title: Its title, as text.
        head: The names of its columns, as text.
        rows: Its cells, as HTML.
    """
    lines = [_row("th", map(html_text, head)), *(_row("td", row) for row in rows)]
    return f"<table><caption>{html_text(title)}</caption>{''.join(lines)}</table>"


def _row(kind: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f'<{kind} align="left">{cell}</{kind}>' for cell in cells) + "</tr>"
