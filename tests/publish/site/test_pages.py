"""The pages of a site, in a real browser."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.browser import LOOKS
from tests.publish.site.conftest import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser import Browser

ROWS = "#table [data-item]"


def names(items: list[str]) -> list[str]:
    return [item.split()[0] for item in items]


@pytest.mark.parametrize("page", ["index.html", "models/tiny.html", "models/huge.html"])
def test_pages_are_accessible_and_fit_the_window(browser: Browser, site: Path, page: str) -> None:
    with browser.open(site / page) as shown:
        for scheme, size in LOOKS:
            shown.change(scheme, size)
            shown.require_accessible()
            width = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert shown.page.evaluate(width)


def test_search_and_filters(browser: Browser, site: Path) -> None:
    with browser.open(site / "index.html") as shown:
        everything = ["tiny", "Tiny", "huge", "aux", "größe", "models"]
        assert names(shown.visible(ROWS)) == everything
        box = shown.page.get_by_role("searchbox")
        box.fill("drawings")
        assert names(shown.visible(ROWS)) == ["tiny"]
        box.fill("")
        for chip, expected in (
            ("with weights", ["tiny"]),
            ("timm", ["huge"]),
            ("100 M and more", ["huge"]),
            ("utility", ["models"]),
            ("2", []),
        ):
            button = shown.page.get_by_role("button", name=chip, exact=True)
            if expected:
                button.click()
                assert names(shown.visible(ROWS)) == expected
                button.click()
        shown.page.get_by_role("button", name="Parameters").click()
        assert names(shown.visible(ROWS))[:2] == ["huge", "tiny"]


def test_each_row_copies_the_code_that_loads_its_model(browser: Browser, site: Path) -> None:
    with browser.open(site / "index.html") as shown:
        shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        shown.page.get_by_role("button", name="Copy the code that loads tiny", exact=True).click()
        shown.page.get_by_text("Copied").wait_for()
        copied = shown.page.evaluate("navigator.clipboard.readText()")
    compile(copied, "snippet", "exec")
    assert '"acme/nets:v1.0", "tiny", pretrained=True' in " ".join(copied.split()).replace(
        "( ", "("
    )


def test_pages_lead_to_one_another_from_any_folder(
    browser: Browser, site: Path, tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "a" / "sub path")
    with browser.open(tmp_path / "a" / "sub path" / "index.html") as shown:
        shown.page.get_by_role("link", name="huge", exact=True).first.click()
        assert shown.page.url.endswith("/sub%20path/models/huge.html")
        shown.page.get_by_role("link", name="← Tiny").click()
        shown.page.get_by_role("link", name="← tiny").click()
        shown.page.get_by_role("link", name="All models").click()
        assert shown.page.url.endswith("/sub%20path/index.html")


def test_every_link_leads_to_a_file(site: Path) -> None:
    pages = [site / "index.html", *(site / "models").glob("*.html")]
    assert len(pages) == 7
    for page in pages:
        text = page.read_text("utf-8")
        links = re.findall(r'href="([^"#]+)(?:#[^"]*)?"', text)
        local = [link for link in links if not link.startswith(("https:", "data:"))]
        assert local
        assert all((page.parent / link).is_file() for link in local)
        inner = re.findall(r'href="#([^"]+)"', text)
        assert all(f'id="{name}"' in text for name in inner), inner


def test_strange_text_is_shown_and_nothing_else(browser: Browser, site: Path) -> None:
    with browser.open(site / "models" / "huge.html") as shown:
        assert HOSTILE in (shown.page.locator(".lead").text_content() or "")
        assert shown.page.locator("img, main script, [onclick], [onerror]").count() == 0
        assert HOSTILE in (shown.page.locator("#conformance ~ .card .note").text_content() or "")
    with browser.open(site / "index.html") as shown:
        assert f"Nets {HOSTILE}" in (shown.page.locator(".lead").text_content() or "")
        assert shown.page.locator("img, main script, [onclick], [onerror]").count() == 0
    odd = next(page for page in (site / "models").iterdir() if not page.name.isidentifier())
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not set("\x1b\u202e") & set(text)
        assert "secret" not in text
    assert odd.name.isascii()


def test_the_card_is_shown_without_what_the_page_shows_itself(browser: Browser, site: Path) -> None:
    with browser.open(site / "index.html") as shown:
        card = shown.page.locator("#card .prose")
        text = card.inner_text()
        assert "Evaluation" in text
        assert "A picture" in text
        assert not {"GENERATED", "Usage", "The end", "hubkit:begin"} & set(text.split("\n"))
        links = {one.inner_text(): one.get_attribute("href") for one in card.locator("a").all()}
        assert links["the paper"] == "https://example.org/paper"
        assert re.fullmatch(
            r"https://github\.com/acme/nets/blob/[0-9a-f]{40}/src/net\.py", links["the code"] or ""
        )
        assert links["here"] is None
        assert "nothing" not in links or links["nothing"] is None
        assert card.locator("[tabindex] table td").count() == 2
        assert "C103 runs" in (shown.page.locator(".note.bad").text_content() or "")


def test_without_javascript_everything_is_shown(browser: Browser, site: Path) -> None:
    with browser.open(site / "index.html", script=False) as shown:
        assert len(shown.visible(ROWS)) == 6
        assert not shown.page.get_by_role("searchbox").is_visible()
