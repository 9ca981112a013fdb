"""The queries on the page about audits run on the database of a real audit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.cli import main
from tests.doc_pages import DOCS

if TYPE_CHECKING:
    from pathlib import Path

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("distributed")

QUERIES = re.findall(
    r"<!-- sql -->\n```sql\n(.*?)```", (DOCS / "auditing.md").read_text("utf-8"), re.DOTALL
)


def test_queries_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hubconf = tmp_path / "net" / "hubconf.py"
    hubconf.parent.mkdir()
    for source in ("def net(**kw): pass\n", "import timm\ndependencies = ['torch']\n"):
        hubconf.write_text(f"{source}\ndef other(): return 1\n")
        assert CliRunner().invoke(main, ["audit", "./net", "./gone"]).exit_code == 1
    with duckdb.connect("audit.duckdb", read_only=True) as connection:
        found = [connection.execute(query).fetchall() for query in QUERIES]
    assert len(found) == 7
    assert [bool(rows) for rows in found].count(False) == 1  # the suite did not run
