"""A rule that raises is told of in every format, stops no other, and passes no run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import Config
from hubkit.errors import GitRepoError
from hubkit.lint import lint_repo
from hubkit.lint.baseline import render_baseline, to_entry
from hubkit.reporters import FORMATS
from hubkit.rules import Rule, all_rules, rule
from tests.lint.test_selection import SLOPPY
from tests.reporters.conftest import written
from tests.reporters.test_machine_formats import REPORT_SCHEMA, SARIF_SCHEMA, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import Finding, RepoFacts, Report


@rule("HUB998", "half-way", "info")
def half_way(repo: RepoFacts) -> Iterator[Finding]:
    """Finds something, and stops."""
    yield half_way.finding("found before it stopped")
    raise KeyError(f"no such\nthing in {len(repo.sources)}")


@rule("HUB997", "first-of-all", "error", exclusive=True)
def first_of_all(repo: RepoFacts) -> Iterator[Finding]:
    """Stops before anything is found."""
    yield from repo.hubconf.nothing  # type: ignore[union-attr]


@rule("HUB996", "asks-git", "error")
def asks_git(repo: RepoFacts) -> Iterator[Finding]:
    """Finds out that git fails."""
    if repo.hubconf is not None:
        raise GitRepoError(f"git cannot read the repo at {repo.root}")
    yield from ()


def lint(folder: Path, *more: Rule, source: str = SLOPPY, **keys: object) -> Report:
    (folder / "hubconf.py").write_text(source, "utf-8")
    (folder / "LICENSE").touch()
    config = Config(**keys)  # type: ignore[arg-type]
    return lint_repo(read_repo(folder), config, (*all_rules(), *more))


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


@pytest.mark.parametrize("broken", [half_way, first_of_all], ids=lambda rule: rule.slug)
def test_the_others_run_and_the_exit_code_says_that_not_all_did(
    tmp_path: Path, broken: Rule
) -> None:
    report = lint(tmp_path, broken)
    assert codes(report) == ["HUB900", *codes(lint(tmp_path))]
    assert (report.exit_code, broken.code in report.codes) == (2, False)
    (stopped,) = report.crashes
    assert f"rule {broken.code} ({broken.slug}) crashed with " in stopped.message
    assert "test_crashes.py, line " in stopped.message
    assert "This is a bug in hubkit. Please report it" in stopped.hint
    assert f"--extend-ignore {broken.code}" in stopped.hint


@pytest.mark.parametrize(
    "keys",
    [
        {"fail_on": "never"},
        {"select": ("HUB998",)},
        {"extend_ignore": {"HUB900": "I know", "HUB90": "I know"}},
    ],
    ids=lambda keys: next(iter(keys)),
)
def test_it_is_said_whatever_is_selected_or_ignored(
    tmp_path: Path, keys: dict[str, object]
) -> None:
    source = SLOPPY + "# hubkit: file-ignore[HUB900] I know\n"
    assert lint(tmp_path, half_way, source=source, **keys).exit_code == 2


def test_without_the_rule_it_is_left_out_and_says_so(tmp_path: Path) -> None:
    report = lint(tmp_path, half_way, select=("HUB998",), ignore={"HUB998": "reported"})
    assert (codes(report), report.exit_code) == ([], 0)
    assert [(one.finding.code, one.reason) for one in report.suppressed] == [("HUB900", "reported")]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells(tmp_path: Path, name: str) -> None:
    report = lint(tmp_path, half_way)
    text = written(name, report)
    assert "HUB900" in text
    if name != "statistics":
        assert "HUB998 (half-way) crashed with KeyError" in text.replace("**", "")
    if name == "full":
        assert 'HUB900 = "' not in text  # which would have no effect
    if name == "json":
        check(json.loads(text), REPORT_SCHEMA)
        assert json.loads(text)["exit_code"] == 2
    if name == "sarif":
        check(json.loads(text), SARIF_SCHEMA)
        (invocation,) = json.loads(text)["runs"][0]["invocations"]
        assert invocation["executionSuccessful"] is False
        assert "HUB998" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    if name == "junit":
        assert text.count("<error ") == text.count('errors="1"') - 1 == 1


def test_nothing_is_said_of_what_the_rule_would_have_found(tmp_path: Path) -> None:
    source = SLOPPY + "# hubkit: file-ignore[HUB998] a reason\n"
    known = to_entry(half_way.finding("found before it stopped"))
    (tmp_path / "known.json").write_text(render_baseline([known]))
    report = lint(tmp_path, half_way, source=source, baseline="known.json")
    assert "HUB901" not in codes(report)
    assert report.fixed == ()


def test_an_error_that_is_meant_for_the_user_goes_through(tmp_path: Path) -> None:
    with pytest.raises(GitRepoError):
        lint(tmp_path, asks_git)
