"""The site builds without a warning, and every link and file that a page needs is in it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from hubkit.commands import COMMANDS
from hubkit.commands.rules import read_catalog
from hubkit.config import tool_schema

if TYPE_CHECKING:
    from tests.browser import Browser, Scheme, Size

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
MISSING = [
    name
    for name in ("sphinx", "furo", "myst_parser", "sphinx_copybutton")
    if importlib.util.find_spec(name) is None
]

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors.add(found.get("id", ""))
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loads.append(found["src"])
        if tag == "link" and found.get("rel") not in ("canonical", "index", "search"):
            self.loads.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)}")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return {path.relative_to(site).as_posix(): Page(path) for path in site.rglob("*.html")}


def test_every_rule_check_and_command_has_a_page(site: Path) -> None:
    for one in read_catalog():
        folder = "rules" if one.code.startswith("HUB") else "checks"
        text = (site / folder / f"{one.code}.html").read_text("utf-8")
        assert f"{one.code}: {one.slug}" in text
    for name in COMMANDS:
        text = (site / "commands" / f"{name}.html").read_text("utf-8")
        assert f"hubkit {name}" in text
    settings = (site / "configuration.html").read_text("utf-8")
    assert all(f">{key}<" in settings for key in tool_schema()["properties"])


def test_options_keep_their_hyphens(site: Path) -> None:
    assert not [
        path.name
        for path in site.rglob("*.html")
        if re.search(r"\N{EN DASH}[a-z]", path.read_text("utf-8"))
    ]


def test_every_link_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    dead = []
    for name, page in pages.items():
        for link in page.links:
            target = urlsplit(urljoin(name, link))
            if target.scheme in ("http", "https", "mailto"):
                continue
            path = unquote(target.path)
            anchor = unquote(target.fragment)
            if path in pages:
                found = not anchor or anchor in pages[path].anchors
            else:
                found = (site / path).is_file()
            if not found:
                dead.append(f"{name}: {link}")
    assert not dead


def test_no_page_loads_anything_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    loaded = {(name, one) for name, page in pages.items() for one in page.loads}
    for name, one in loaded:
        target = urlsplit(urljoin(name, one))
        assert not target.scheme, f"{name} loads {one}"
        assert (site / unquote(target.path)).is_file(), f"{name}: {one}"
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", styles)


def test_pages_can_be_searched_without_a_server(site: Path) -> None:
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    assert {"rules/HUB105", "checks/C204", "commands/check"} <= set(index["docnames"])


LOOKS: tuple[tuple[Scheme, Size], ...] = (
    ("light", "desktop"),
    ("dark", "desktop"),
    ("light", "phone"),
)
# The landing page, a page with wide tables, one with code, and one with options.
SHOWN = ["index", "environment", "rules/HUB105", "commands/explain"]


@pytest.mark.parametrize("name", [*SHOWN, "genindex", "search"])
def test_pages_are_accessible_without_a_server(site: Path, browser: Browser, name: str) -> None:
    with browser.open(site / f"{name}.html") as shown:
        for scheme, size in LOOKS if name in SHOWN else LOOKS[:1]:
            shown.change(scheme, size)
            assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            # A phone has the colors of a desktop, and the index those of other links.
            shown.require_accessible(contrast=size == "desktop" and name != "genindex")


def test_the_landing_page_says_why_in_one_screen(site: Path, browser: Browser) -> None:
    with browser.open(site / "index.html") as shown:
        page = shown.page
        commands = page.locator(".highlight-console").first
        for command in ("hubkit init", "hubkit check", "pytest --hubconf"):
            assert command in commands.inner_text()
        (picture,) = (one for one in page.locator("img.picture").all() if one.is_visible())
        for one in (page.get_by_text("hubkit is what it lacks"), commands, picture):
            box = one.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= page.evaluate("innerHeight")


def test_the_search_works_without_a_server(site: Path, browser: Browser) -> None:
    with browser.open(site / "index.html") as shown:
        box = shown.page.get_by_placeholder("Search")
        box.fill("leaked")
        box.press("Enter")
        shown.page.get_by_role("link", name="HUB201: leaked-callable").wait_for()


def test_a_click_changes_between_light_and_dark(site: Path, browser: Browser) -> None:
    with browser.open(site / "index.html") as shown:
        body = shown.page.locator("body")
        assert body.get_attribute("data-theme") == "auto"
        colors = set()
        for _ in range(3):
            shown.page.locator(".theme-toggle").locator("visible=true").first.click()
            colors.add(body.evaluate("body => getComputedStyle(body).backgroundColor"))
        assert len(colors) == 2


def test_the_copy_button_copies_commands_without_their_output(site: Path, browser: Browser) -> None:
    with browser.open(site / "index.html") as shown:
        shown.page.locator(".highlight-console").nth(1).hover()
        shown.page.locator(".copybtn").nth(2).click()
        box = shown.page.get_by_placeholder("Search")
        box.focus()
        box.press("Control+V")
        # A search box has one line.
        assert box.input_value().split() == [
            "hubkit",
            "check",
            "hubkit",
            "check",
            "--fix",
            "--unsafe-fixes",
        ]


@cache
def anchors_of(path: Path) -> set[str]:
    """The anchors that a git host makes of the headings."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_of_files_outside_the_site_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text("utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        assert (ROOT / path).is_file(), link
        assert not anchor or anchor in anchors_of(ROOT / path), link
