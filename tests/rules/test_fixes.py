"""Every fix on small repos: ``fixed`` has the changed files of ``bad``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.rules import all_rules
from hubkit.rules.edits.source import source_of
from tests.lint.fixing import find, fix, plan
from tests.rules.repos import case_names, needs_git, write_case

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.rules import Rule


def bad_copy(case: str, tmp_path: Path) -> Path:
    return write_case(case.replace("/fixed", "/bad"), tmp_path / "repo")


def files_in(folder: Path) -> dict[str, str]:
    # Decoded, so that a failure shows lines; "\\r" and invalid bytes still differ.
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8", "backslashreplace")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("case", case_names(kind="fixed"))
def test_fixed_case(case: str, tmp_path: Path) -> None:
    repo = bad_copy(case, tmp_path)
    code = case.partition("/")[0]
    golden = files_in(repo) | files_in(write_case(case, tmp_path / "fixed"))
    before = find(repo, code).findings
    outcome = fix(repo, code)
    assert not outcome.failed
    for path, text in files_in(repo).items():
        assert text == golden[path], path
    assert files_in(repo).keys() == golden.keys()
    # What is left has no fix.
    after = find(repo, code).findings
    assert len(after) == len(before) - len(outcome.fixed)
    assert not any(finding.fix for finding in after)
    for source in repo.rglob("*.py"):
        ast.parse(source.read_bytes())
    assert not fix(repo, code).changes
    assert files_in(repo) == golden


@pytest.mark.parametrize("case", case_names(kind="fixed"))
def test_safe_fixes_leave_what_only_an_unsafe_one_would_change(case: str, tmp_path: Path) -> None:
    repo = bad_copy(case, tmp_path)
    code = case.partition("/")[0]
    outcome = fix(repo, code, unsafe=False)
    assert all(found.fix and found.fix.applicability == "safe" for found in outcome.fixed)
    left = [found for found in find(repo, code).findings if found.fix]
    assert all(found.fix and found.fix.applicability == "unsafe" for found in left)
    assert outcome.unsafe == len(left)


def test_every_rule_with_a_fix_has_a_fixed_case() -> None:
    able = {rule.code for rule in all_rules() if rule.fixable != "never"}
    assert {case.partition("/")[0] for case in case_names(kind="fixed")} == able


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_a_rule_says_what_its_fixes_are(rule: Rule, tmp_path: Path) -> None:
    assert (rule.fixable == "never") == (rule.applicability is None)
    seen = set()
    for case in case_names(rule.code, "bad"):
        if not needs_git(case):
            outcome = plan(write_case(case, tmp_path / case), rule.code)
            seen |= {found.fix.applicability for found in outcome.fixed if found.fix}
    if rule.applicability == "unsafe":
        assert seen == {"unsafe"}
    elif rule.fixable != "never":
        assert "safe" in seen
    else:
        assert not seen


def test_a_file_is_split_once_however_many_findings_ask_for_it(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("dependencies = []\n" + "import timm\n" * 3)
    repo = read_repo(tmp_path)
    assert source_of(repo, "hubconf.py") is source_of(repo, "hubconf.py")
