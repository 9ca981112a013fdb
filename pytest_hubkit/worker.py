"""A worker process as programs start them, to which models are sent."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hubkit.runtime.sandbox import guarded_network, isolate_network

if TYPE_CHECKING:
    from collections.abc import Callable

_PATIENCE = 300.0
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class Worker:
    """One process, spawned and not forked, that runs what it is sent; a new one after a crash.

    Args:
        isolated: Whether it has no network, where the system allows that.
    """

    def __init__(self, *, isolated: bool = True) -> None:
        self._isolated = isolated
        self._pool: ProcessPoolExecutor | None = None

    def run(self, message: bytes) -> Any:  # noqa: ANN401
        """Run a pickled model on pickled input there, in evaluation mode; gives its output.

        Args:
            message: A pickled triple: the model, positional and keyword arguments.

        Raises:
            Exception: What that raised.
        """
        return pickle.loads(self.call(_run, message))  # noqa: S301

    def call(
        self, function: Callable[[_Given], _Made], given: _Given, patience: float = _PATIENCE
    ) -> _Made:
        """Call a function there.

        Args:
            function: The function.
            given: Its argument.
            patience: Seconds after which the process is ended.

        Raises:
            TimeoutError: It took longer.
            BrokenProcessPool: The process has died.
            Exception: What the function raised.
        """
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            prepare = isolate_network if self._isolated else None
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=prepare)
        future = self._pool.submit(function, given)
        try:
            return future.result(patience)
        except BrokenProcessPool:
            self.close()
            raise
        except BaseException:
            # Too slow, or Ctrl-C: it would go on, and the next one wait for it.
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


def _run(message: bytes) -> bytes:
    # Where a pickle made by hubkit finds the code of hub repos.
    import hubkit.repos  # noqa: F401

    model, args, kwargs = pickle.loads(message)  # noqa: S301
    import torch

    if isinstance(model, torch.nn.Module):
        model.eval()
    guard = guarded_network(Path(), "The model's forward in another process")
    with torch.inference_mode(), guard:
        output = model(*args, **kwargs)
    return pickle.dumps(output)
