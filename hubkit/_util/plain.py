"""Make a fork of this process as plain as an interpreter that has just started.

A program leaves traces in its process: modules, streams, files, handlers of signals, filters of
warnings. `Fresh` is what an interpreter has before a program runs; `become_plain` takes a fork back to
that state, except for modules that should stay.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import importlib.machinery
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_LOOK = "import json, sys; print(json.dumps([sys.path, list(sys.modules)]))"
_COMPILED = tuple(importlib.machinery.EXTENSION_SUFFIXES)
# Kept until the process ends: closing a forgotten file would close its descriptor, which may belong to
# another file by then.
_forgotten: list[object] = []


class Fresh(Struct, frozen=True):
    """What an interpreter has before a program runs.

    Attributes:
        path: ``sys.path``, without the current folder.
        modules: Names of all modules.
    """

    path: tuple[str, ...]
    modules: frozenset[str]


def look_at_fresh(env: Mapping[str, str]) -> Fresh:
    """Start an interpreter to see what it has.

    Args:
        env: All of its environment variables.

    Raises:
        OSError: It does not start.
        subprocess.SubprocessError: It fails.
        ValueError: It printed something else.
    """
    with tempfile.TemporaryDirectory(prefix="hubkit-") as folder:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _LOOK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=dict(env),
            check=True,
            timeout=60,
        )
    path, modules = json.loads(done.stdout)
    return Fresh(tuple(filter(None, path)), frozenset(modules))


class Plainness(Struct, frozen=True):
    """The state that a fork should be in.

    Attributes:
        fresh: What an interpreter has before a program runs.
        traces: Modules to forget.
        filters: Filters of warnings that stay.
    """

    fresh: Fresh
    traces: frozenset[str]
    filters: Sequence[Any]


def find_traces(fresh: Fresh, own: Collection[str]) -> frozenset[str]:
    """Modules that would not be here in a fresh interpreter.

    Args:
        fresh: What it has.
        own: Top-level packages that may stay.

    Returns:
        Their names, without the standard library's.
    """
    expected = {*own, *sys.stdlib_module_names, "__main__"}
    return frozenset(
        name
        for name in sys.modules
        if name not in fresh.modules and name.partition(".")[0] not in expected
    )


def can_forget(traces: Collection[str]) -> bool:
    """Whether a fork can do without modules, and is not watched by a debugger or the like.

    A compiled module cannot be imported twice in a process.

    Args:
        traces: Names of the modules.
    """
    if sys.gettrace() or sys.getprofile():
        return False
    files = (getattr(sys.modules[name], "__file__", None) for name in traces)
    return not any(file and file.endswith(_COMPILED) for file in files)


class AddedFilters:
    """Filters of warnings that are added in a ``with`` block.

    Attributes:
        filters: The filters, the newest first.
    """

    filters: Sequence[Any] = ()

    def __enter__(self) -> AddedFilters:
        self._before = list(warnings.filters)
        return self

    def __exit__(self, *_: object) -> None:
        self.filters = [one for one in warnings.filters if one not in self._before]


def become_plain(plainness: Plainness) -> None:
    """Turn this process, a fork whose streams lead elsewhere by now, into a plain one.

    Args:
        plainness: The state that it should be in.
    """
    gc.freeze()
    _close_files()
    _forget_modules(plainness.fresh, plainness.traces)
    _reset_streams()
    _reset_signals()
    _reset_hooks()
    _reset_warnings(plainness.filters)


def _close_files() -> None:
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - closed before the first
        if number > 2:
            with contextlib.suppress(OSError):
                os.close(number)


def _forget_modules(fresh: Fresh, traces: Collection[str]) -> None:
    _forgotten.extend(sys.modules.pop(name) for name in traces if name in sys.modules)
    sys.path[:] = fresh.path
    sys.meta_path[:] = [one for one in sys.meta_path if _home(one) not in traces]
    sys.path_hooks[:] = [one for one in sys.path_hooks if _home(one) not in traces]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()


def _home(thing: object) -> str:
    """The module that defines a function, a class or the class of an object."""
    return getattr(thing, "__module__", None) or type(thing).__module__


def _reset_streams() -> None:
    _forgotten.extend((sys.stdin, sys.stdout, sys.stderr))
    _forgotten.extend((sys.__stdin__, sys.__stdout__, sys.__stderr__))
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        errors = "backslashreplace" if name == "stderr" else "strict"
        stream = open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _reset_signals() -> None:
    faulthandler.disable()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        # Children inherit ignored signals, such as SIGINT of a shell's background jobs.
        if callable(signal.getsignal(number)):
            is_ctrl_c = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if is_ctrl_c else signal.SIG_DFL)


def _reset_hooks() -> None:
    sys.excepthook, sys.unraisablehook = sys.__excepthook__, sys.__unraisablehook__
    threading.excepthook = threading.__excepthook__
    sys.breakpointhook, sys.displayhook = sys.__breakpointhook__, sys.__displayhook__
    logging.root.handlers.clear()
    logging.root.setLevel(logging.WARNING)
    logging.disable(logging.NOTSET)


def _reset_warnings(filters: Sequence[Any]) -> None:
    """Restore the filters of a new interpreter, which `catch_warnings` may have replaced."""
    importlib.reload(warnings)
    kept = [one for one in warnings.filters if one not in filters]
    warnings.filters[:] = [*filters, *kept]  # type: ignore[index]
