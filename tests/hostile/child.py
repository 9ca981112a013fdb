"""Run hubkit's reading commands on repos, in little memory: ``child.py REPO...``.

Prints each command's exit code; a traceback in its place is what should have been put in words.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import sys
import traceback

from hubkit.cli import main

MEMORY = 2 << 30
COMMANDS = (
    ("check", "--report", f"json={os.devnull}"),
    ("list",),
    ("help", "net"),
)


def run(*arguments: str) -> str:
    """The exit code of one command, or the traceback that it ended in."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main(list(arguments))
        except SystemExit as end:
            return str(end.code)
        except BaseException:  # noqa: BLE001 - it is what is looked for
            return traceback.format_exc(limit=-6)
    return "no exit code"


def limit_memory() -> None:
    """Let what takes too much memory fail."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    faulthandler.enable()
    limit_memory()
    for repo in sys.argv[1:]:
        for command, *options in COMMANDS:
            print(f"{repo}\t{command}\t{run(command, repo, *options)}", flush=True)
