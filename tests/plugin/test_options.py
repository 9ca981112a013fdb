"""Which part of the suite runs: levels, codes, entrypoints that stand for others, shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.conformance import merge_reports, read_report
from pytest_hubkit.checks import all_checks

if TYPE_CHECKING:
    from hubkit.facts import CaseResult
    from tests.plugin.conftest import HubRepo

NAMES = ("first", "second", "third")
HUBCONF = "\n\n".join(f'def {name}():\n    """One."""' for name in NAMES)


@pytest.fixture
def plain(repo: HubRepo) -> HubRepo:
    repo.write({"hubconf.py": HUBCONF})
    return repo


def codes(ids: list[str]) -> set[str]:
    return {one.rpartition("::")[2].partition("-")[0] for one in ids} - {"check"}


def entrypoints(ids: list[str], level: int) -> set[str]:
    return {one.split("::")[1] for one in ids if f"::C{level}" in one and one.count("::") == 2}


def levels(ids: list[str]) -> set[str]:
    return {code[1] for code in codes(ids)}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--hubconf-level=1"], "1"),
        (["--hubconf-level=L2"], "12"),
        ([], "123"),
        (["--hubconf-select=C1,c2", "--hubconf-level=1"], "1"),
    ],
)
def test_a_level_is_run_with_those_below(
    plain: HubRepo, arguments: list[str], expected: str
) -> None:
    assert levels(plain.collect("--hubconf", *arguments)) == set(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--hubconf-select=C104,quiet"], {"C104", "C111"}),
        (["--hubconf-select=C10,C104", "--hubconf-ignore=C10"], {"C104"}),
        (["--hubconf-select=C104", "--hubconf-ignore=C104"], set()),
        (["--hubconf-select=C311"], {"C311"}),
        (["--hubconf-ignore=C2,C3,surface,C11", "-k", "not C102"],
         {"C101", *(f"C10{digit}" for digit in "456789")}),
    ],
)  # fmt: skip
def test_checks_are_selected_by_code_and_name(
    plain: HubRepo, arguments: list[str], expected: set[str]
) -> None:
    assert codes(plain.collect("--hubconf", *arguments)) == expected


def test_slow_checks_run_when_asked_for(plain: HubRepo) -> None:
    slow = {one.code for one in all_checks() if one.slow}
    assert slow
    assert not slow & codes(plain.collect("--hubconf", "--hubconf-select=C3"))
    assert slow <= codes(plain.collect("--hubconf", "--hubconf-slow"))


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--hubconf-select=C999", "*'C999' is not a check. *"),
        ("--hubconf-ignore=quite", "*'quite' is not a check. Did you mean `quiet`?"),
        ("--hubconf-shard=3/2", "*'3/2' is not a shard: use 1/3, 2/3 or 3/3"),
        ("--hubconf-level=4", "*'4' is not a level: use 1, 2 or 3"),
        ("--hubconf-keep=0", "*'0' is not a positive number"),
        (
            "--hubconf-report=pdf=x",
            "*'pdf' is not a report format. Use json, markdown, badge, endpoint or html.",
        ),
    ],
)
def test_invalid_values_are_refused(plain: HubRepo, argument: str, said: str) -> None:
    result = plain.run_here("--hubconf", argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_some_entrypoints_stand_for_all(plain: HubRepo) -> None:
    plain.write({"hubkit.toml": 'representative = ["sec*"]\n'})
    ids = plain.collect("--hubconf")
    assert entrypoints(ids, 1) == set(NAMES)
    assert entrypoints(ids, 2) == entrypoints(ids, 3) == {"second"}
    everything = plain.collect("--hubconf", "--hubconf-all")
    assert entrypoints(everything, 3) == set(NAMES)
    # Whoever names another has chosen it.
    assert entrypoints(plain.collect("--hubconf", "hubconf.py::third"), 2) == {"third"}


def test_shards_share_the_entrypoints(plain: HubRepo) -> None:
    parts = [plain.collect("--hubconf", f"--hubconf-shard={part}/2") for part in (1, 2)]
    assert [entrypoints(part, 1) for part in parts] == [{"first", "third"}, {"second"}]
    assert set().union(*parts) == set(plain.collect("--hubconf"))
    assert all("hubconf.py::C101-import-clean" in part for part in parts)
    assert ["hubconf.py::C303-coexistence" in part for part in parts] == [True, False]


def test_the_reports_of_shards_make_the_report_of_the_whole(plain: HubRepo) -> None:
    plain.write({"hubkit.toml": 'representative = ["first", "second"]\n'})
    plain.commit()
    whole, one, two = (plain.root / name for name in ("whole.json", "1.json", "2.json"))
    plain.run_here("--hubconf", f"--hubconf-report={whole}")
    for part, path in enumerate((one, two), start=1):
        plain.run_here("--hubconf", f"--hubconf-report={path}", f"--hubconf-shard={part}/2")
    merged = merge_reports([read_report(two), read_report(one)])
    expected = read_report(whole)
    assert {case.label: summary(case) for case in merged.cases} == {
        case.label: summary(case) for case in expected.cases
    }
    assert summary(merged.whole) == summary(expected.whole)
    assert (merged.lint, merged.level, merged.policy, merged.commit) == (
        expected.lint, expected.level, expected.policy, expected.commit,
    )  # fmt: skip
    # One job alone has not exercised all.
    assert {case.label: summary(case) for case in read_report(two).cases} != {
        case.label: summary(case) for case in expected.cases
    }


def summary(case: CaseResult) -> object:
    outcomes = {check.code: check.outcome for check in case.checks}
    left = {code: one.reason for one in case.unexercised for code in one.codes}
    return outcomes, left, case.level, case.input, case.call
