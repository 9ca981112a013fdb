"""What all code of a process shares: save it, find what has changed, restore it."""

from __future__ import annotations

import contextlib
import locale
import logging
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit._util.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LONG = 120


class Change(Struct, frozen=True):
    """A setting of the process that is not as it was.

    Attributes:
        name: The setting, as one would write it, such as "torch.get_default_dtype()".
        before: What it was.
        after: What it is.
    """

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name} was {self.before} and is {self.after}"


class _Setting(Struct, frozen=True):
    """Something that all code of a process shares.

    Attributes:
        name: What one would write to see it.
        read: Returns its value, which later changes of the setting leave alone.
        write: Sets it to such a value.
        show: A value as text.
        lasts: Whether code of the same repo may count on it later.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    show: Callable[[Any], str] = str
    lasts: bool = False


State = dict[str, Any]
"""Values by the names of settings."""


def save_state() -> State:
    """The settings of the process, for `find_changes` and `restore_state`."""
    return {setting.name: setting.read() for setting in _settings()}


def find_changes(before: State) -> tuple[Change, ...]:
    """What has changed since `save_state`."""
    found: list[Change] = []
    for setting in _settings():
        # A library that was loaded meanwhile had no settings before.
        if setting.name not in before:
            continue
        value, now = before[setting.name], setting.read()
        if setting.name == _ENVIRONMENT:
            found += _find_variables(value, now)
        elif setting.show(value) != setting.show(now):
            found.append(_change(setting.name, setting.show(value), setting.show(now)))
    return tuple(found)


def restore_state(saved: State) -> None:
    """Restore each setting that has changed; one that cannot be restored is logged."""
    for setting in _settings():
        if setting.name in saved:
            try:
                if setting.read() != saved[setting.name]:
                    setting.write(saved[setting.name])
            except Exception as error:  # noqa: BLE001 - the others are restored all the same
                log.warning("Could not restore %s: %s", setting.name, error)


@contextlib.contextmanager
def kept_state(*, lasting: bool = False) -> Iterator[None]:
    """Run code, and restore the state of the process afterwards.

    Args:
        lasting: Leave environment variables and ``sys.path`` as the code has set them, because
            more code of the same repo may count on them.
    """
    saved = {one.name: one.read() for one in _settings() if not (lasting and one.lasts)}
    try:
        yield
    finally:
        restore_state(saved)


def _settings() -> tuple[_Setting, ...]:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_default_dtype"):
        return _PYTHON
    return (*_PYTHON, *_of_torch(torch))


def _change(name: str, before: str, after: str) -> Change:
    pairs = enumerate(zip(before, after, strict=False))
    shorter = min(len(before), len(after))
    at = next((at for at, (one, other) in pairs if one != other), shorter)
    return Change(name, _around(before, at), _around(after, at))


def _around(text: str, at: int) -> str:
    """The part of a long text that matters."""
    first = max(0, at - 20)
    cut = text[first : first + _LONG]
    return f"{'…' if first else ''}{cut}{'…' if first + _LONG < len(text) else ''}"


_ENVIRONMENT = "os.environ"
# Any call of `logging.info` adds one where there is none.
LOG_HANDLERS = "logging.root.handlers"
# Set by torch and by pytest themselves, or by hubkit.
_NOT_THEIRS = (
    "TORCHINDUCTOR_",
    "PYTEST_",
    "TORCH_HOME",
    "KMP_",
    "CUDA_MODULE_LOADING",
    "HUBKIT_LOADED",
)


def _find_variables(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        old, new = (repr(one[name]) if name in one else "not set" for one in (before, after))
        if old != new and not name.startswith(_NOT_THEIRS):
            yield _change(f"{_ENVIRONMENT}[{name!r}]", old, new)


def _write_environment(before: dict[str, str]) -> None:
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _write_path(path: list[str]) -> None:
    sys.path[:] = path


def _read_cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return "gone"


def _read_filters() -> list[Any]:
    return [*warnings.filters]


def _write_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    # Python remembers which filter applied where.
    getattr(warnings, "_filters_mutated", lambda: None)()


def _show_filters(filters: list[Any]) -> str:
    def text(pattern: Any) -> str:  # noqa: ANN401
        return str(getattr(pattern, "pattern", pattern))

    shown = [
        (action, text(message), str(category), text(module), line)
        for action, message, category, module, line in filters
    ]
    # torch adds one of its own when it first exports a model.
    ours = [one for one in shown if "sympy" not in str(one)]
    return f"{len(ours)} filters, first {ours[0] if ours else None}, digest {hash(str(ours))}"


def _read_logging() -> tuple[int, int]:
    root = logging.getLogger()
    return root.level, root.manager.disable


def _write_logging(value: tuple[int, int]) -> None:
    level, disabled = value
    logging.getLogger().setLevel(level)
    logging.disable(disabled)


def _show_logging(value: tuple[int, int]) -> str:
    level, disabled = value
    return f"level {logging.getLevelName(level)}, disabled below {disabled}"


def _write_log_handlers(handlers: list[logging.Handler]) -> None:
    logging.getLogger().handlers[:] = handlers


def _show_log_handlers(handlers: list[logging.Handler]) -> str:
    return str([type(handler).__name__ for handler in handlers])


def _read_handlers() -> dict[str, Any]:
    return {one.name: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}


def _write_handlers(handlers: dict[str, Any]) -> None:
    for name, handler in handlers.items():
        # Handlers can be set from the main thread only, and those of C code not at all.
        with contextlib.suppress(ValueError, TypeError):
            signal.signal(getattr(signal, name), handler)


def _show_handlers(handlers: dict[str, Any]) -> str:
    shown = {
        name: getattr(handler, "__qualname__", str(handler))
        for name, handler in handlers.items()
        if handler is not None
    }
    return str(shown)


_PYTHON = (
    _Setting("sys.path", lambda: [*sys.path], _write_path, lasts=True),
    _Setting(_ENVIRONMENT, lambda: dict(os.environ), _write_environment, lasts=True),
    _Setting("os.getcwd()", _read_cwd, os.chdir),
    _Setting("warnings.filters", _read_filters, _write_filters, _show_filters),
    _Setting("the root logger", _read_logging, _write_logging, _show_logging),
    _Setting(
        LOG_HANDLERS,
        lambda: [*logging.getLogger().handlers],
        _write_log_handlers,
        _show_log_handlers,
    ),
    _Setting("signal handlers", _read_handlers, _write_handlers, _show_handlers),
    _Setting("sys.getrecursionlimit()", sys.getrecursionlimit, sys.setrecursionlimit),
    _Setting(
        "locale.setlocale(LC_ALL)",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda value: locale.setlocale(locale.LC_ALL, value),
    ),
    _Setting(
        "sys.excepthook",
        lambda: sys.excepthook,
        lambda hook: setattr(sys, "excepthook", hook),
        lambda hook: getattr(hook, "__qualname__", ""),
    ),
)


def _of_torch(torch: Any) -> Iterator[_Setting]:  # noqa: ANN401
    """Settings of torch, as far as its version has them.

    Each is written only when it has changed: to set the number of threads starts some, and other
    setters import torch's compiler, which takes seconds.
    """
    cudnn, names = torch.backends.cudnn, ("enabled", "benchmark", "deterministic", "allow_tf32")
    options = vars(torch._tensor_str.PRINT_OPTS)  # noqa: SLF001
    yield from (
        _Setting(f"torch.{getter}()", getattr(torch, getter), setter)
        for getter, setter in (
            ("get_default_dtype", torch.set_default_dtype),
            ("is_grad_enabled", torch.set_grad_enabled),
            ("get_num_threads", torch.set_num_threads),
            ("are_deterministic_algorithms_enabled", torch.use_deterministic_algorithms),
            ("get_float32_matmul_precision", torch.set_float32_matmul_precision),
            ("is_anomaly_enabled", torch.autograd.set_detect_anomaly),
        )
    )
    if hasattr(torch, "get_default_device"):  # torch 2.3 and later

        def set_device(device: Any) -> None:  # noqa: ANN401
            torch.set_default_device(None if device.type == "cpu" else device)

        yield _Setting("torch.get_default_device()", torch.get_default_device, set_device)

    def set_cudnn(flags: dict[str, Any]) -> None:
        for name, value in flags.items():
            if getattr(cudnn, name) != value:
                setattr(cudnn, name, value)

    yield _Setting(
        "torch.backends.cudnn",
        lambda: {name: getattr(cudnn, name) for name in names},
        set_cudnn,
    )
    yield _Setting("torch's print options", options.copy, options.update)
