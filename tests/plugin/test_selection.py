"""What runs, for which command line. These hubconfs need no torch."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.checks import all_checks
from tests.plugin.conftest import HubRepo, outcomes

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = {
    "hubconf.py": '''
def first():
    """One."""


def second():
    """Two."""


def undocumented():
    return 3
''',
    "tests/test_own.py": "def test_one(): pass\n\ndef test_two(): pass\n",
    "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
}
SECOND_L3 = {
    f"second::{one.name}"
    for one in all_checks()
    if one.scope == "case" and one.code.startswith("C30")
}
OWN = ["tests/test_own.py::test_one", "tests/test_own.py::test_two"]


@pytest.fixture
def plain(repo: HubRepo) -> HubRepo:
    repo.write(PLAIN)
    return repo


def hub(ids: list[str]) -> list[str]:
    return [one for one in ids if one.startswith("hubconf.py::")]


def test_without_the_flag_nothing_is_collected_or_imported(plain: HubRepo) -> None:
    plain.write(
        {
            "tests/test_own.py": "import sys\n\ndef test_lean():\n    heavy = {'torch', "
            "'hubkit.analysis', 'hubkit.runtime', 'requests'}\n"
            "    assert not heavy & set(sys.modules)\n"
        }
    )
    result = plain.pytester.runpytest_subprocess("-v")
    result.assert_outcomes(passed=1)
    assert "hubconf" not in result.stdout.str()


def test_the_hubconf_is_reached_although_testpaths_points_elsewhere(plain: HubRepo) -> None:
    ids = plain.collect("--hubconf")
    assert ids[:2] == OWN
    assert ids[2:4] == ["hubconf.py::check", "hubconf.py::C101-import-clean"]
    assert "hubconf.py::first::C106-loads-untrained-offline" in ids


@pytest.mark.parametrize(
    "arguments",
    [["tests/test_own.py"], ["tests"], ["tests/test_own.py::test_one", OWN[1]]],
    ids=" ".join,
)
def test_it_runs_beside_the_tests_that_are_named(plain: HubRepo, arguments: list[str]) -> None:
    ids = plain.collect("--hubconf", *arguments)
    assert ids[:2] == OWN
    assert hub(ids)


@pytest.mark.parametrize("arguments", [["."], ["tests", "hubconf.py"], ["{root}"]], ids=" ".join)
def test_it_is_collected_once(plain: HubRepo, arguments: list[str]) -> None:
    ids = plain.collect("--hubconf", *(one.format(root=plain.root) for one in arguments))
    assert len(ids) == len(set(ids))
    assert len(hub(ids)) == len(ids) - 2


@pytest.mark.parametrize(
    ("argument", "count"),
    [
        ("hubconf.py::first::C104-help", 1),
        ("hubconf.py::C101-import-clean", 1),
        ("hubconf.py::first", sum(one.scope == "case" and not one.slow for one in all_checks())),
    ],
)
def test_nodes_are_selected_by_their_ids(plain: HubRepo, argument: str, count: int) -> None:
    ids = plain.collect("--hubconf", argument)
    assert len(ids) == count
    assert all(one.startswith(argument) for one in ids)


def test_a_flag_among_addopts_stays_out_of_runs_of_chosen_tests(plain: HubRepo) -> None:
    options = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = "--hubconf"\n'
    plain.write({"pyproject.toml": options})
    assert hub(plain.collect())
    assert plain.collect("tests/test_own.py::test_one") == OWN[:1]
    assert hub(plain.collect("hubconf.py::first")) == plain.collect("hubconf.py::first")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "C104"], {f"{name}::C104-help" for name in ("first", "second", "undocumented")}),
        (["-k", "first and C105"], {"first::C105-signature"}),
        (["-m", "hubkit_l3 and not hubkit_l1", "-k", "second and C30"], SECOND_L3),
    ],
)
def test_keywords_and_marks_select(
    plain: HubRepo, arguments: list[str], expected: set[str]
) -> None:
    ids = hub(plain.collect("--hubconf", "--strict-markers", *arguments))
    assert ids == [f"hubconf.py::{name}" for name in sorted(expected)]


def test_hubconfs_of_vendored_repos_are_let_be(plain: HubRepo) -> None:
    plain.write({"third_party/net/hubconf.py": "def other(): ...\n"})
    assert not [one for one in plain.collect("--hubconf", ".") if one.startswith("third_party")]
    named = plain.collect("--hubconf", "third_party/net/hubconf.py")
    assert named
    assert all(one.startswith("third_party/net/hubconf.py::") for one in named)


def test_a_missing_hubconf_fails(repo: HubRepo) -> None:
    result = repo.run_here("--hubconf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"hubconf: no hubconf.py in {repo.root}, network: deny",
            f"{repo.root} has no hubconf.py.",
            "  Run pytest in the root of the repo, or create one with `hubkit init`.",
            "FAILED hubconf.py::C101-import-clean - *",
        ]
    )


def test_a_missing_hubconf_fails_beside_tests_that_pass(repo: HubRepo) -> None:
    repo.write({"tests/test_own.py": "def test_one(): pass\n"})
    repo.run_here("--hubconf").assert_outcomes(passed=1, failed=1)


def test_a_hubconf_that_does_not_parse_fails_once(plain: HubRepo) -> None:
    plain.write({"hubconf.py": "def first(:\n"})
    result = plain.run_here("--hubconf")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["hubconf.py:1: hubconf.py cannot be imported: *"])


def test_a_configuration_that_cannot_be_read_fails_once(plain: HubRepo) -> None:
    plain.write({"hubkit.toml": "[entrypoints.first]\nkindd = 'model'\n"})
    result = plain.run_here("--hubconf")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*unknown key 'kindd'*", "*Did you mean `kind`?*"])


def test_a_failing_import_is_reported_once(plain: HubRepo) -> None:
    plain.write({"hubconf.py": "import nowhere\n\ndef first():\n    '''One.'''\n"})
    result = plain.run_here(
        "--hubconf", "-v", "--deselect", "hubconf.py::check", "hubconf.py", "-rs"
    )
    said = outcomes(result)
    assert [name for name, outcome in said.items() if outcome == "FAILED"] == ["C101"]
    assert {outcome for name, outcome in said.items() if name != "C101"} == {"SKIPPED"}
    result.stdout.fnmatch_lines(
        [
            "hubconf.py:1: Importing hubconf.py fails: nowhere is neither in `dependencies` nor *",
            "    hubconf.py:1: import nowhere",
            '  Add "nowhere" to `dependencies`, *',
        ]
    )
    result.stdout.fnmatch_lines(["SKIPPED*(C101) Importing hubconf.py fails: nowhere is neither*"])


def test_without_the_check_that_would_tell_another_tells(plain: HubRepo) -> None:
    plain.write({"hubconf.py": "import nowhere\n\ndef first():\n    '''One.'''\n"})
    others = [f"hubconf.py::first::{check}" for check in ("C104-help", "C105-signature")]
    result = plain.run_here("--hubconf", *others, "-rs")
    result.assert_outcomes(failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*Importing hubconf.py fails with ModuleNotFoundError*"])
    result.stdout.fnmatch_lines(["SKIPPED*(C101) Importing hubconf.py fails with*"])


def test_names_made_at_run_time_are_asked_of_a_child_process(repo: HubRepo) -> None:
    code = "for name in 'ba'[:]:\n    globals()[name] = lambda: None\n\ndef fixed(): ...\n"
    repo.write({"hubconf.py": f"import sys as _sys\n{code}"})
    ids = repo.collect("--hubconf")
    names = list(dict.fromkeys(one.split("::")[1] for one in ids if one.count("::") == 2))
    assert names == ["fixed", "a", "b"]
    assert not [name for name in sys.modules if str(repo.root.name) in name]


def test_last_failures_run_again(plain: HubRepo) -> None:
    select = ("--hubconf", "-k", "C104 or C105")
    plain.run_here(*select).assert_outcomes(failed=1, passed=5)
    again = plain.run_here("--hubconf", "--lf", "-v")
    assert outcomes(again) == {"undocumented::C104": "FAILED"}


def test_a_run_stops_at_the_first_failure(plain: HubRepo) -> None:
    result = plain.run_here("--hubconf", "-x", "-k", "undocumented and (C104 or C105)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])


@pytest.mark.parametrize("mode", ["loadgroup", "loadfile"])
def test_workers_share_the_work(plain: HubRepo, mode: str) -> None:
    select = ("--hubconf", "-k", "C101 or C104", "-n", "2", "--dist", mode, "-v")
    result = plain.run(*select)
    result.assert_outcomes(failed=1, passed=3)
    result.stdout.fnmatch_lines(
        [
            "undocumented  C104        -   -   -",
            "FAILED hubconf.py::undocumented::C104-help* - torch.hub.help prints no*",
        ]
    )
    workers = {line.split("]")[0] for line in result.outlines if line.startswith("[gw")}
    # pytest-xdist 3.8 does not see groups under pytest 9.2, whoever sets them (its issue 1386).
    assert mode != "loadfile" or len(workers) == 1


NOTING = """
import os as _os
import sys as _sys


def _note(name):
    where = "pytest" if "pytest" in _sys.modules else "child"
    with open(_os.environ["NOTES"], "a") as notes:
        notes.write(f"{where} {name}\\n")


def one():
    \"\"\"The first.\"\"\"
    _note("one")


def two():
    \"\"\"The second.\"\"\"
    _note("two")


def three():
    \"\"\"The third.\"\"\"
    _note("three")
"""


@pytest.mark.torch
def test_a_worker_runs_whole_entrypoints_and_loads_no_others(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, notes = ("one", "two", "three"), tmp_path / "notes"
    monkeypatch.setenv("NOTES", str(notes))
    config = "".join(f'[entrypoints.{name}]\nkind = "utility"\n' for name in names)
    repo.write({"hubconf.py": NOTING, "hubkit.toml": config})
    select = ("--hubconf-select=C103,C105,C106,C108", "-p", "no:cacheprovider")
    result = repo.run("--hubconf", *select, "-n", "2", "-v", "--deselect=hubconf.py::check")
    result.assert_outcomes(passed=10)
    ran = set(re.findall(r"^\[(gw\d)\].* hubconf\.py::(\w+)::", result.stdout.str(), re.MULTILINE))
    assert sorted(name for _, name in ran) == sorted(names)
    # Twice in pytest, for C106 and C108.
    noted = notes.read_text().splitlines()
    assert sorted(noted) == sorted(
        f"{where} {name}" for name in names for where in ("child", "pytest", "pytest")
    )


def test_one_hubconf_is_one_group_of_workers(plain: HubRepo) -> None:
    assert hub(plain.collect("--hubconf")) == plain.collect("--hubconf", "-m", "xdist_group")
    without = ("--hubconf", "-p", "no:xdist", "--strict-markers")
    assert plain.collect(*without) == plain.collect("--hubconf")


def test_known_failures_are_expected_and_their_end_is_noticed(plain: HubRepo) -> None:
    expected = 'expected = { C104 = "written next week" }\n'
    plain.write(
        {"hubkit.toml": f"[entrypoints.undocumented]\n{expected}[entrypoints.first]\n{expected}"}
    )
    result = plain.run_here("--hubconf", "-v", "-k", "C104", "-rx")
    assert outcomes(result) == {
        "first::C104": "FAILED",
        "second::C104": "PASSED",
        "undocumented::C104": "XFAIL",
    }
    result.stdout.fnmatch_lines(
        ["*XPASS(strict)*expected: written next week*", "XFAIL*written next week*"]
    )


@pytest.mark.parametrize(
    ("style", "shown"), [("short", True), ("native", True), ("line", False), ("no", False)]
)
def test_traceback_styles_are_respected(plain: HubRepo, style: str, shown: bool) -> None:
    plain.write({"hubconf.py": "def first():\n    '''One.'''\n\nraise ValueError('broken')\n"})
    result = plain.run_here("--hubconf", f"--tb={style}", "hubconf.py::first::C104-help")
    assert ("raise ValueError('broken')" in result.stdout.str()) == shown
    result.stdout.fnmatch_lines(["FAILED*Importing hubconf.py fails with*"])


@pytest.mark.parametrize(("fail_on", "verdict"), [("never", "passed"), ("warning", "failed")])
def test_the_lint_item_fails_when_hubkit_check_does(
    plain: HubRepo, fail_on: str, verdict: str
) -> None:
    plain.write({"hubkit.toml": f'fail-on = "{fail_on}"\n'})
    result = plain.run("--hubconf", "hubconf.py::check")
    result.assert_outcomes(**{verdict: 1})
    if verdict == "failed":
        result.stdout.fnmatch_lines(["*HUB301*undocumented*"])
