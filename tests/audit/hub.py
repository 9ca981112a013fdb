"""A git host with many small repos, and the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from hubkit.cli import main
from tests.git_host import GitHost, commit_files

if TYPE_CHECKING:
    from pathlib import Path

GOOD = '''dependencies = ["torch"]


def net(pretrained=False):
    """A net.

    Args:
        pretrained: Load weights.
    """
    import torch

    return torch.nn.Linear(1, 1)
'''
BAD = """import timm

dependencies = ["torch", "numpy"]


def net(pretrained=False, **kwargs):
    return timm.create_model("net")


def other(pretrained=False):  # hubkit: ignore[HUB301] a helper
    return net(pretrained)
"""


class Hub:
    """A git host, and the processes that audit what is on it.

    Attributes:
        host: The host.
        folder: Where the commands run.
    """

    def __init__(self, host: GitHost, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def publish(self, name: str, files: dict[str, str]) -> str:
        """Publish a commit of the repo acme/name; returns its hash."""
        worktree = self.folder / "work" / name
        sha = commit_files(worktree, files)
        self.host.add_repo("acme", name, worktree)
        return sha

    def copies(self, count: int) -> list[str]:
        """The names of so many repos that have the same commits as acme/good."""
        folder = self.host.bare("acme", "good").parent
        for number in range(count):
            link = folder / f"copy-{number}.git"
            if not link.exists():
                link.symlink_to("good.git")
        return [f"acme/copy-{number}" for number in range(count)]

    def start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start the command, with another one before it."""
        return subprocess.Popen(
            [*before, sys.executable, "-m", "hubkit", "audit", *arguments],
            cwd=self.folder, env=dict(os.environ),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def audit(self, *arguments: str, code: int) -> dict[str, Any]:
        """Run the command to its end, in this process; returns its summary.

        Args:
            arguments: Those of the command.
            code: The exit code that it must have.
        """
        done = CliRunner().invoke(main, ["audit", "--json", *arguments])
        assert done.exit_code == code, done.output
        summary: dict[str, Any] = json.loads(done.stdout or "{}")
        return {"stderr": done.stderr, **summary}

    def recover(self) -> int:
        """How many repos an audit that was killed has kept."""
        from hubkit.audit.store import open_store

        with open_store(self.folder / "audit.duckdb") as store:
            counts = store.query("SELECT count(*) AS n, count(DISTINCT spec) AS m FROM repos")
        assert counts[0]["n"] == counts[0]["m"]
        return int(counts[0]["n"])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        import duckdb

        with duckdb.connect(str(self.folder / "audit.duckdb"), read_only=True) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return rows
