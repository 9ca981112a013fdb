"""Fixing a repo by one rule, as ``hubkit check --select CODE --fix`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from hubkit.analysis import read_repo
from hubkit.config import read_config
from hubkit.lint import Outcome, fix_findings, lint_repo, write_changes
from hubkit.source import Overlay, open_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hubkit.facts import Report


def find(repo: Path, code: str, changes: Mapping[str, bytes] | None = None) -> Report:
    """What one rule or family finds, with some of the files as if they held something else."""
    files = Overlay(open_files(repo), changes or {})
    config = structs.replace(read_config(repo), extend_select=(code,))
    report = lint_repo(read_repo(files), config, with_fixes=True)
    findings = tuple(finding for finding in report.findings if finding.code.startswith(code))
    return structs.replace(report, findings=findings)


def plan(repo: Path, code: str, *, unsafe: bool = True) -> Outcome:
    """What fixing would come to."""
    return fix_findings(
        lambda changes: find(repo, code, changes),
        lambda path: (repo / path).read_bytes(),
        unsafe=unsafe,
    )


def fix(repo: Path, code: str, *, unsafe: bool = True) -> Outcome:
    """Fix a repo in place."""
    outcome = plan(repo, code, unsafe=unsafe)
    write_changes(repo, outcome.changes)
    return outcome
