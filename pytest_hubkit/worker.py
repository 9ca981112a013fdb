"""A worker process as programs start them, to which models are sent."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_PATIENCE = 300.0


class Worker:
    """One process, started afresh (not forked), that runs what it is sent."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context)

    def run(self, message: bytes) -> Any:  # noqa: ANN401
        """Run a pickled model on pickled input there, in evaluation mode; gives its output.

        Args:
            message: A pickled triple: the model, positional and keyword arguments.

        Raises:
            Exception: What that raised.
        """
        return pickle.loads(self._pool.submit(_run, message).result(_PATIENCE))  # noqa: S301

    def close(self) -> None:
        """End the process."""
        processes = [*(self._pool._processes or {}).values()]  # noqa: SLF001
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
            process.join()


def _run(message: bytes) -> bytes:
    # Where a pickle made by hubkit finds the code of hub repos.
    import hubkit.repos  # noqa: F401

    model, args, kwargs = pickle.loads(message)  # noqa: S301
    import torch

    if isinstance(model, torch.nn.Module):
        model.eval()
    with torch.inference_mode():
        output = model(*args, **kwargs)
    return pickle.dumps(output)
