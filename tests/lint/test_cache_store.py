"""What is kept is bounded, and what is damaged or foreign is as good as nothing."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner

from hubkit import limits
from hubkit.cli import main
from hubkit.facts import Finding, Fix, Location, Report
from hubkit.facts.findings import Edit
from hubkit.lint import cache as report_cache
from hubkit.lint.cache import cached_report, find_cached, write_cached
from hubkit.source import open_files


class _Harmful:
    """What runs a command when a careless reader meets it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.command,)


def sealed(value: object) -> bytes:
    data = pickle.dumps(value)
    return report_cache._digest(data) + data


def check(repo: Path) -> str:
    return CliRunner().invoke(main, ["check", str(repo)]).output


def test_a_report_comes_back_as_it_was(cache: Path) -> None:
    place = Location("a.py", 1, 2, 3, 4)
    fix = Fix("Do it", "safe", (Edit(place, "x\udcff"),))
    finding = Finding("HUB105", "error", "wrong", place, fix=fix)
    report = Report((finding,), (), (), lines={("a.py", 1): "x"})
    write_cached("key", {("read", "a.py", -1): b"1"}, report)
    record = find_cached("key")
    assert record is not None
    assert record.report == report
    assert record.results == {("read", "a.py", -1): b"1"}
    assert [path.name for path in cache.iterdir()] == ["key"]
    assert cache.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "changed", "other", "harmful", "large"])
def test_a_bad_record_is_none_and_is_replaced(
    kind: str, cache: Path, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = check(repo)
    (record,) = cache.iterdir()
    good = record.read_bytes()
    harm = tmp_path / "harm"
    bad = {
        "empty": b"",
        "text": b"not a pickle",
        "cut": good[: len(good) // 2],
        "changed": good[:-9] + b"?" + good[-8:],
        "other": sealed(([], 7)),
        "harmful": sealed(({}, _Harmful(f"touch {harm}"))),
        "large": good,
    }[kind]
    record.write_bytes(bad)
    if kind == "large":
        monkeypatch.setattr(limits, "REPORT_BYTES", limits.Limit(len(good) - 1, "bytes", ""))
    assert find_cached(record.name) is None
    assert check(repo) == first
    assert not harm.exists()
    if kind != "large":
        assert record.read_bytes() == good


def test_a_folder_that_cannot_be_written_is_not_an_error(
    tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUBKIT_NO_CACHE")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert "HUB105" in check(repo)


def test_a_user_without_a_home_is_not_an_error(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> object:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HUBKIT_NO_CACHE", "HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.chdir(repo.parent)
    assert "HUB105" in check(repo)
    assert [path.name for path in repo.parent.iterdir()] == ["repo"]


def test_the_oldest_records_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_cache, "_MAX_REPORTS", 3)
    report = Report((), (), ())
    for number in range(6):
        write_cached(f"{number}", {}, report)
        os.utime(cache / f"{number}", ns=(number, number))
    assert sorted(path.name for path in cache.iterdir()) == ["3", "4", "5"]


def test_a_run_in_which_a_rule_stopped_is_not_kept(cache: Path, repo: Path) -> None:
    stopped = Report((Finding("HUB900", "error", "stopped"),), (), ())
    assert cached_report(open_files(repo), None, lambda _: stopped) is stopped
    assert not cache.exists()


def test_another_hubkit_has_records_of_its_own(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = report_cache.key_of(open_files(repo), None)
    assert report_cache.key_of(open_files(repo), None) == key
    assert report_cache.key_of(open_files(repo), "others") != key
    monkeypatch.setattr(report_cache, "_installed", lambda: iter(["changed"]))
    assert report_cache.key_of(open_files(repo), None) != key


def test_every_file_of_hubkit_counts() -> None:
    told = {line.rpartition(" ")[0] for line in report_cache._installed()}
    own = {str(path) for path in Path(report_cache.__file__).parents[1].rglob("*.py")}
    assert own <= told
    assert any("docstring_parser" in name for name in told)
