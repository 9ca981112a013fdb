"""A repo with findings of every severity, left out in every way."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.lint import lint_repo
from hubkit.reporters import find_reporter

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Report

HUBCONF = '''\
dependencies = ["torch", "os"]

import timm as _timm
import einops as _einops  # hubkit: ignore[HUB105] optional <in> "practice" | truly


def net(pretrained=False):
    """A | *net* of <lines>."""
    return "no module", _timm, _einops


def nöt(pretrained=False):
    return "no module"
'''
SETTINGS = """\
[ignore]
HUB302 = "said in the README"
"""


def report_on(folder: Path) -> Report:
    return lint_repo(read_repo(folder), read_config(folder), with_fixes=True)


def written(name: str, report: Report) -> str:
    stream = io.StringIO()
    find_reporter(name)(report, stream)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hubconf.py").write_text(HUBCONF, "utf-8")
    (tmp_path / "hubkit.toml").write_text(SETTINGS, "utf-8")
    (tmp_path / "LICENSE").touch()
    return tmp_path


@pytest.fixture
def report(folder: Path) -> Report:
    found = report_on(folder)
    assert {finding.severity for finding in found.findings} == {"error", "warning", "info"}
    assert {one.by for one in found.suppressed} == {"comment", "setting"}
    return found


@pytest.fixture
def empty(tmp_path: Path) -> Report:
    (tmp_path / "empty").mkdir()
    return report_on(tmp_path / "empty")
