"""A worker process as programs start them, to which models and examples are sent."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from hubkit._util.child_server import ChildServer, Resources
from hubkit.lazy import import_late
from hubkit.runtime.sandbox import (
    Attempt,
    Policy,
    guarded_network,
    kept_state,
    wrap_requests,
)
from pytest_hubkit.capture import Capture
from pytest_hubkit.inputs import Inputs
from pytest_hubkit.isolation import isolated_hub_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_hubkit.stored import WeightsStore


_TIMEOUT = 300.0
_HOME = "pytest_hubkit.child.worker"
_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")


class WorkerError(Exception):
    """What was called in the worker failed there: its text says how."""


class Worker:
    """One process that runs what it is sent; a new one after a crash.

    Args:
        isolated: Whether it has no network, if the system allows that.
        interpreter: The command for Python; ``sys.executable`` by default.
    """

    def __init__(self, *, isolated: bool = True, interpreter: Sequence[str] = ()) -> None:
        self._prepare = "isolate" if isolated else ""
        self._interpreter = interpreter
        self._server: ChildServer | None = None

    def run(self, message: str) -> None:
        """Run a pickled model on pickled input there, in evaluation mode.

        Args:
            message: File that `send` has written.

        Raises:
            WorkerError: The model fails there.
            ChildError: It crashed the process, or took too long.
        """
        self.call(_run, message)

    def call(
        self,
        function: Callable[[_Argument], _Result],
        argument: _Argument,
        timeout: float = _TIMEOUT,
    ) -> _Result:
        """Call a function there.

        Raises:
            WorkerError: The function fails.
            ChildTimeoutError: It took longer.
            ChildError: The process crashed.
        """
        if self._server is None:
            self._server = ChildServer(
                f"{_HOME}:answer", Resources(timeout), self._prepare, self._interpreter
            )
        try:
            reply = self._server.call(pickle.dumps((function, argument)), timeout)
        except BaseException:
            # After a time limit or Ctrl-C, it would go on, and the next call would wait for it.
            self.close()
            raise
        failure, result = pickle.loads(reply)  # noqa: S301 - of our own process
        if failure:
            raise WorkerError(failure)
        return cast("_Result", result)

    def close(self) -> None:
        """End the process, if there is one."""
        if self._server is not None:
            self._server.close()
            self._server = None


def isolate() -> None:
    """Cut the process off from the network, if the system allows that."""
    from hubkit.runtime.sandbox import isolate_network

    isolate_network()


def answer(request: bytes) -> bytes:
    """Call what `Worker.call` has sent.

    Args:
        request: A pickled function and its argument.

    Returns:
        A pickled pair: what failed, or ""; the result.
    """
    function, argument = pickle.loads(request)  # noqa: S301 - of our own process
    try:
        reply = "", function(argument)
    except Exception as error:  # noqa: BLE001 - whatever the model raises
        reply = f"{type(error).__name__}: {error}", None
    return pickle.dumps(reply)


def send(message: Path, model: Any, inputs: Inputs) -> None:  # noqa: ANN401
    """Write a model and its input for a worker.

    Args:
        message: The file.
        model: The model or another callable.
        inputs: Its input.
    """
    import torch

    # Its pickles keep the numbers of tensors apart, which is faster.
    with message.open("wb") as file:
        torch.save((model, inputs.args, inputs.kwargs), file)


def _run(message: str) -> None:
    # With this, pickles made by hubkit find the code of hub repos.
    import hubkit.repos  # noqa: F401

    torch = import_late("torch")
    model, args, kwargs = torch.load(message, weights_only=False)
    from pytest_hubkit.models import evaluating, invoke

    guard = guarded_network(Path(), "The model's forward in another process")
    with evaluating(model), guard:
        output = invoke(model, Inputs(args, kwargs, ""))
    # Whoever waits for it gets it through a pipe.
    torch.save(output, io.BytesIO())


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
