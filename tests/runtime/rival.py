"""The same program under ``torch.hub`` and under hubkit, each in a process of its own.

A server that has imported both once forks a fresh process for each run, so a run costs a fraction
of what ``import torch`` does.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
from multiprocessing import get_context
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from _pytest.mark import ParameterSet

Files = dict[str, str]
ENTRY = "from models.net import net\n"


class Fails(str):
    """The start of an error, such as ``KeyError: 'hubconf'``, or the status of a dead process."""

    __slots__ = ()


def scenario(
    what: str, program: str, ours: object, theirs: object, files: Files | None = None
) -> ParameterSet:
    """A program and what comes of it.

    Args:
        what: The name of the test.
        program: Sets ``result``. It finds ``hub``, ``folder``, the hub dir, in which the repos
            ``own/a:main`` and ``own/b:main`` lie, ``load("a", "entrypoint", ...)``, and
            ``callers("utils")``, which gives the caller modules of these names.
        ours: The result with hubkit, or how it `Fails`.
        theirs: The same with torch.hub.
        files: The files of both repos; ``$name`` stands for "a" and "b". In front of an entrypoint
            ``net`` that ``models/net.py`` defines, the hubconf may be left out.
    """
    return pytest.param(files or {}, dedent(program), ours, theirs, id=what.replace(" ", "-"))


def check(tmp_path: Path, files: Files, program: str, ours: object, theirs: object) -> None:
    """Run a scenario under both, each on repos of its own."""
    for hub, expected in (("hubkit", ours), ("torch.hub", theirs)):
        said = run_under(hub, tmp_path / hub, files, program)
        if isinstance(expected, Fails):
            assert said.startswith(expected), f"{hub}: {said}"
        else:
            assert said == repr(expected), f"{hub}: {said}"


def run_under(hub: str, folder: Path, files: Files, program: str) -> str:
    """What comes of a program: the ``repr`` of its result, or its error, or its exit status."""
    for name in "ab":
        _write(folder / f"own_{name}_main", {"hubconf.py": ENTRY, **files}, name)
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(hub, str(folder), program, sender))
    process.start()
    sender.close()
    try:
        said: str | None = receiver.recv()
    except EOFError:
        said = None
    process.join()
    return said if said is not None else f"exit status {process.exitcode}"


@functools.cache
def _context() -> Any:
    if sys.platform == "win32":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch.hub", "hubkit.loader", "tests.runtime.rival"])
    return context


def _write(root: Path, files: Files, name: str) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).replace("$name", name))


def _run(hub_name: str, folder: str, program: str, sender: Connection) -> None:
    hub = importlib.import_module(hub_name)
    hub.set_dir(folder)
    os.environ["PYTHONWARNINGS"] = "ignore"

    def load(repo: str, entrypoint: str, *args: object, **kwargs: object) -> object:
        root = f"{folder}/own_{repo}_main"
        return hub.load(root, entrypoint, *args, source="local", **kwargs)

    def callers(*names: str) -> None:
        mine = Path(folder, "mine")
        mine.mkdir()
        for name in names:
            (mine / f"{name}.py").write_text("NAME = 'mine'")
        sys.path.append(str(mine))

    space = {"hub": hub, "folder": folder, "load": load, "callers": callers, "sys": sys}
    with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):  # noqa: PTH123
        try:
            exec(program, space)
            said = repr(space["result"])
        except Exception as error:  # noqa: BLE001
            said = f"{type(error).__name__}: {error}"
    sender.send(said)
