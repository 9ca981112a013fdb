"""The child's side of `hubkit.runtime.probe`: answers one question and ends its process."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hubkit._util.atomic import write_file
from hubkit.runtime.importing import LoadedHubconf, import_hubconf, public_callables
from hubkit.runtime.policy import FOLDER, NO_BYTECODE, CodePolicy
from hubkit.runtime.sandbox import guarded_network, isolate_network

if TYPE_CHECKING:
    from collections.abc import Iterator

Question = dict[str, Any]
Answer = dict[str, Any]

_OWN_FILES = f"{Path(__file__).parents[1]}{os.sep}"


def main(question_path: str, answer_path: str) -> NoReturn:
    """Answer and end the process at once.

    Threads and exit handlers that the repo's code has left behind must not keep it alive.

    Args:
        question_path: File with the question in JSON.
        answer_path: File to write, which appears complete or not at all.
    """
    question: Question = json.loads(Path(question_path).read_text("utf-8"))
    sys.argv = [""]
    sys.path[:0] = question["path"]
    if question["isolated"]:
        # Before anything starts a second thread.
        isolate_network()
    answer: Answer = {"failure": None}
    connections: list[str] = []
    started = time.monotonic()
    try:
        with _guarded(question, connections):
            answer.update(_TASKS[question["task"]](question))
    except BaseException as error:  # noqa: BLE001
        answer["failure"] = _describe(error)
    answer.update(seconds=time.monotonic() - started, connections=connections)
    write_file(Path(answer_path), json.dumps(answer))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


@contextlib.contextmanager
def _guarded(question: Question, connections: list[str]) -> Iterator[None]:
    """Guard the network where that is requested, and list what was tried."""
    if not question["offline"]:
        yield
        return
    root = Path(question["root"])
    with guarded_network(root, "the repo's code", reason="this process is offline") as guard:
        try:
            yield
        finally:
            connections += [attempt.target for attempt in guard.attempts]


class _Plain:
    """A hubconf imported as torch.hub does: its folder in front of ``sys.path``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        sys.path.insert(0, str(root))
        spec = importlib.util.spec_from_file_location("hubconf.py", root / "hubconf.py")
        assert spec is not None  # noqa: S101
        assert spec.loader is not None  # noqa: S101
        self.module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def names(self) -> tuple[str, ...]:
        return public_callables(self.module)

    def entrypoint(self, name: str) -> object:
        return getattr(self.module, name)


def _names(question: Question) -> Answer:
    return {"names": _import(question).names()}


def _help(question: Question) -> Answer:
    return {"docstring": _import(question).entrypoint(question["name"]).__doc__}


def _load(question: Question) -> Answer:
    root, name, kwargs = question["root"], question["name"], question["kwargs"]
    if question["engine"] == "torch":
        import torch

        made: object = torch.hub.load(  # type: ignore[no-untyped-call]
            root, name, source="local", **kwargs
        )
    else:
        made = import_hubconf(Path(root)).call(name, **kwargs)
    return {"type": _qualified_name(type(made)), "is_module": _is_torch_module(made)}


def _call(question: Question) -> Answer:
    module, _, name = question["name"].partition(":")
    return {"value": getattr(importlib.import_module(module), name)(**question["kwargs"])}


_TASKS = {"names": _names, "help": _help, "load": _load, "call": _call}


def _import(question: Question) -> _Plain | LoadedHubconf:
    root = Path(question["root"])
    if question["engine"] == "torch":
        return _Plain(root)
    policy = CodePolicy(bytecode=NO_BYTECODE) if question["source_only"] else FOLDER
    return import_hubconf(root, policy=policy)


def _is_torch_module(made: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(made, torch.nn.Module)


def _qualified_name(cls: type) -> str:
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


def _describe(error: BaseException) -> Answer:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001
        message = ""
    summary = traceback.TracebackException.from_exception(error)
    for part in _chain(summary):
        part.stack[:] = [frame for frame in part.stack if not _is_own(frame.filename)]
    return {
        "type": _qualified_name(type(error)),
        "message": message,
        "traceback": "".join(summary.format()),
        "module": error.name if isinstance(error, ImportError) else None,
    }


def _chain(summary: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    while summary is not None:
        yield summary
        summary = summary.__cause__ or summary.__context__


def _is_own(path: str) -> bool:
    own = (contextlib.__file__, importlib.__file__)
    return path in own or path.startswith((_OWN_FILES, "<frozen"))
