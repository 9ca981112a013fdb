"""``hubkit audit report``: what it prints, and its page in a browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser import Browser

pytestmark = pytest.mark.slow
STRANGE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: in the second, a repo has another finding, and another repo is gone."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "net").mkdir()
    (folder / "plain").mkdir()
    (folder / "plain" / "hubconf.py").write_text("def plain():\n    return 1\n")
    path = folder / "audit.duckdb"
    options = ["--out", str(path), "--workers", "1"]
    for extra, repos in (("", ["net", "plain"]), ("import timm\n", ["net", "gone"])):
        source = f"{extra}dependencies = ['torch']\n\n\ndef net(**kwargs):\n    '''{STRANGE}'''\n"
        (folder / "net" / "hubconf.py").write_text(source)
        folders = [str(folder / name) for name in repos]
        assert CliRunner().invoke(main, ["audit", *folders, *options]).exit_code == 1
    return path


def test_changes_since_an_earlier_run(database: Path) -> None:
    done = CliRunner().invoke(
        main, ["audit", "report", str(database), "--against", "1", "--json"], catch_exceptions=False
    )
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["run"]) == ("audit report", 2)
    assert answer["states"] == {"checked": 1, "not found": 1}
    changes = {one["spec"].rpartition("/")[2]: one for one in answer["changes"]}
    assert set(changes) == {"net", "plain", "gone"}
    assert [code for code, _ in changes["net"]["new"]] == ["HUB105"]
    assert (changes["gone"]["before"], changes["gone"]["now"]) == ("", "not found")


def test_the_page(database: Path, browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    arguments = ["audit", "report", str(database), "--html", str(page), "--against", "1", "-q"]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    with browser.open(page) as shown:
        assert len(shown.visible("tbody[data-item]")) == 2
        shown.page.get_by_role("searchbox").fill("HUB105")
        (only,) = shown.visible("tbody[data-item]")
        assert "/net " in only
        shown.page.locator("#repo-2 summary").click()
        assert "`timm` is imported" in shown.page.locator("#repo-2").inner_text()
        shown.require_accessible()


def test_what_there_is_not_is_an_error(database: Path, tmp_path: Path) -> None:
    for arguments, text in (
        ([str(database), "--against", "7"], "no run 7"),
        ([str(tmp_path / "none.duckdb")], "There is no file"),
    ):
        done = CliRunner().invoke(main, ["audit", "report", *arguments])
        assert done.exit_code == 2
        assert text in done.stderr
