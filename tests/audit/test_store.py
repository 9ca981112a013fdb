"""The database and its journal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from hubkit.audit.journal import Entry, Journal
from hubkit.audit.messages import Outcome, Settings
from hubkit.audit.sources import Source
from hubkit.audit.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.audit.store import Store

pytest.importorskip("duckdb")


def add(store: Store, *specs: str) -> None:
    progress = store.begin([], Settings())
    for spec in specs:
        source, outcome = Source(spec), Outcome(spec, "not found", "gone")
        store.add([Entry(progress.run, progress.started, source, outcome, Settings().key)])


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
