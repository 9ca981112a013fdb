"""Which fixes are made together, what becomes of bad ones, and what is written."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import FixError
from hubkit.facts import Edit, Finding, Fix, Location, Report
from hubkit.lint import FileChange, fix_findings, write_changes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "a.py"


def edit(start: int, end: int, text: str) -> Edit:
    """Of the first line, from one column to another."""
    return Edit(Location(FILE, 1, start, 1, end), text)


def finding(message: str, *edits: Edit, safe: bool = True) -> Finding:
    fix = Fix("do it", "safe" if safe else "unsafe", edits)
    return Finding("HUB000", "error", message, Location(FILE), fix=fix)


@dataclasses.dataclass
class Rules:
    """Finds words in the one file that there is; each comes with the edits that it is given."""

    before: bytes
    wanted: dict[str, tuple[Edit, ...]]
    seen: list[bytes] = dataclasses.field(default_factory=list)

    def lint(self, changes: Mapping[str, bytes]) -> Report:
        text = changes.get(FILE, self.before)
        self.seen.append(text)
        found = [finding(word, *edits) for word, edits in self.wanted.items() if word in str(text)]
        return Report(tuple(found), (), ())

    def fix(self) -> tuple[bytes, list[str], list[str]]:
        outcome = fix_findings(self.lint, lambda _: self.before)
        after = outcome.changes[FILE].after if outcome.changes else self.before
        return (
            after,
            [one.message for one in outcome.fixed],
            [f"{one.message}: {reason}" for one, reason in outcome.failed],
        )


def test_fixes_that_do_not_touch_are_made_in_one_pass() -> None:
    rules = Rules(b"aa = bb\n", {"aa": (edit(1, 3, "c"),), "bb": (edit(6, 8, "d"),)})
    assert rules.fix() == (b"c = d\n", ["aa", "bb"], [])
    assert rules.seen == [b"aa = bb\n", b"c = d\n"]


def test_of_fixes_that_overlap_one_waits_for_the_next_pass() -> None:
    # The second is no longer found once the first is made.
    rules = Rules(b"aab = 1\n", {"aa": (edit(1, 4, "c"),), "ab": (edit(2, 4, "d"),)})
    assert rules.fix() == (b"c = 1\n", ["aa"], [])


def test_two_insertions_at_one_place_are_both_made() -> None:
    class Lists(Rules):
        def lint(self, changes: Mapping[str, bytes]) -> Report:
            text = changes.get(FILE, self.before)
            missing = [finding(x, edit(4, 4, f", {x}")) for x in "bc" if x not in str(text)[2:]]
            return Report(tuple(missing), (), ())

    assert Lists(b"x=1\n", {}).fix() == (b"x=1, b, c\n", ["b", "c"], [])


def test_a_fix_that_breaks_the_file_is_not_made_and_the_others_are() -> None:
    rules = Rules(b"aa = bb\n", {"aa": (edit(1, 3, "("),), "bb": (edit(6, 8, "d"),)})
    after, fixed, (failed,) = rules.fix()
    assert (after, fixed) == (b"aa = d\n", ["bb"])
    assert failed.startswith("aa: the result does not parse")


def test_a_fix_that_does_not_help_is_taken_back() -> None:
    rules = Rules(b"aa = bb\n", {"aa": (edit(1, 3, "aaa"),), "bb": (edit(6, 8, "d"),)})
    assert rules.fix() == (b"aa = d\n", ["bb"], ["aa: the finding is still reported"])


def test_a_fix_outside_the_file_is_not_made() -> None:
    place = Location(FILE, 7, 1, 7, 2)
    rules = Rules(b"aa = bb\n", {"aa": (Edit(place, "c"),)})
    assert rules.fix() == (b"aa = bb\n", [], ["aa: the file has no line 7"])


def test_fixes_that_undo_one_another_come_to_an_end() -> None:
    rules = Rules(b"aa = 1\n", {"aa": (edit(1, 3, "bb"),), "bb": (edit(1, 3, "aa"),)})
    after, fixed, _ = rules.fix()
    assert after in (b"aa = 1\n", b"bb = 1\n")
    assert len(fixed) < 100


def test_unsafe_fixes_are_counted_and_not_made() -> None:
    report = Report((finding("aa", edit(1, 3, "c"), safe=False),), (), ())
    outcome = fix_findings(lambda _: report, lambda _: b"aa = 1\n")
    assert (outcome.changes, outcome.unsafe, outcome.report) == ({}, 1, report)


def test_a_file_that_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(b"old\n")
    (tmp_path / "b.py").write_bytes(b"somebody's\n")
    changes = {name: FileChange(b"old\n", b"new\n") for name in ("a.py", "b.py")}
    with pytest.raises(FixError, match=r"b\.py has changed"):
        write_changes(tmp_path, changes)
    assert (tmp_path / "a.py").read_bytes() == b"old\n"
    assert (tmp_path / "b.py").read_bytes() == b"somebody's\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FixError, match="Cannot read"):
        write_changes(tmp_path, {"a.py": FileChange(b"", b"x")})


def test_a_path_out_of_the_repo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"old\n")
    (tmp_path / "repo").mkdir()
    with pytest.raises(FixError, match="points outside the repo"):
        write_changes(tmp_path / "repo", {"../a.py": FileChange(b"old\n", b"new\n")})
    assert (tmp_path / "a.py").read_bytes() == b"old\n"


def test_a_failed_fix_does_not_bar_equal_findings_of_the_file() -> None:
    """Two findings have one message. The second appears once the fix of the first has failed."""

    class Twins(Rules):
        def lint(self, changes: Mapping[str, bytes]) -> Report:
            found = []
            lines = changes.get(FILE, self.before).decode().split("\n")
            fixes = {"bad": ("same", "("), "old": ("old", "late"), "late": ("same", "good")}
            for number, line in enumerate(lines, 1):
                if line in fixes:
                    message, text = fixes[line]
                    place = Location(FILE, number, 1, number, len(line) + 1)
                    fix = Fix("do it", "safe", (Edit(place, text),))
                    found.append(Finding("HUB000", "error", message, place, fix=fix))
            return Report(tuple(found), (), ())

    outcome = fix_findings(Twins(b"bad\nold\n", {}).lint, lambda _: b"bad\nold\n")
    assert outcome.changes[FILE].after == b"bad\ngood\n"
    assert [one.message for one in outcome.fixed] == ["old", "same"]
    assert [one.location for one, _ in outcome.failed] == [Location(FILE, 1, 1, 1, 4)]


def test_a_failed_fix_is_not_tried_again_after_lines_moved() -> None:
    class Growing(Rules):
        def lint(self, changes: Mapping[str, bytes]) -> Report:
            text = changes.get(FILE, self.before)
            self.seen.append(text)
            lines = text.decode().split("\n")
            number = lines.index("bad") + 1
            bad = Edit(Location(FILE, number, 1, number, 4), "(")
            found = [Finding("HUB000", "error", "bad", bad.location, fix=Fix("", "safe", (bad,)))]
            if lines[0] == "old":
                found.append(finding("old", edit(1, 4, "new\nnew")))
            return Report(tuple(found), (), ())

    outcome = fix_findings(Growing(b"old\nbad\n", {}).lint, lambda _: b"old\nbad\n")
    assert outcome.changes[FILE].after == b"new\nnew\nbad\n"
    assert len(outcome.failed) == 1
    assert not any(one.fix for one in outcome.report.findings)
