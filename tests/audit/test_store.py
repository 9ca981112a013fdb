"""The database and its journal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from hubkit.audit.journal import Entry, Journal
from hubkit.audit.messages import (
    Cell,
    CellResult,
    Check,
    Environment,
    Outcome,
    Results,
    Settings,
)
from hubkit.audit.report import find_changes, render_report
from hubkit.audit.sources import Source
from hubkit.audit.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.audit.store import Progress, Store

pytest.importorskip("duckdb")


def add(store: Store, *specs: str) -> None:
    progress = store.begin([], Settings())
    for spec in specs:
        add_outcome(store, progress, Outcome(spec, "not found", "gone"))


def add_outcome(store: Store, progress: Progress, outcome: Outcome) -> None:
    source, settings = Source(outcome.spec), Settings().key
    store.add([Entry(progress.run, progress.started, source, outcome, settings)])


def specs(path: Path) -> list[str]:
    with open_store(path) as store:
        return [row["spec"] for row in store.query("SELECT spec FROM repos ORDER BY spec")]


def test_what_a_killed_process_left_in_the_journal_is_kept_once(tmp_path: Path) -> None:
    path, killed = tmp_path / "now" / "a.duckdb", tmp_path / "killed" / "a.duckdb"
    path.parent.mkdir()
    with open_store(path, write=True) as store:
        add(store, "a/a", "a/b")
        shutil.copytree(path.parent, killed.parent)
    journal = killed.with_name("a.duckdb.journal")
    left = journal.read_bytes()
    assert specs(killed) == ["a/a", "a/b"]
    assert not journal.exists()
    journal.write_bytes(left + left[:30])  # killed after the tables were written, and while writing
    assert specs(killed) == ["a/a", "a/b"]
    assert specs(path) == ["a/a", "a/b"]

    killed.unlink()
    journal.write_bytes(left)
    with open_store(killed, write=True) as store:  # another database of the same name
        add(store)
    assert specs(killed) == []


def test_a_damaged_entry_ends_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    with open_store(tmp_path / "a.duckdb", write=True) as store:
        progress = store.begin([], Settings())
    some = [
        Entry(progress.run, progress.started, Source(spec), Outcome(spec, "offline"), "")
        for spec in "abc"
    ]
    journal.append(some)
    journal.close()
    assert list(Journal(path).read()) == some
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert list(Journal(path).read()) == some[:1]


def test_changes_of_the_suite_and_of_environments(tmp_path: Path) -> None:
    results = Results(0, "", False, ("torch",), (), ())
    failed = Environment("key", "3.11", "", ("torch",), "venv", "no wheel", 1.0)
    made = Environment("key", "3.11", "", ("torch",), "venv", None, 9.0)
    checks = {
        outcome: Check("net", "", "C101", "import-clean", 1, True, outcome, "", 0.1)
        for outcome in ("passed", "failed")
    }
    runs = {
        "a/worse": [(made, Cell("passed", level=1), "passed"), (made, Cell("failed"), "failed")],
        "a/same": [(made, Cell("failed", level=0), "failed")] * 2,
        "a/made": [(failed, Cell("no environment"), ""), (made, Cell("passed", level=1), "passed")],
    }
    with open_store(tmp_path / "a.duckdb", write=True) as store:
        for at in range(2):
            progress = store.begin([], Settings())
            for spec, cells in runs.items():
                environment, cell, outcome = cells[at]
                found = (checks[outcome],) if outcome else ()
                both = (CellResult(environment, cell, (), found),)
                add_outcome(store, progress, Outcome(spec, "checked", results=results, cells=both))
            store.finish(progress.run)
        environments = store.query("SELECT reason, seconds FROM environments")
        changes = {one.spec: one for one in find_changes(store, 2, 1)}
        page = render_report(store, 2, 1)
    assert environments == [{"reason": None, "seconds": 9.0}]
    assert set(changes) == {"a/worse", "a/made"}
    worse = changes["a/worse"].worse
    assert ("Python 3.11", "net C101 import-clean", "failed") in worse
    assert not changes["a/worse"].better
    assert changes["a/made"].better == (("Python 3.11", "suite", "has a report"),)
    assert "net C101 import-clean" in page
