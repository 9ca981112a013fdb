"""What is shared by all code of a process, and how loading or running a model changed it."""

from __future__ import annotations

import locale
import logging
import os
import signal
import sys
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Set by torch and by pytest themselves, or by ourselves.
_NOT_THEIRS = (
    "TORCHINDUCTOR_",
    "PYTEST_",
    "TORCH_HOME",
    "KMP_",
    "CUDA_MODULE_LOADING",
    "HUBKIT_LOADED",
)
_LONG = 120


@dataclass(frozen=True, slots=True)
class Change:
    """Something of the process that is not as it was.

    Attributes:
        name: What, as one would write it, such as "torch.get_default_dtype()".
        before: What it was.
        after: What it is.
    """

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name} was {self.before} and is {self.after}"

    def to_json(self) -> dict[str, str]:
        """What `Change` can be made of again, by keyword."""
        return asdict(self)


def take_state() -> dict[str, str]:
    """The state of the process, by what one would write to see it."""
    state = {name: look() for name, look in _LOOKS.items()}
    for name, value in os.environ.items():
        if not name.startswith(_NOT_THEIRS):
            state[f"os.environ[{name!r}]"] = repr(value)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_default_dtype"):
        state.update({name: _see(look, torch) for name, look in _TORCH_LOOKS.items()})
    return state


def find_changes(before: Mapping[str, str]) -> tuple[Change, ...]:
    """What has changed since `take_state`."""
    return tuple(_compare(before, take_state()))


def _compare(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        # What came with a library that was loaded meanwhile had no state before.
        if name not in before and not name.startswith("os.environ"):
            continue
        old, new = before.get(name, "not set"), after.get(name, "not set")
        if old != new:
            at = _first_difference(old, new)
            yield Change(name, _around(old, at), _around(new, at))


def _warnings_filters() -> str:
    filters = [
        (action, str(getattr(message, "pattern", message)), str(category), _module(module), line)
        for action, message, category, module, line in warnings.filters
    ]
    # torch adds one of its own when it first exports a model.
    ours = [one for one in filters if "sympy" not in str(one)]
    return f"{len(ours)} filters, first {ours[0] if ours else None}, digest {hash(str(ours))}"


def _module(pattern: Any) -> str:  # noqa: ANN401
    return str(getattr(pattern, "pattern", pattern))


def _signals() -> str:
    handlers = {
        one.name: getattr(handler, "__qualname__", str(handler))
        for one in (signal.SIGINT, signal.SIGTERM)
        if (handler := signal.getsignal(one)) is not None
    }
    return str(handlers)


def _logging() -> str:
    root = logging.getLogger()
    names = [type(handler).__name__ for handler in root.handlers]
    level, disabled = logging.getLevelName(root.level), root.manager.disable
    return f"level {level}, handlers {names}, disabled below {disabled}"


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return "gone"


_LOOKS: dict[str, Callable[[], str]] = {
    "sys.path": lambda: str(sys.path),
    "os.getcwd()": _cwd,
    "warnings.filters": _warnings_filters,
    "the root logger": _logging,
    "signal handlers": _signals,
    "sys.getrecursionlimit()": lambda: str(sys.getrecursionlimit()),
    "locale.setlocale(LC_ALL)": lambda: locale.setlocale(locale.LC_ALL),
    "sys.excepthook": lambda: getattr(sys.excepthook, "__qualname__", ""),
}
_TORCH_LOOKS: dict[str, Callable[[Any], str]] = {
    "torch.get_default_dtype()": lambda torch: str(torch.get_default_dtype()),
    "torch.get_default_device()": lambda torch: str(torch.get_default_device()),
    "torch.is_grad_enabled()": lambda torch: str(torch.is_grad_enabled()),
    "torch.get_num_threads()": lambda torch: str(torch.get_num_threads()),
    "torch.are_deterministic_algorithms_enabled()": lambda torch: str(
        torch.are_deterministic_algorithms_enabled()
    ),
    "torch.get_float32_matmul_precision()": lambda torch: str(torch.get_float32_matmul_precision()),
    "torch.backends.cudnn": lambda torch: str(
        {
            name: getattr(torch.backends.cudnn, name)
            for name in ("enabled", "benchmark", "deterministic", "allow_tf32")
        }
    ),
    "torch's print options": lambda torch: str(vars(torch._tensor_str.PRINT_OPTS)),  # noqa: SLF001
    "torch.is_anomaly_enabled()": lambda torch: str(torch.is_anomaly_enabled()),
}


def _see(look: Callable[[Any], str], torch: Any) -> str:  # noqa: ANN401
    try:
        return look(torch)
    except AttributeError:  # an older torch
        return ""


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _around(text: str, at: int) -> str:
    """The part of a long text that matters."""
    first = max(0, at - 20)
    cut = text[first : first + _LONG]
    return f"{'…' if first else ''}{cut}{'…' if first + _LONG < len(text) else ''}"
