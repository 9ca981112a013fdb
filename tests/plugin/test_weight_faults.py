"""Faults of weights: the suite finds each by default, and nothing in the twin without it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import Config
from hubkit.conformance import read_report
from hubkit.lint import lint_repo
from hubkit.publish.checklist import check_tried_weights
from hubkit.source import open_files
from hubkit.source.overlay import Overlay
from pytest_hubkit.child.load import read_only
from pytest_hubkit.session import remove
from tests._util.users import as_plain_user, open_way
from tests.plugin.conftest import outcomes
from tests.plugin.weight_faults import (
    FAULTS,
    HEAD,
    MODEL,
    RULES,
    make_entrypoints,
    make_sources,
    write_weights,
)

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]
CHECKS = "C101,C106,C301,C305,C306,C307,C316"


def read_rules(root: Path, entrypoints: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The rules that report each fault, if there is only this entrypoint, and not its twin."""
    files = open_files(root)

    def codes(name: str) -> set[str]:
        # As people write it who have one entrypoint: without a function of their own.
        plain = entrypoints[name].replace("_load(_Path", "_torch.load(_Path")
        plain = plain.replace(" _load(", " _torch.load(_WEIGHTS / ")
        source = dedent(HEAD + plain).encode()
        report = lint_repo(read_repo(Overlay(files, {"hubconf.py": source})), Config())
        return {finding.code for finding in report.findings}

    found = {
        fault: tuple(sorted(codes(f"fault_{fault}") - codes(f"fine_{fault}"))) for fault in FAULTS
    }
    return {fault: rules for fault, rules in found.items() if rules}


def read_table() -> dict[str, tuple[str, ...]]:
    """The codes in each row of the table in the documentation."""
    text = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text("utf-8")
    table = text.partition("| weights that are wrong |")[2].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    return {
        fault: tuple(re.findall(r"HUB\d+|C\d+", row))
        for fault, row in zip(FAULTS, rows, strict=True)
    }


def test_each_fault_is_found_by_default_and_nothing_else(repo: HubRepo, tmp_path: Path) -> None:
    author = tmp_path / "author"
    repo.write({"shapes/__init__.py": "", "shapes/model.py": MODEL})
    digest = write_weights(repo.root, author)
    entrypoints = make_entrypoints(author, digest)
    repo.write(make_sources(entrypoints))
    repo.commit()
    assert read_rules(repo.root, entrypoints) == RULES
    result = repo.run_here(
        "--hubconf", "-v", f"--hubconf-select={CHECKS}", "--hubconf-report=conformance.json"
    )
    found = outcomes(result)
    failed = {name for name, outcome in found.items() if outcome == "FAILED"}
    assert failed - {"check"} == {f"fault_{fault}::{code}" for fault, code in FAULTS.items()}
    assert {found[f"fine_{fault}::{code}"] for fault, code in FAULTS.items()} == {"PASSED"}
    shown = result.stdout.str()
    assert "The weights are those of another version of the model." in shown
    assert re.search(r"dist/older-\w+\.pth has sha256 \w{64}", shown)
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
    assert read_table() == {fault: (code, *RULES.get(fault, ())) for fault, code in FAULTS.items()}
    shown = f"fine_older(pretrained=True): dist/newer-{digest}.pth (sha256 {digest}*), 17 of 17 *"
    result.stdout.fnmatch_lines([shown])


def test_a_copy_is_read_only_for_a_while(tmp_path: Path) -> None:
    copy, file = tmp_path / "copy", tmp_path / "copy" / "weights" / "net.pth"
    file.parent.mkdir(parents=True)
    file.write_text("weights")
    (copy / "link").symlink_to(tmp_path)
    open_way(copy)
    for path in (copy, file.parent, file):
        path.chmod(path.stat().st_mode | 0o222)

    def can_write() -> bool:
        return any(os.access(path, os.W_OK) for path in (copy, file.parent, file))

    assert as_plain_user(can_write)
    with read_only(copy):
        assert not as_plain_user(can_write)
        assert as_plain_user(lambda: file.read_text() == "weights")
    assert as_plain_user(can_write)


def test_a_temporary_folder_that_a_crash_left_read_only_is_removed(tmp_path: Path) -> None:
    open_way(tmp_path)
    base = tmp_path / "base"
    base.mkdir()
    base.chmod(0o777)

    def is_removed() -> bool:
        inside = base / "folder" / "tree" / "weights"
        inside.mkdir(parents=True)
        (inside / "net.pth").touch()
        for path in (inside, inside.parent):
            path.chmod(0o555)
        remove(base / "folder")
        return not (base / "folder").exists()

    assert as_plain_user(is_removed)
