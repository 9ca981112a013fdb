"""What ``list`` and ``help`` return: a list and a str, which notebooks show with more than that.

Copies, pickles and parts of them are plain lists and strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.notebook import html_code, html_table, html_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.facts import Entrypoint, Hubconf


class Names(list[str]):
    """Names of entrypoints.

    Args:
        names: The names.
        repo: The repo, for the title.
        hubconf: What its source shows of them.
    """

    def __init__(self, names: Iterable[str], repo: str, hubconf: Hubconf) -> None:
        super().__init__(names)
        self._repo = repo
        self._hubconf = hubconf

    def _repr_html_(self) -> str:
        from hubkit.analysis import read_docstring

        found = {one.name: one.docstring or "" for one in self._hubconf.listed}
        summaries = [read_docstring(found.get(name, "")).summary for name in self]
        rows = [
            (html_code(name), html_text(summary))
            for name, summary in zip(self, summaries, strict=True)
        ]
        return html_table(self._repo, ("entrypoint", "summary"), rows)

    def __reduce__(self) -> tuple[type[list[str]], tuple[list[str]]]:
        return list, ([*self],)


class Help(str):
    """The docstring of an entrypoint.

    Args:
        text: The docstring.
        entrypoint: The entrypoint.
    """

    __slots__ = ("_entrypoint",)
    _entrypoint: Entrypoint

    def __new__(cls, text: str, entrypoint: Entrypoint) -> Help:
        """Make a str."""
        made = super().__new__(cls, text)
        made._entrypoint = entrypoint
        return made

    def _repr_html_(self) -> str:
        from hubkit.analysis import render_docstring, render_signature

        signature = html_code(render_signature(self._entrypoint))
        return f"<p>{signature}</p><pre>{html_text(render_docstring(str(self)))}</pre>"

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)
