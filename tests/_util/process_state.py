"""What a process is like, and a program that leaves traces in its own."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from msgspec import Struct

from hubkit._util.forks import Nursery
from hubkit._util.process import Call, child_environment, run_child

ROOT = Path(__file__).parents[2]
SLOW = "colorsys"
PROGRAM = """
FILE = open(__file__)

class Finder:
    def find_spec(self, name, path=None, target=None):
        return None
"""


class Question(Struct):
    """Asks for the state of a process."""


class State(Struct):
    """The state of a process, as texts that can be compared."""

    modules: list[str]
    seen: dict[str, str]


def describe(message: object) -> State:
    """Describe this process."""
    del message
    handlers = {
        int(number): str(signal.getsignal(number))
        for number in signal.valid_signals()
        if signal.getsignal(number) not in (signal.SIG_DFL, None)
    }
    sys.stdout.write("printed\n")
    return State(
        sorted(sys.modules),
        {
            "path": str(sys.path),
            "finders": str([getattr(one, "__name__", type(one).__name__) for one in sys.meta_path]),
            "signals": str(handlers),
            "files": str(sorted(one.readlink().name for one in _open_files())),
            "filters": str([(one[0], str(one[1]), str(one[2])) for one in warnings.filters]),
            "shown": warnings._showwarnmsg_impl.__module__,  # type: ignore[attr-defined]
            "hooks": str([one.__module__ for one in (sys.excepthook, sys.unraisablehook)]),
            "logging": str([logging.root.handlers, logging.root.level, logging.root.disabled]),
            "faulthandler": str(faulthandler.is_enabled()),
            "threads": str([one.name for one in threading.enumerate()]),
            "group": str(os.getpgid(0) == os.getpid()),
            "variable": os.environ.get("LEFT", ""),
        },
    )


def _open_files() -> list[Path]:
    # Without the one that reads the folder.
    return [one for one in list(Path("/proc/self/fd").iterdir()) if one.exists()]


def ask(nursery: Nursery) -> dict[str, Any]:
    """Ask a fork of a nursery."""
    call = Call(
        "tests._util.process_state:describe",
        Question(),
        env={"PYTHONPATH": str(ROOT)},
        interpreter=nursery.interpreter,
    )
    done = run_child(call, State)
    return {"modules": done.reply.modules, **done.reply.seen, "output": done.stdout + done.stderr}


def leave_traces(folder: Path) -> list[Any]:
    """Do what a program such as pytest does to its process; returns what must stay alive."""
    (folder / "of_the_program.py").write_text(PROGRAM)
    sys.path.insert(0, str(folder))
    of_the_program = __import__("of_the_program")
    sys.meta_path.insert(0, of_the_program.Finder())
    file = (folder / "log").open("w")
    file.write("kept in memory")
    sys.stdout.write("not flushed")
    sys.stdout = file
    signal.signal(signal.SIGTERM, lambda *_: None)
    faulthandler.enable(file)
    logging.root.addHandler(logging.StreamHandler(file))
    logging.root.setLevel(logging.DEBUG)
    sys.excepthook = lambda *_: None
    sys.unraisablehook = lambda *_: None
    os.environ["LEFT"] = "left"
    recorded = warnings.catch_warnings(record=True)
    recorded.__enter__()
    warnings.simplefilter("error")
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    return [of_the_program, file, recorded]


def compare(folder: str) -> None:
    """Print what forks of this process, and of a fresh one, are like."""
    kept = leave_traces(Path(folder))
    env = child_environment({"PYTHONPATH": str(ROOT)})
    fresh, shared = Nursery((SLOW,), env), Nursery((SLOW,), env, share=True)
    try:
        states = [ask(fresh), ask(shared)]
    finally:
        fresh.close()
        shared.close()
    Path(folder, "states.json").write_text(json.dumps(states))
    del kept
