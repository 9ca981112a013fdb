"""Every rule on small repos: ``bad`` breaks it, ``good`` and each ``trap_*`` do not.

A line with ``expect: CODE`` must have a finding of that code, and there must be no other findings.
A file ``EXPECT`` lists findings on lines that cannot have a comment: ``path:line CODE`` or ``CODE``.
``before`` is an earlier version to compare with. ``tests.rules.repos`` says where the cases are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.facts import INTERNAL_ERROR
from hubkit.lint import lint_repo
from hubkit.rules import all_rules, matching_rules
from hubkit.source import Folder, open_files
from tests.rules.repos import case_names, needs_git, write_case

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.rules import Rule

_EXPECT = re.compile(r"expect: (HUB\d{3}(?:, HUB\d{3})*)")
_KINDS = re.compile(r"bad|good|fixed|(bad|fixed|trap)_\w+")


def expected_in(case: Path) -> Iterator[str]:
    listed = case / "EXPECT"
    if listed.exists():
        yield from listed.read_text("utf-8").splitlines()
    for path in case.rglob("*"):
        if path.suffix in (".py", ".md", ".toml", ".rst") and path.is_file():
            for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
                for found in _EXPECT.finditer(line):
                    for code in found[1].split(", "):
                        yield f"{path.relative_to(case).as_posix()}:{number} {code}"


def found_in(repo: Path, code: str) -> Iterator[str]:
    files = open_files(repo) if (repo / "setup.sh").exists() else Folder(repo)
    facts = read_repo(files)
    if (repo / "before").is_dir():
        facts = structs.replace(facts, before=read_repo(Folder(repo / "before", "v1.0")))
    config = read_config(files)
    # The full code selects the rule even if it is in preview.
    config = structs.replace(config, extend_select=(*config.extend_select, code))
    for finding in lint_repo(facts, config).findings:
        place = finding.location
        yield f"{place.path}:{place.line} {finding.code}" if place else finding.code


@pytest.mark.parametrize("case", [one for one in case_names() if "/fixed" not in one])
def test_case(case: str, tmp_path: Path) -> None:
    repo = write_case(case, tmp_path / "repo")
    expected = sorted(expected_in(repo))
    if needs_git(case):
        repo = write_case(case, tmp_path / "git" / "repo", setup=True)
    code, _, kind = case.partition("/")
    assert "\n".join(sorted(found_in(repo, code))) == "\n".join(expected)
    assert kind.startswith("bad") == any(line.endswith(code) for line in expected)


def test_every_rule_has_a_bad_and_a_good_case() -> None:
    # No repo crashes a rule; tests/lint/test_crashes.py has rules that crash.
    codes = {rule.code for rule in all_rules()} - {INTERNAL_ERROR}
    assert {case.partition("/")[0] for case in case_names()} == codes
    for code in codes:
        kinds = {case.partition("/")[2] for case in case_names(code)}
        assert {"bad", "good"} - kinds == set(), f"{code} has no such case"
        assert [f"{code}/{one}" for one in kinds if not _KINDS.fullmatch(one)] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule: Rule) -> None:
    explanation = rule.explanation
    assert len(explanation.splitlines()) > 5
    if rule.code == INTERNAL_ERROR:  # nothing that a repo holds is bad or good here
        return
    assert re.search(r"^(Bad|Hard to read):$", explanation, re.MULTILINE)
    assert re.search(r"^(Good|Readable):$", explanation, re.MULTILINE)


def test_one_code_means_one_rule() -> None:
    codes = [rule.code for rule in all_rules()]
    assert len(codes) == len(set(codes))
    assert all(len(matching_rules(code)) == 1 for code in codes)
