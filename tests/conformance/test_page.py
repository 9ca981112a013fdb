"""The report as a page: what is in it, and that it works in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from hubkit.conformance import render_html
from hubkit.facts import (
    CaseResult,
    CheckFailure,
    EntrypointHelp,
    LintFindings,
    ParameterHelp,
    WeightsResult,
)
from tests.browser import LOOKS
from tests.conformance.many import make_report
from tests.conformance.test_report import REPORT, ran
from tests.pages.test_pages import HOSTILE, Elements

if TYPE_CHECKING:
    from hubkit.facts import ConformanceReport
    from tests.browser import Browser

MEGABYTE = 1_000_000
EVIDENCE = ("row 0 differs by 3e-3", "Traceback\n  <module>")


def failing(name: str, **changes: Any) -> CaseResult:
    found = CheckFailure(
        f"The output of {name} depends on the batch.", EVIDENCE, "Call eval().", "m.py:7"
    )
    check = structs.replace(ran("C211", "failed", found.message), failures=(found,))
    return CaseResult(name, checks=(ran("C104"), check), **changes)  # fmt: skip


def report(*cases: CaseResult, **changes: Any) -> ConformanceReport:
    return structs.replace(REPORT, cases=cases, **changes)


@pytest.fixture(scope="module")
def few() -> str:
    return render_html([make_report(12)])


@pytest.fixture(scope="module")
def two() -> str:
    """One that failed, and one that passed; the others of `few` look like one of them."""
    cases = make_report(12).cases
    return render_html([structs.replace(make_report(2), cases=(cases[0], cases[-1]))])


@pytest.fixture(scope="module")
def compared() -> str:
    """Two versions of torch: one check got worse, one entrypoint came."""
    same, old = (CaseResult(name, checks=(ran("C104"),)) for name in ("same", "old"))
    before = report(make_report(2).cases[1], old, same)
    worse = structs.replace(
        before.cases[0],
        checks=tuple(
            structs.replace(one, outcome="failed") if one.code == "C204" else one
            for one in before.cases[0].checks
        ),
    )
    after = report(
        worse, failing("new"), same, environment={**REPORT.environment, "torch": "2.10.0"}
    )
    return render_html([before, after])


def test_failures_have_evidence_and_fix(browser: Browser) -> None:
    page = render_html([report(failing("net"), failing("other"), CaseResult("fine"))])
    with browser.open(page) as shown:
        cards = shown.page.locator("#failures ~ article")
        assert cards.count() == 1
        text = cards.inner_text()
        for part in (
            "C211",
            "net, other",
            "m.py:7",
            *EVIDENCE,
            "Call eval().",
            "hubkit explain C211",
        ):
            assert part in text
        shown.page.locator("#matrix").get_by_role("link", name="✕").first.click()
        shown.page.wait_for_url("**#failure-1")


def test_a_section_has_all_that_is_known(browser: Browser) -> None:
    page = render_html([make_report(1)])
    with browser.open(page) as shown:
        text = shown.page.locator("details.model").inner_text()
    for part in (
        'torch.hub.load("acme/shapes", "tf_efficientnet_0", pretrained=True)',
        "progress: bool = True",
        "Show a progress bar while they are downloaded.",
        "float32[2, 3, 224, 224]",
        "float32[2, 1000]",
        "21.2 MB of parameters and buffers",
        "sha256 0123abcd",
        "blocks.3.0 to blocks.3.3",
        "InvertedResidual \u00d7 4",
        "build without weights",
        "C208 safetensors-ready",
    ):
        assert part in text


def test_search_and_filters_cover_the_whole_page(browser: Browser, few: str) -> None:
    with browser.open(few) as shown:
        shown.page.get_by_role("searchbox").fill("net_1")
        assert shown.page.get_by_text("3 of 12").is_visible()
        for place in ("#overview tbody[data-item]", "#matrix tbody[data-with]", "details.model"):
            found = shown.page.locator(place)
            assert sum(one.is_visible() for one in found.all()) == 3
        shown.page.get_by_role("button", name="failed", exact=True).click()
        assert shown.page.locator("details.model:visible h3").all_inner_texts() == [
            "tf_efficientnet_10"
        ]
        shown.page.get_by_role("searchbox").fill("C211")
        assert shown.page.locator("details.model:visible").count() == 2


def test_findings_of_the_linter_are_shown_with_their_pages(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, places = "`timm` is not declared", ("hubconf.py:4",)
    found = LintFindings("HUB105", "undeclared-import", "error", message, places, ("Add it.",))
    known = report(CaseResult("fine"), lint="failed", findings=(found,))
    for site, links in (("", 0), ("https://docs.example.org/hubkit/", 1)):
        monkeypatch.setenv("HUBKIT_DOCS_URL", site)
        with browser.open(render_html([known])) as shown:
            section = shown.page.locator("#findings + article")
            shows = section.inner_text()
            for text in ("HUB105 undeclared-import", "timm is not declared", *places, "Add it."):
                assert text in shows
            page = section.get_by_role("link", name="HUB105")
            assert page.count() == links
            if links:
                assert page.get_attribute("href") == f"{site}rules/HUB105.html"
                shown.require_accessible()


def test_links_open_the_section_of_an_entrypoint(browser: Browser, few: str) -> None:
    with browser.open(few) as shown:
        assert not shown.page.locator("#model-tf_efficientnet_7 .docstring").is_visible()
        shown.page.locator("#overview").get_by_role("link", name="tf_efficientnet_7").click()
        shown.page.locator("#model-tf_efficientnet_7 .docstring").wait_for()


def test_entrypoints_are_sorted_by_numbers(browser: Browser, few: str) -> None:
    with browser.open(few) as shown:
        shown.page.locator("#overview").get_by_role("button", name="First run").click()
        first = shown.page.locator("#overview tbody th").first
        assert first.inner_text() == "tf_efficientnet_11"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two", "compared"])
def test_the_page_is_accessible(
    browser: Browser, request: pytest.FixtureRequest, name: str
) -> None:
    with browser.open(request.getfixturevalue(name)) as shown:
        shown.page.locator("details.model").first.evaluate("one => { one.open = true; }")
        for scheme, size in LOOKS:
            shown.change(scheme, size)
            shown.require_accessible()
            assert shown.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_runs_are_side_by_side(browser: Browser, compared: str) -> None:
    with browser.open(compared) as shown:
        rows = shown.page.locator("#changes tbody tr").all_inner_texts()
        assert [row.split("\t")[1:] for row in rows if "C204" in row] == [
            ["C204 eval-determinism", "✓ passed", "✕ failed", "worse"]
        ]
        text = shown.page.locator("#overview").inner_text()
        assert "torch 2.9.0" in text
        assert "torch 2.10.0" in text
        assert "not there" in text
        assert shown.page.locator("#matrix td[class$=x]").count() == 2
        shown.page.get_by_role("button", name="changed").click()
        found = shown.page.locator("#overview tbody:visible th").all_inner_texts()
        assert found == ["(the repo)", "tf_efficientnet_1", "old", "new"]


def test_hostile_reports_are_text(browser: Browser) -> None:
    case = failing(
        HOSTILE,
        case=HOSTILE,
        kind=HOSTILE,
        call=f"{HOSTILE}({HOSTILE})",
        input=HOSTILE,
        input_values=(HOSTILE,),
        output=HOSTILE,
        help=EntrypointHelp(HOSTILE, HOSTILE, (ParameterHelp(*[HOSTILE] * 4),), HOSTILE),
        weights=WeightsResult(HOSTILE, "failed", HOSTILE),
    )
    changes = {"repo": HOSTILE, "created": HOSTILE, "summaries": {"C104": HOSTILE}}
    environment = dict.fromkeys(("python", "torch", "platform", HOSTILE), HOSTILE)
    runs = [
        report(case, environment=environment, **changes),
        report(case, **changes, policy={"device": HOSTILE, "select": [HOSTILE]}),
    ]
    page = render_html(runs)
    ours = Elements(render_html([make_report(2), make_report(1)])).names
    hostile = Elements(page)
    assert hostile.names <= ours
    assert not {name for name in hostile.attributes if name.startswith("on") or name == "src"}
    for letter in ("\u202e", "\x1b"):
        assert letter not in page
    with browser.open(page) as shown:
        assert "</script><script>alert(1)" in shown.page.locator("h1").inner_text()


def all_skipped(case: CaseResult) -> CaseResult:
    reason = "(C101) hubconf.py cannot be imported: ModuleNotFoundError: No module named 'timm'"
    checks = (structs.replace(one, outcome="skipped", reason=reason) for one in case.checks)
    return structs.replace(case, checks=tuple(checks), modules=(), weights=None)


def all_failed(case: CaseResult) -> CaseResult:
    evidence = ("\n".join(f"  line {number} of a traceback" for number in range(40)),)
    found = (CheckFailure(f"{case.measured.parameters} is wrong.", evidence, "Correct it."),)
    first, *rest = case.checks
    failed = structs.replace(first, outcome="failed", failures=found)
    return structs.replace(case, checks=(failed, *rest))


@pytest.mark.parametrize("change", [all_skipped, all_failed])
def test_a_large_report_of_a_broken_repo_stays_below_a_megabyte(change: Any) -> None:
    report = make_report(200)
    cases = tuple(map(change, report.cases))
    page = render_html([structs.replace(report, cases=cases)])
    assert len(page.encode()) < MEGABYTE


def test_a_large_report_stays_below_a_megabyte_and_works(browser: Browser) -> None:
    page = render_html([make_report(200)])
    assert len(page.encode()) < MEGABYTE
    with browser.open(page) as shown:
        shown.page.get_by_role("searchbox").fill("net_199")
        assert shown.page.locator("details.model:visible").count() == 1


def test_a_report_without_results_is_a_page(browser: Browser) -> None:
    empty = report(whole=CaseResult("", kind=""), lint="", commit="", environment={})
    with browser.open(render_html([empty])) as shown:
        assert "Level 1 is not reached" in shown.page.locator(".hero").inner_text()
        shown.require_accessible()
