"""Put back what is shared by all code of a process, after code that may have changed it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def kept_state(*, lasting: bool = False) -> Iterator[None]:
    """Run code, and let what comes after find the process as it was before.

    Args:
        lasting: Whether environment variables and ``sys.path`` stay, because more code of the same
            repo is to run that may count on them.
    """
    puts = [take() for take in (_TAKES if lasting else (*_LASTING, *_TAKES))]
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_default_dtype"):
        puts += [take(torch) for take in _TORCH_TAKES]
    try:
        yield
    finally:
        for put in puts:
            put()


def _take_path() -> Callable[[], None]:
    path = sys.path.copy()

    def put() -> None:
        if sys.path != path:
            sys.path[:] = path

    return put


def _take_filters() -> Callable[[], None]:
    filters = warnings.filters.copy()  # type: ignore[attr-defined]

    def put() -> None:
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]
            # Python remembers which filter applied where.
            getattr(warnings, "_filters_mutated", lambda: None)()

    return put


def _take_environment() -> Callable[[], None]:
    before = dict(os.environ)

    def put() -> None:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value

    return put


def _take_cwd() -> Callable[[], None]:
    try:
        folder = os.getcwd()  # noqa: PTH109
    except OSError:
        return lambda: None
    return lambda: os.chdir(folder)


def _take_logging() -> Callable[[], None]:
    root = logging.getLogger()
    level, handlers, disabled = root.level, root.handlers.copy(), root.manager.disable

    def put() -> None:
        root.setLevel(level)
        root.handlers[:] = handlers
        logging.disable(disabled)

    return put


def _take_interpreter() -> Callable[[], None]:
    limit, hook = sys.getrecursionlimit(), sys.excepthook
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def put() -> None:
        sys.setrecursionlimit(limit)
        sys.excepthook = hook
        for one, handler in handlers.items():
            # Handlers can be set from the main thread only.
            with contextlib.suppress(ValueError, TypeError):
                if signal.getsignal(one) is not handler:
                    signal.signal(one, handler)

    return put


def _take_types(torch: Any) -> Callable[[], None]:  # noqa: ANN401
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    threads, anomaly = torch.get_num_threads(), torch.is_anomaly_enabled()

    def put() -> None:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        torch.autograd.set_detect_anomaly(anomaly)
        # To set it, even to what it is, may start threads.
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return put


def _take_device(torch: Any) -> Callable[[], None]:  # noqa: ANN401
    if not hasattr(torch, "get_default_device"):
        return lambda: None
    device = torch.get_default_device()

    def put() -> None:
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)

    return put


def _take_backends(torch: Any) -> Callable[[], None]:  # noqa: ANN401
    deterministic = torch.are_deterministic_algorithms_enabled()
    precision = torch.get_float32_matmul_precision()
    cudnn, names = torch.backends.cudnn, ("enabled", "benchmark", "deterministic", "allow_tf32")
    flags = {name: getattr(cudnn, name) for name in names}
    prints = vars(torch._tensor_str.PRINT_OPTS).copy()  # noqa: SLF001

    def put() -> None:
        # To set it, even to what it is, imports torch's compiler, which takes seconds.
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic)
        if torch.get_float32_matmul_precision() != precision:
            torch.set_float32_matmul_precision(precision)
        for name, value in flags.items():
            if getattr(cudnn, name) != value:
                setattr(cudnn, name, value)
        vars(torch._tensor_str.PRINT_OPTS).update(prints)  # noqa: SLF001

    return put


_LASTING = (_take_path, _take_environment)
_TAKES = (_take_filters, _take_cwd, _take_logging, _take_interpreter)
_TORCH_TAKES = (_take_types, _take_device, _take_backends)
