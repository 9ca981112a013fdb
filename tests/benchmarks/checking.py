"""What ``hubkit check`` costs in a git repo: unrelated files, and asking git at all."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, interleave, process
from tests.benchmarks.startup import HUBCONF
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator

HUBKIT = str(Path(sys.executable).parent / "hubkit")
UNRELATED = 10_000


def results(folder: Path) -> Iterator[Result]:
    """Compare a repo of one file with itself outside git, and with one of 10,000 more files."""
    small, large, plain = folder / "small", folder / "large", folder / "plain"
    commit_files(small, {"hubconf.py": HUBCONF})
    unrelated = {f"data/{at % 100}/{at}.txt": "x" for at in range(UNRELATED)}
    commit_files(large, {"hubconf.py": HUBCONF, **unrelated})
    for repo in (small, large):  # like a clone: git opens a loose object for each file's size
        git("gc", "--quiet", cwd=repo)
    plain.mkdir()
    shutil.copy(small / "hubconf.py", plain)

    def compare(what: str, ours: Path, peer: str, theirs: Path, *options: str) -> Result:
        command = [HUBKIT, "check", "--no-cache", *options]
        times = interleave(process(command, cwd=ours), process(command, cwd=theirs), runs=15)
        return Result(what, peer, *times, 1.2)

    files = f"{UNRELATED:,} more files"
    yield compare(f"check, {files}", large, "check, one file", small)
    yield compare(f"check --ref HEAD, {files}", large, "one file", small, "--ref", "HEAD")
    yield compare("check in git", small, "check outside git", plain)
