"""Public addresses of the project come from its metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit._util.addresses import find_address
from hubkit._util.colors import find_page
from hubkit.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METADATA = """\
Metadata-Version: 2.1
Name: torch-hubkit
Version: 1.0
Project-URL: Documentation, https://docs.example.org/hubkit/
Project-URL: Issues, https://git.example.org/hubkit/issues
"""


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installation whose metadata has addresses."""
    folder = tmp_path / "torch_hubkit-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("HUBKIT_DOCS_URL", raising=False)
    find_address.cache_clear()
    yield
    find_address.cache_clear()


@pytest.mark.usefixtures("published")
def test_links_and_bug_reports_lead_to_the_addresses_of_the_metadata() -> None:
    assert find_page("C204") == "https://docs.example.org/hubkit/checks/C204.html"
    assert "https://git.example.org/hubkit/issues" in CliRunner().invoke(main, ["doctor"]).stdout


@pytest.mark.usefixtures("published")
def test_a_variable_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBKIT_DOCS_URL", "http://localhost:8000")
    assert find_page("HUB105") == "http://localhost:8000/rules/HUB105.html"
    monkeypatch.setenv("HUBKIT_DOCS_URL", "")
    assert not find_page("HUB105")


def test_there_is_no_address_without_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBKIT_DOCS_URL", "")
    assert find_address("Something else") == ""
    shown = CliRunner().invoke(main, ["doctor"]).stdout
    assert re.search(r"^  documentation +none$", shown, re.MULTILINE)
