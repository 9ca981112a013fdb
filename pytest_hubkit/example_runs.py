"""Running an example in a worker process, where loading from this very repo means its folder."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.runtime.sandbox import Attempt, Policy, guarded_network, kept_state
from pytest_hubkit.prints import Prints
from pytest_hubkit.running import isolated_hub_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FUNCTIONS = ("load", "list", "help")
# What their first argument is called.
_REPO = ("repo_or_dir", "github")


class ExampleRun(Struct, frozen=True):
    """What is to be run.

    Attributes:
        code: The code.
        place: What tracebacks call it.
        line: The line there on which it starts.
        root: The repo's folder.
        names: What the repo is called: "owner/name".
        home: What TORCH_HOME names meanwhile.
        policy: What may be reached.
    """

    code: str
    place: str
    line: int
    root: str
    names: tuple[str, ...]
    home: str
    policy: Policy


class ExampleEnd(Struct, frozen=True):
    """How it ended.

    Attributes:
        error: The exception's class; "" when there was none.
        message: Its text.
        line: The example's line that raised it, or 0.
        missing: The module or file that was not there, or "".
        target: What it tried to reach on the network, or "".
    """

    error: str = ""
    message: str = ""
    line: int = 0
    missing: str = ""
    target: str = ""


def run_example(run: ExampleRun) -> ExampleEnd:
    """Run an example in an empty folder; only its end is told.

    Args:
        run: What is to be run.
    """
    os.environ.setdefault("MPLBACKEND", "agg")
    attempts: list[Attempt] = []
    with (
        kept_state(),
        # Beside what the parent removes, since an example may end this process.
        tempfile.TemporaryDirectory(prefix="example-", dir=Path(run.home).parent) as folder,
        _loading_from(Path(run.root), run.names),
        isolated_hub_dir(Path(run.home)),
        guarded_network(Path(run.root), run.place, attempts, run.policy),
        Prints(),
    ):
        os.chdir(folder)
        try:
            code = compile("\n" * (run.line - 1) + run.code, run.place, "exec")
            exec(code, {"__name__": "__main__"})  # noqa: S102 - the repo's own example
        except BaseException as error:  # noqa: BLE001 - whatever it raises, it has ended
            return _describe(error, run, attempts)
    return ExampleEnd()


def _describe(error: BaseException, run: ExampleRun, attempts: list[Attempt]) -> ExampleEnd:
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == run.place:
            line = trace.tb_lineno
        trace = trace.tb_next
    missing = ""
    if isinstance(error, ModuleNotFoundError):
        missing = error.name or ""
    elif isinstance(error, FileNotFoundError):
        missing = str(error.filename or "")
    target = attempts[0].target if attempts else ""
    return ExampleEnd(type(error).__name__, str(error), line, missing, target)


@contextlib.contextmanager
def _loading_from(root: Path, names: tuple[str, ...]) -> Iterator[None]:
    """Let ``torch.hub`` and hubkit load the repo from its folder when it is asked for by name."""
    import torch.hub

    import hubkit

    before = [(hub, name, getattr(hub, name)) for hub in (torch.hub, hubkit) for name in _FUNCTIONS]
    # Of torch.hub's functions only `load` takes a folder.
    local: dict[str, Callable[..., Any]] = {
        "load": torch.hub.load,
        "list": hubkit.list,
        "help": hubkit.help,
    }
    modules = set(sys.modules)
    for hub, name, function in before:
        own = function if hub is hubkit else local[name]
        setattr(hub, name, _redirected(function, own, str(root), names))
    try:
        yield
    finally:
        for hub, name, function in before:
            setattr(hub, name, function)
        # The next one finds none of the repo's modules.
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(root):
                del sys.modules[name]


def _redirected(
    function: Callable[..., Any], local: Callable[..., Any], root: str, names: tuple[str, ...]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: object, **kwargs: Any) -> Any:  # noqa: ANN401
        given = dict(kwargs)
        repos = [*args[:1], *(given.pop(name) for name in _REPO if name in given)]
        if not repos or str(repos[0]).partition(":")[0].lower() not in names:
            return function(*args, **kwargs)
        if local.__name__ == "load":
            given["source"] = "local"
        return local(root, *args[1:], **given)

    return call
