"""What every check brings along, and what reading the list of checks must not cost."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_hubkit.checks import Check, all_checks, check
from pytest_hubkit.checks.registry import CHECKS


@pytest.mark.parametrize("one", all_checks(), ids=lambda one: one.code)
def test_a_check_explains_itself(one: Check) -> None:
    assert re.fullmatch(rf"C{one.level}\d\d", one.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.slug)
    assert len(one.summary) < 90
    assert one.summary.endswith(".")
    assert len(one.explanation.split("\n\n")) >= 2
    assert set(one.requires) <= {known.code for known in all_checks()} - {one.code}


def test_the_first_checks_are_there() -> None:
    codes = [one.code for one in all_checks()]
    assert codes == sorted(codes)
    wanted = ["C101", "C102", "C104", "C105", "C106", "C107", "C201", "C204", "C207", "C301"]
    assert set(wanted) <= set(codes)


def test_two_checks_cannot_have_one_code() -> None:
    taken = next(iter(CHECKS))
    with pytest.raises(ValueError, match=taken):
        check(taken, "again", level=1)(lambda _: iter(()))


def test_reading_the_checks_needs_neither_torch_nor_pytest() -> None:
    code = (
        "import sys; from pytest_hubkit.checks import all_checks; assert all_checks();"
        "print(*{'torch', 'pytest', '_pytest', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


def test_every_check_has_a_row_in_the_docs() -> None:
    docs = Path(__file__).parents[2] / "docs"
    for name in ("conformance.md", "rules.md"):
        rows = re.findall(r"^\| (C\d{3}\b[^|]*)\|", (docs / name).read_text("utf-8"), re.MULTILINE)
        listed = re.findall(r"C\d{3}", " ".join(rows))
        assert sorted(listed) == [one.code for one in all_checks()], name
