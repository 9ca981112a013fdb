"""Markdown of a model card as HTML that is safe and requests nothing. The only home of markdown-it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from hubkit.pages import Html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from markdown_it.token import Token

# The parts that hubkit generates are on the page already.
_PART = r"<!--[ \t]*hubkit:begin[ \t]+(\S+?)[,\s].*?<!--[ \t]*hubkit:end[ \t]+\1[ \t]*-->"
_LEVELS = 2  # a heading of the card is below one of the page
_DEEPEST = 6


def render_markdown(text: str, address: Callable[[str], str]) -> Html:
    """Render a document, without HTML, images, and the parts that hubkit generates.

    Args:
        text: The Markdown.
        address: Returns where a relative link leads; "" for nowhere.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse(re.sub(_PART, "", text, flags=re.DOTALL))
    kept = list(_without_empty_sections([one for one in tokens if one.type != "html_block"]))
    for token in kept:
        _adapt(token, address)
    return Html(parser.renderer.render(list(_with_frames(kept)), parser.options, {}))


def _adapt(token: Token, address: Callable[[str], str]) -> None:
    """Make a block and what is in it fit for the page."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1:]) + _LEVELS, _DEEPEST)}"
    if token.type in ("th_open", "td_open"):
        token.attrs = {}  # the policy of the page forbids styles
    if token.type in ("fence", "code_block"):
        token.info = ""
    if token.children:
        token.children = [one for one in token.children if one.type != "html_inline"]
        for child in token.children:
            _adapt_inline(child, address)


def _adapt_inline(token: Token, address: Callable[[str], str]) -> None:
    if token.type == "image":
        token.type, token.tag = "text", ""
        token.content = "".join(one.content for one in token.children or ())
    elif token.type == "link_open":
        target = str(token.attrs.get("href", ""))
        is_web = target.startswith(("https://", "http://"))
        found = target if is_web else address(target)
        token.attrs = {"href": found} if found else {}


def _with_frames(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens with a frame around each table, in which it scrolls."""
    from markdown_it.token import Token

    start = '<div class="wide" tabindex="0" role="region" aria-label="Table">\n'
    for token in tokens:
        if token.type == "table_open":
            yield Token("html_block", "", 0, content=start)
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")


def _without_empty_sections(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without headings that nothing follows, as where a generated part was."""
    kept: list[Any] = []
    for token in reversed(tokens):
        is_heading = token.type == "heading_open"
        follows = kept[2] if is_heading and len(kept) > 2 else None
        ends = is_heading and (
            follows is None
            or (follows.type == "heading_open" and int(follows.tag[1:]) <= int(token.tag[1:]))
        )
        if ends:
            del kept[:2]  # its text and its end
        else:
            kept.insert(0, token)
    return kept


def make_address(url_of: Callable[[str], str], path: str) -> Callable[[str], str]:
    """Where links of a document lead.

    Args:
        url_of: Returns the address of a file of the repo; "" without one.
        path: The document.
    """

    def address(target: str) -> str:
        if not target or target.startswith("#") or re.match(r"[\w+.-]+:|//", target):
            return ""
        inner = urljoin(f"/{path}", target.partition("#")[0].partition("?")[0])
        return url_of(inner.lstrip("/"))

    return address
