"""Faults of weights: the suite finds each by default, and nothing in the twin without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.conformance import read_report
from hubkit.publish.checklist import check_tried_weights
from tests.plugin.conftest import outcomes
from tests.plugin.weight_faults import FAULTS, MODEL, make_sources, write_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]
CHECKS = "C101,C106,C301,C305,C306,C307,C316"


def test_each_fault_is_found_by_default_and_nothing_else(repo: HubRepo, tmp_path: Path) -> None:
    author = tmp_path / "author"
    repo.write({"shapes/__init__.py": "", "shapes/model.py": MODEL})
    digest = write_weights(repo.root, author)
    repo.write(make_sources(author, digest))
    repo.commit()
    result = repo.run_here(
        "--hubconf", "-v", f"--hubconf-select={CHECKS}", "--hubconf-report=conformance.json"
    )
    found = outcomes(result)
    failed = {name for name, outcome in found.items() if outcome == "FAILED"}
    assert failed - {"check"} == {f"fault_{fault}::{code}" for fault, code in FAULTS.items()}
    assert {found[f"fine_{fault}::{code}"] for fault, code in FAULTS.items()} == {"PASSED"}
    report = read_report(repo.root / "conformance.json")
    verdicts = {one.label: one.weights.verdict for one in report.cases if one.weights}
    assert verdicts == {
        f"{kind}_{fault}": verdict
        for fault in FAULTS
        for kind, verdict in (("fault", "failed"), ("fine", "tried"))
    }
    states = {item.message.split("(")[0].split()[-1]: item.state
              for item in check_tried_weights(report)}  # fmt: skip
    assert states == {
        name: "ok" if verdict == "tried" else "missing" for name, verdict in verdicts.items()
    }
    (older,) = (one.weights for one in report.cases if one.label == "fine_older")
    assert older is not None
    assert [file.path for file in older.files] == [f"dist/newer-{digest}.pth"]
    assert (older.filled, older.parameters) == (17, 17)
    shown = f"fine_older(pretrained=True): dist/newer-{digest}.pth (sha256 {digest}*), 17 of 17 *"
    result.stdout.fnmatch_lines([shown])
