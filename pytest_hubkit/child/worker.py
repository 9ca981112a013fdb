"""A worker process as programs start them, to which models and examples are sent."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import pickle
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from hubkit.lazy import import_late
from hubkit.runtime.sandbox import (
    Attempt,
    Policy,
    guarded_network,
    isolate_network,
    kept_state,
    wrap_requests,
)
from pytest_hubkit.capture import Capture
from pytest_hubkit.inputs import Inputs
from pytest_hubkit.isolation import isolated_hub_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_hubkit.stored import WeightsStore


_TIMEOUT = 300.0
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class Worker:
    """One spawned process that runs what it is sent; a new one after a crash.

    Args:
        isolated: Whether it has no network, if the system allows that.
    """

    def __init__(self, *, isolated: bool = True) -> None:
        self._isolated = isolated
        self._pool: ProcessPoolExecutor | None = None

    def run(self, message: str) -> Any:  # noqa: ANN401
        """Run a pickled model on pickled input there, in evaluation mode; returns its output.

        Args:
            message: File with a pickled triple: the model, positional and keyword arguments.

        Raises:
            Exception: The model raised it.
        """
        return pickle.loads(self.call(_run, message))  # noqa: S301

    def call(
        self,
        function: Callable[[_Argument], _Result],
        argument: _Argument,
        timeout: float = _TIMEOUT,
    ) -> _Result:
        """Call a function there.

        Raises:
            TimeoutError: It took longer.
            BrokenProcessPool: The process crashed.
            Exception: The function raised it.
        """
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            prepare = isolate_network if self._isolated else None
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=prepare)
        future = self._pool.submit(function, argument)
        try:
            return future.result(timeout)
        except BrokenProcessPool:
            self.close()
            raise
        except BaseException:
            # A time limit or Ctrl-C: it would go on, and the next call would wait for it.
            if not future.done():
                self.close()
            raise

    def close(self) -> None:
        """End the process, if there is one."""
        if self._pool is None:
            return
        processes = [*(self._pool._processes or {}).values()]  # noqa: SLF001
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
            process.join()
        self._pool = None


def _run(message: str) -> bytes:
    # With this, pickles made by hubkit find the code of hub repos.
    import hubkit.repos  # noqa: F401

    import_late("torch")

    with open(message, "rb") as file:  # noqa: PTH123
        model, args, kwargs = pickle.load(file)  # noqa: S301
    from pytest_hubkit.models import evaluating, invoke

    guard = guarded_network(Path(), "The model's forward in another process")
    with evaluating(model), guard:
        output = invoke(model, Inputs(args, kwargs, ""))
    return pickle.dumps(output)


_FUNCTIONS = ("load", "list", "help")
# Names of their first parameter.
_REPO = ("repo_or_dir", "github")


class ExampleRun(Struct, frozen=True):
    """An example to run.

    Attributes:
        code: The code.
        place: Its file name in tracebacks.
        line: The line on which it starts.
        root: The repo's folder.
        names: Names of the repo: "owner/name".
        home: The value of ``TORCH_HOME``.
        policy: What it may reach.
        store: Files that answer requests, or None.
        digest: The start of the sha256 of the entrypoint's weights, or "".
    """

    code: str
    place: str
    line: int
    root: str
    names: tuple[str, ...]
    home: str
    policy: Policy
    store: WeightsStore | None = None
    digest: str = ""


class ExampleResult(Struct, frozen=True):
    """How an example ended.

    Attributes:
        error: The exception's class; "" if there was none.
        message: Its text.
        line: The example's line that raised it, or 0.
        missing: The module or file that was missing, or "".
        target: What it tried to reach on the network, or "".
    """

    error: str = ""
    message: str = ""
    line: int = 0
    missing: str = ""
    target: str = ""


def run_example(run: ExampleRun) -> ExampleResult:
    """Run an example in an empty folder.

    A library that it imports is prepared to answer requests before a second attempt.
    """
    result = _run_once(run)
    return _run_once(run) if result.target and wrap_requests() else result


def _run_once(run: ExampleRun) -> ExampleResult:
    os.environ.setdefault("MPLBACKEND", "agg")
    attempts: list[Attempt] = []
    with (
        kept_state(),
        # In the parent's folder, which it removes even if an example ends this process.
        tempfile.TemporaryDirectory(prefix="example-", dir=Path(run.home).parent) as folder,
        _loading_from(Path(run.root), run.names),
        isolated_hub_dir(Path(run.home)),
        guarded_network(Path(run.root), run.place, attempts, run.policy) as guard,
        Capture(),
    ):
        wrap_requests()
        if run.store is not None:
            guard.find_file = functools.partial(run.store.find, digest=run.digest)
        os.chdir(folder)
        try:
            code = compile("\n" * (run.line - 1) + run.code, run.place, "exec")
            exec(code, {"__name__": "__main__"})  # noqa: S102 - the repo's own example
        except BaseException as error:  # noqa: BLE001 - whatever the example raises
            return _describe(error, run, attempts)
    return ExampleResult()


def _describe(error: BaseException, run: ExampleRun, attempts: list[Attempt]) -> ExampleResult:
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
    return ExampleResult(type(error).__name__, str(error), line, missing, target)


@contextlib.contextmanager
def _loading_from(root: Path, names: tuple[str, ...]) -> Iterator[None]:
    """Let ``torch.hub`` and hubkit load the repo from its folder when it is loaded by name."""
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
        # The next example must not find the repo's modules.
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(root):
                del sys.modules[name]


def _redirected(
    function: Callable[..., Any], local: Callable[..., Any], root: str, names: tuple[str, ...]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: object, **kwargs: Any) -> Any:  # noqa: ANN401
        arguments = dict(kwargs)
        repos = [*args[:1], *(arguments.pop(name) for name in _REPO if name in arguments)]
        if not repos or str(repos[0]).partition(":")[0].lower() not in names:
            return function(*args, **kwargs)
        if local.__name__ == "load":
            arguments["source"] = "local"
        return local(root, *args[1:], **arguments)

    return call
