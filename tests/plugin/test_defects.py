"""Every mistake is found by the check that is for it and by no other; its twin passes everything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes
from tests.plugin.defect_messages import MESSAGES
from tests.plugin.defects import DEFECTS, make_repo, missing_features
from tests.plugin.repo_defects import REPO_DEFECTS, RepoDefect

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

_ROW = re.compile(r"^((?:bad|good)_\w+) .*?\d+ of \d+(?:, not (C\d+(?:, C\d+)*))?", re.MULTILINE)
# Found while the archive or the imports of the whole repo are judged.
_OF_THE_REPO = {"C102": "C102"}


@pytest.mark.slow
@pytest.mark.torch
def test_entrypoints(
    repo: HubRepo, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write(make_repo())
    repo.commit()
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    result = repo.run("--hubconf", "-v", "--deselect", "hubconf.py::check")
    # Some of them end the processes that they run in, which can remove nothing then.
    assert not [one.name for one in temporary.iterdir() if one.name.startswith("hubkit-")]
    failed = {name for name, said in outcomes(result).items() if said in ("FAILED", "ERROR")}
    expected = {
        _OF_THE_REPO.get(defect.code, f"bad_{defect.name}::{defect.code}")
        for defect in DEFECTS
        if not defect.feature
    }
    if failed != expected:
        missed, blamed = sorted(expected - failed), sorted(failed - expected)
        pytest.fail(f"not reported: {missed}\nreported by mistake: {blamed}", pytrace=False)
    for lines in MESSAGES:
        if any(f"bad_{defect.name}" in lines[0] for defect in DEFECTS):
            result.stdout.fnmatch_lines(lines)
    assert "pytest_hubkit" not in result.stdout.str().partition("= FAILURES =")[2]
    lacking = {
        name: set(codes.split(", ")) if codes else set()
        for name, codes in _ROW.findall(result.stdout.str())
    }
    for defect in DEFECTS:
        for name, source in (("bad", defect.bad), ("good", defect.good)):
            expected = missing_features(defect, source)
            # What does not build, or gives no model, has no features to speak of.
            assert lacking.get(f"{name}_{defect.name}", expected) <= expected
        assert lacking[f"good_{defect.name}"] == missing_features(defect, defect.good)
        if defect.feature:
            assert defect.code in lacking[f"bad_{defect.name}"]


@pytest.mark.torch
@pytest.mark.usefixtures("torch_stays")
@pytest.mark.parametrize("defect", REPO_DEFECTS, ids=lambda one: one.name)
def test_repos(repo: HubRepo, defect: RepoDefect) -> None:
    repo.write(defect.good)
    repo.commit()
    arguments = ("--hubconf", "-v", "--deselect", "hubconf.py::check", "-p", "no:cacheprovider")
    result = repo.run_here(*arguments)
    assert {name for name, said in outcomes(result).items() if said == "FAILED"} == set()
    defect.spoil(repo)
    result = repo.run_here(*arguments)
    failed = {name for name, said in outcomes(result).items() if said == "FAILED"}
    assert failed == {defect.code}
    result.stdout.fnmatch_lines([f"*{line}*" for line in defect.says])
