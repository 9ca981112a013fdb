"""The page kit: a small page that uses all of it, in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import TemplateError
from hubkit.pages import Bar, Point, bar, bars, render_page, scatter
from hubkit.pages.markup import mark_code
from tests.browser import LOOKS
from tests.git_host import GitHost

if TYPE_CHECKING:
    from tests.browser import Browser

TEMPLATE = Path(__file__).with_name("zoo.html.jinja")
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u202e\x1b[31m]]>--><!--"
)

# Insert HTML, and note the directives of the policy because of which the browser blocks parts of it.
INSERT = """inserted => {
    window.blocked = new Set();
    addEventListener("securitypolicyviolation", found => blocked.add(found.effectiveDirective));
    document.body.insertAdjacentHTML("afterbegin", inserted);
}"""


def render(*names: str, text: str = "text") -> str:
    models = [
        {"name": name, "size": 7 * number + 2, "license": ("MIT", "BSD")[number % 2], "url": text}
        for number, name in enumerate(names)
    ]
    rows = [Bar(name, 7 * n + 2, f"{7 * n + 2} M", f"#{name}", n) for n, name in enumerate(names)]
    points = [
        Point(name, 10.0**n, 1.0 + n * n, f"{n} M", f"{n} s", f"#{name}", n)
        for n, name in enumerate(names)
    ]
    variables = {"models": models, "rows": rows, "points": points, "text": text}
    return render_page(TEMPLATE, variables, title=f"Zoo {text}")


@pytest.fixture(scope="module")
def page() -> str:
    return render("resnet", "unet", "vit", "swin")


class Elements(HTMLParser):
    """The names of elements and attributes, and the texts of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_strange_text_is_shown_and_nothing_else(browser: Browser) -> None:
    page = render(HOSTILE, text=HOSTILE)
    plain = Elements(render("n" * len(HOSTILE)))
    hostile = Elements(page)
    assert (hostile.names, hostile.attributes) == (plain.names, plain.attributes)
    assert "\u202e" not in page
    assert "\x1b" not in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert data is not None
    assert json.loads(data[1]) == HOSTILE
    with browser.open(page) as shown:
        assert shown.page.locator("tbody th").inner_text().startswith("</script><script>alert(1)")
        assert shown.page.get_by_role("link", name="site").get_attribute("href") == ""


def test_text_that_is_not_unicode_is_shown() -> None:
    assert r"Zoo \ud800" in render("net", text="\ud800")


def test_addresses_that_run_scripts_are_dropped() -> None:
    assert 'href="">site' in render("net", text="javascript:alert(1)")
    assert 'href="https://example.org">site' in render("net", text="https://example.org")


def test_pages_are_accessible(browser: Browser, page: str) -> None:
    with browser.open(page) as shown:
        for scheme, size in LOOKS:
            shown.change(scheme, size)
            shown.require_accessible()
            width = shown.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert width <= 0


def test_search_and_filters(browser: Browser, page: str) -> None:
    with browser.open(page) as shown:
        shown.page.keyboard.press("/")
        shown.page.keyboard.type("NET")
        assert shown.visible("#models [data-item]") == ["resnet", "unet"]
        assert shown.page.get_by_text("2 of 4").is_visible()
        shown.page.get_by_role("button", name="BSD").click()
        assert shown.visible("#models [data-item]") == ["unet"]
        shown.page.get_by_role("searchbox").fill("nothing")
        shown.page.get_by_role("button", name="Show everything").click()
        assert len(shown.visible("#models [data-item]")) == 4


def test_tables_are_sorted(browser: Browser, page: str) -> None:
    with browser.open(page) as shown:
        head = shown.page.get_by_role("button", name="Parameters")
        head.click()
        assert shown.visible("#models [data-item]") == ["swin", "vit", "unet", "resnet"]
        shown.page.get_by_role("button", name="Model", exact=True).click()
        assert shown.visible("#models [data-item]") == ["resnet", "swin", "unet", "vit"]
        assert shown.page.locator("th[aria-sort=ascending]").inner_text() == "Model"


def test_the_switch_changes_the_scheme(browser: Browser, page: str) -> None:
    with browser.open(page, scheme="light") as shown:
        color = "getComputedStyle(document.body).backgroundColor"
        light = shown.page.evaluate(color)
        switch = shown.page.get_by_role("button", name="Theme")
        switch.click()
        assert shown.page.evaluate(color) == light
        switch.click()
        assert shown.page.evaluate(color) != light
        assert switch.inner_text() == "Theme: dark"
        shown.page.reload()
        assert shown.page.evaluate(color) != light


def test_links_show_what_is_hidden(browser: Browser, page: str) -> None:
    with browser.open(page) as shown:
        shown.page.get_by_role("searchbox").fill("nothing")
        shown.page.evaluate("location.hash = 'vit'")
        shown.page.get_by_role("rowheader", name="vit").wait_for()
        shown.page.evaluate("location.hash = 'inside'")
        shown.page.locator("#inside").wait_for()


def test_code_is_copied(browser: Browser, page: str) -> None:
    with browser.open(page) as shown:
        shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        shown.page.get_by_role("button", name="Copy").click()
        shown.page.get_by_text("Copied").wait_for()
        assert shown.page.evaluate("navigator.clipboard.readText()") == "import hubkit"


def test_without_javascript_everything_is_shown(browser: Browser, page: str) -> None:
    with browser.open(page, script=False) as shown:
        assert len(shown.visible("#models [data-item]")) == 4
        assert not shown.page.get_by_role("searchbox").is_visible()


def test_the_policy_forbids_what_a_page_may_not_do(browser: Browser, page: str) -> None:
    with GitHost() as host:
        inserted = f'<img src="{host.url}/x.png"><p style="color:red" onclick="x()">'
        with browser.open(page, offline=False) as shown:
            shown.page.evaluate(INSERT, inserted)
            shown.page.wait_for_function("blocked.size == 3")
            blocked = shown.page.evaluate("[...blocked].sort()")
            shown.problems.clear()  # the browser tells of them in words of its own
        assert blocked == ["img-src", "script-src-attr", "style-src-attr"]
        assert not host.requests


def test_other_event_loops_run_between_two_pages(browser: Browser) -> None:
    for _ in range(2):
        with browser.open("<title>net</title>") as shown:
            assert shown.page.title() == "net"
        assert asyncio.run(asyncio.sleep(0, "done")) == "done"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("use `a < b` or ``c``.", "use <code>a &lt; b</code> or <code>c</code>."),
        ("one ` alone <b>", "one ` alone &lt;b&gt;"),
        ("`<script>`", "<code>&lt;script&gt;</code>"),
        ("", ""),
        ("`" * 100_000 + "x", "`" * 100_000 + "x"),
        ("`x" * 100_001, "<code>x</code>x" * 50_000 + "`x"),
    ],
    ids=range(6),
)
def test_backticks_are_code(text: str, html: str) -> None:
    assert mark_code(text) == html


def test_templates_that_do_not_render_are_an_error() -> None:
    with pytest.raises(TemplateError, match=r"zoo\.html\.jinja, line \d+: 'models' is undefined"):
        render_page(TEMPLATE, {}, title="Zoo")


def test_plots_without_values_are_empty() -> None:
    assert scatter([Point("net", 0, 0, "0", "0")], "x", "y").count("<circle") == 0
    assert bars([], "nothing").count("<rect") == 0
    assert 'width="100%"' in bar(7)


def test_labels_of_points_do_not_overlap() -> None:
    crowd = [Point(f"net{n}", 1 + n / 1000, 1 + n / 1000, "1", "1") for n in range(100)]
    plot = scatter([*crowd, Point("far", 100, 100, "100", "100")], "x", "y")
    assert plot.count("<circle") == 101
    assert plot.count('class="label"') < 10
    assert ">far</text>" in plot
