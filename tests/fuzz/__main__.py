"""``python -m tests.fuzz TARGET [CORPUS] [libFuzzer options]``: fuzz one target until it fails.

Needs atheris, which has wheels for some interpreters only. ``-max_total_time=600`` ends it. A file
in place of a corpus folder is run once, as after a failure.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=8192")
SOURCES = ("repo", "suppressions", "docstring", "config")


def main(target: str, options: list[str]) -> None:
    """Fuzz one target, from the seeds and whatever the corpus folder holds."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["hubkit", "docstring_parser"]):
        targets = importlib.import_module("tests.fuzz.targets")
        importlib.import_module("docstring_parser")
    from tests.fuzz.mutate import mutate_lines

    seeds = list(targets.read_seeds(target))
    pool = [line for seed in seeds for line in seed.split(b"\n")]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        if target in SOURCES and seed % 3:
            return mutate_lines(data, pool, seed)[:most]
        mutated: bytes = atheris.Mutate(data, most)
        return mutated

    given = [option for option in options if not option.startswith("-")]
    flags = [option for option in options if option.startswith("-")]
    if not any(Path(path).is_file() for path in given):
        folder = Path(tempfile.mkdtemp(prefix="hubkit-seeds-"))
        for number, seed in enumerate(seeds):
            (folder / str(number)).write_bytes(seed)
        given = [*(given or [tempfile.mkdtemp(prefix="hubkit-corpus-")]), str(folder)]
    arguments = [sys.argv[0], *LIMITS, *flags, *given]
    atheris.Setup(arguments, targets.TARGETS[target], custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
