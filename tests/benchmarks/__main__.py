"""``python -m tests.benchmarks``: hubkit against its peers, as ratios within one run.

Absolute times belong to the machine; read the ratios. A peer that is not installed is left out.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

NAMES = ("startup", "loading", "checking", "downloads")


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them."""
    for name in names or NAMES:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        with tempfile.TemporaryDirectory(prefix="hubkit-bench-") as folder:
            for result in module.results(Path(folder)):
                print(result, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
