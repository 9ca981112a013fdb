"""``python -m tests.benchmarks``: hubkit against its peers, as ratios within one run.

Absolute times belong to the machine; read the ratios. A peer that is not installed is left out,
which is said. ``python -m tests.benchmarks linters PATH...`` checks given repos, and numbers are sizes
for ``audit``.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

NAMES = (
    "startup",
    "loading",
    "running",
    "linters",
    "checking",
    "conforming",
    "pretrained",
    "downloads",
    "audit",
)


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them."""
    trees = [Path(name).resolve() for name in names if os.sep in name]
    sizes = [int(name) for name in names if name.isdigit()]
    for name in [one for one in names if os.sep not in one and not one.isdigit()] or NAMES:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        with tempfile.TemporaryDirectory(prefix="hubkit-bench-") as folder:
            options: dict[str, Any] = {"linters": {"trees": trees}, "audit": {"sizes": sizes}}
            for result in module.results(Path(folder), **options.get(name, {})):
                print(result, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
