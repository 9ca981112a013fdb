"""Texts as HTML: the filters of pages."""

from __future__ import annotations

import re
from html import escape


class Html(str):
    """Text that is safe in HTML: jinja2 does not escape it."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def mark_code(text: str) -> Html:
    """A text in which what stands between backticks is code; everything is escaped."""
    parts = re.split(r"(?<!`)(`+)(?!`)([^`]+)\1(?!`)", text)
    return Html(
        "".join(
            f"<code>{escape(part)}</code>" if at % 3 == 2 else escape(part)
            for at, part in enumerate(parts)
            if at % 3 != 1
        )
    )


def keep_web_address(url: str) -> str:
    """The address if a browser opens it as a page; else "", so that no script runs."""
    return url if url.startswith(("https://", "http://")) else ""
