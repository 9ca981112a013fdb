"""What notebooks show of results, which are plain values for everything else."""

from __future__ import annotations

import copy
import json
import pickle
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

import hubkit
from hubkit.lockfile import read_lockfile
from tests.conformance.test_report import REPORT

if TYPE_CHECKING:
    from pathlib import Path

HUBCONF = '''\
dependencies = ["torch"]


def unet(width: int = 4):
    """A <b>small</b> net & \u202eevil.

    Args:
        width: How <script>alert(1)</script> wide.
    """
    return width


def bare():
    return 1
'''


class Tags(HTMLParser):
    """The tags of a text, and that none is left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


TABLE = {"table", "caption", "tr", "th", "td", "code"}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(HUBCONF, "utf-8")
    return tmp_path


def test_a_list_shows_what_the_entrypoints_are(repo: Path) -> None:
    found = hubkit.list(repo)
    html = found._repr_html_()  # type: ignore[attr-defined]
    assert Tags(html).seen == TABLE
    assert "<code>unet</code>" in html
    assert "A &lt;b&gt;small&lt;/b&gt; net &amp; \\u202eevil." in html


def test_help_shows_the_signature(repo: Path) -> None:
    html = hubkit.help(repo, "unet")._repr_html_()  # type: ignore[union-attr]
    assert Tags(html).seen == {"p", "code", "pre"}
    assert "<p><code>unet(width: int = 4)" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert hubkit.help(repo, "bare") is None


def test_lists_and_texts_are_plain_for_everything_else(repo: Path) -> None:
    names, text = hubkit.list(repo), hubkit.help(repo, "unet")
    assert text is not None
    assert repr(names) == str(names) == "['bare', 'unet']"
    assert text.startswith("A <b>small</b> net")
    assert repr(text) == repr(str(text))
    for value, kind in ((names, list), (text, str)):
        assert isinstance(value, kind)
        plain = kind(value)
        assert value == plain
        assert json.dumps(value) == json.dumps(plain)
        for other in (
            copy.copy(value),
            copy.deepcopy(value),
            pickle.loads(pickle.dumps(value)),
            value[:],
        ):
            assert type(other) is kind
            assert other == plain
    assert hash(text) == hash(str(text))
    names.append("mine")
    assert "<code>mine</code>" in names._repr_html_()  # type: ignore[attr-defined]


def test_a_lock_file_shows_its_pins(tmp_path: Path) -> None:
    path = tmp_path / "hubkit.lock"
    digest = "a" * 64
    document = {
        "version": 1,
        "repos": {"acme/shapes": {"sha": "b" * 40, "digest": f"sha256:{digest}"}},
        "checkpoints": {"https://example.org/a.pth?x=1&y=2": {"sha256": digest, "size": 12345}},
    }
    path.write_text(json.dumps(document), "utf-8")
    html = read_lockfile(path)._repr_html_()
    assert Tags(html).seen == TABLE
    assert "<code>acme/shapes</code>" in html
    assert "<code>bbbbbbbbbbbb</code>" in html
    assert "a.pth?x=1&amp;y=2" in html
    assert "12,345 bytes" in html


def test_a_report_shows_its_entrypoints() -> None:
    html = REPORT._repr_html_()
    assert Tags(html).seen == TABLE
    assert REPORT.repo in html
    assert all(f"<code>{one.label}</code>" in html for one in REPORT.cases)


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_ipython_shows_both(repo: Path, kind: str) -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    shown, _ = formatters.DisplayFormatter().format(hubkit.list(repo))
    expected = {"text/plain": "['bare', 'unet']", "text/html": "<table>"}
    assert shown[kind].startswith(expected[kind])
