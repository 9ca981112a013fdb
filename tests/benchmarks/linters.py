"""``hubkit check`` against other linters on the same trees, each as a whole process.

Twice: judging anew, as after a change and in most CI, and again where nothing changed.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, compare, process, take_turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HUBKIT = str(Path(sys.executable).parent / "hubkit")
RUNS = 7
# A peer is stopped once it took so many times as long as hubkit; its ratio is then an upper bound.
PATIENCE = 4
HUBCONF = '''dependencies = ["torch"]

from net.parts import Part as _Part


def net(pretrained: bool = False):
    """A net.

    Args:
        pretrained: Load weights.
    """
    return _Part()
'''
PART = '''import torch


class Part(torch.nn.Module):
    """A part."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(1, 1)

    def forward(self, x):
        return self.inner(x)
'''
FILES = 100


def results(folder: Path, trees: Sequence[Path] = ()) -> Iterator[Result | str]:
    """Compare on given repos, or else on one with many files out of the hubconf's reach."""
    for tree in trees or (_make_repo(folder / f"{FILES} files"),):
        yield from _against_peers(tree, folder)


def _against_peers(tree: Path, folder: Path) -> Iterator[Result | str]:
    # deptry refuses to work without a list of what is required.
    (folder / "none.txt").touch()
    commands = {
        "deptry": ["deptry", ".", "--requirements-files", str(folder / "none.txt")],
        "pydoclint": ["pydoclint", "."],
        "flake8": ["flake8", "."],
        "pylint": ["pylint", "--recursive=y", "."],
    }
    found = {peer: command for peer, command in commands.items() if shutil.which(peer)}
    if missing := commands.keys() - found:
        yield f"not installed: {', '.join(sorted(missing))}"
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    anew = process([HUBKIT, "check", "--no-cache"], cwd=tree)
    again = process([HUBKIT, "check"], cwd=tree, env=cache)
    patience = max(1.0, PATIENCE * statistics.median(take_turns([anew], 3)[0]))
    calls = [process(command, cwd=tree, patience=patience) for command in found.values()]
    first, second, *others = take_turns([anew, again, *calls], RUNS)
    for what, ours in (("anew", first), ("again", second)):
        for peer, theirs in zip(found, others, strict=True):
            note = "at most: the peer was stopped" if max(theirs) >= patience else ""
            yield compare(f"hubkit check {what}, {tree.name}", peer, ours, theirs, 1.0, note)


def _make_repo(root: Path) -> Path:
    (root / "net").mkdir(parents=True)
    (root / "hubconf.py").write_text(HUBCONF)
    (root / "net" / "__init__.py").write_text("")
    (root / "net" / "parts.py").write_text(PART)
    for number in range(FILES):
        path = root / f"extra{number % 50}" / f"module{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PART)
    return root
