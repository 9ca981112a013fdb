"""A Dask scheduler and its workers, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 120  # seconds


class Cluster:
    """A scheduler and its workers.

    Attributes:
        address: The address of the scheduler.
        scheduler: Its process.
        workers: Those of the workers, also of ended ones.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        file = folder / "scheduler.json"
        file.unlink(missing_ok=True)
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", *options, "--scheduler-file", str(file))
        last = time.monotonic() + PATIENCE
        while not file.is_file() or not file.read_bytes().endswith(b"}"):
            assert time.monotonic() < last
            time.sleep(0.05)
        self.address: str = json.loads(file.read_bytes())["address"]

    def add_worker(self, **env: str) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny, which would start it again."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        process = self._start("worker", self.address, *options, **env)
        self.workers.append(process)
        return process

    def close(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            cwd=self._folder, env={**os.environ, **env},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
