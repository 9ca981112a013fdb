"""How severe HUB012 is depends on which Pythons the repo claims to support."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo
from hubkit.config import Config
from hubkit.lint import lint_repo

if TYPE_CHECKING:
    from pathlib import Path

HUBCONF = '''dependencies = ["torch"]

import {module} as _removed
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
'''
CLASSIFIER = "    'Programming Language :: Python :: 3.{minor}',\n"


@pytest.mark.parametrize(
    ("module", "minors", "severity"),
    [
        ("imp", (), "error"),
        ("imp", (8, 11), "warning"),
        ("imp", (11, 12), "error"),
        ("cgi", (), "warning"),
        ("cgi", (12, 13), "error"),
        ("distutils.util", (), "warning"),
        ("distutils.util", (11, 12), "warning"),
        ("torch._six", (8,), "error"),
    ],
)
def test_classifiers_decide(
    tmp_path: Path, module: str, minors: tuple[int, ...], severity: str
) -> None:
    (tmp_path / "hubconf.py").write_text(HUBCONF.format(module=module))
    named = "".join(CLASSIFIER.format(minor=minor) for minor in minors)
    (tmp_path / "setup.py").write_text(f"setup(classifiers=[\n{named}])\n")
    report = lint_repo(read_repo(tmp_path), Config(select=("HUB012",)))
    assert [finding.severity for finding in report.findings] == [severity]
