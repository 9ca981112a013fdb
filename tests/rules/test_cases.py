"""Every rule on small repos of its own: ``bad`` breaks it, ``good`` and each ``trap_*`` do not.

A line with ``expect: CODE`` in it is where a finding of that code must be, and nothing else may be
found anywhere. ``fixed`` is for test_fixes. What no comment can say stands in a file ``EXPECT``, a ``path:line CODE`` or a mere
``CODE`` a line. Where a case needs git, ``setup.sh`` makes the repo in a copy of the folder.
Where it is compared with an earlier version, that is in ``before``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.facts import INTERNAL_ERROR
from hubkit.lint import lint_repo
from hubkit.rules import all_rules, matching_rules
from hubkit.source import Folder, open_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.rules import Rule

CASES = Path(__file__).parent / "cases"
_EXPECT = re.compile(r"expect: (HUB\d{3}(?:, HUB\d{3})*)")
_KINDS = re.compile(r"bad|good|fixed|(bad|fixed|trap)_\w+")


def cases() -> list[str]:
    return sorted(
        case.relative_to(CASES).as_posix()
        for folder in CASES.iterdir()
        for case in folder.iterdir()
        if case.is_dir() and not case.name.startswith("fixed")
    )


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
    # Other cases lie in this project's own repo, which is not theirs.
    files = open_files(repo) if (repo / "setup.sh").exists() else Folder(repo)
    facts = read_repo(files)
    if (repo / "before").is_dir():
        facts = structs.replace(facts, before=read_repo(Folder(repo / "before", "v1.0")))
    config = read_config(files)
    # A rule in preview runs when its whole code is named.
    config = structs.replace(config, extend_select=(*config.extend_select, code))
    findings = lint_repo(facts, config).findings
    for finding in findings:
        place = finding.location
        yield f"{place.path}:{place.line} {finding.code}" if place else finding.code


@pytest.mark.parametrize("case", cases())
def test_case(case: str, tmp_path: Path) -> None:
    repo = CASES / case
    if (repo / "setup.sh").exists():
        repo = shutil.copytree(repo, tmp_path / "repo", symlinks=True)
        subprocess.run(["sh", "-e", "setup.sh"], cwd=repo, check=True, capture_output=True)
    expected = sorted(expected_in(CASES / case))
    code, _, kind = case.partition("/")
    assert sorted(found_in(repo, code)) == expected
    is_bad = kind.startswith("bad")
    assert is_bad == any(line.endswith(code) for line in expected)


def test_every_rule_has_a_bad_and_a_good_case() -> None:
    # No repo is known that stops a rule; tests/lint/test_crashes.py has a rule that stops.
    codes = {rule.code for rule in all_rules()} - {INTERNAL_ERROR}
    assert {folder.name for folder in CASES.iterdir()} == codes
    for code in codes:
        kinds = {case.name for case in (CASES / code).iterdir()}
        assert {"bad", "good"} <= kinds, code
        assert all(_KINDS.fullmatch(kind) for kind in kinds), code


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
