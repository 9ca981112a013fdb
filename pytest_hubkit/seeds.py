"""The global random generators of torch, Python and NumPy."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# Seeds of the first and the second build.
SEED, OTHER_SEED = 1, 2


def set_seed(seed: int) -> None:
    """Seed every generator whose library is imported."""
    random.seed(seed)
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None:
        _seed_torch(torch, seed)
    if numpy is not None:
        numpy.random.seed(seed)


def _seed_torch(torch: Any, seed: int) -> None:  # noqa: ANN401
    # torch.manual_seed does more: for each device that nobody uses yet it keeps a call for later,
    # with a formatted stack, which takes milliseconds each time.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def draw() -> dict[str, float]:
    """The next number of each generator, by the call that draws it."""
    drawn = {"random.random()": random.random()}  # noqa: S311
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None:
        drawn["torch.rand(1)"] = float(torch.rand(1, device="cpu", dtype=torch.float64))
    if numpy is not None:
        drawn["numpy.random.rand()"] = float(numpy.random.rand())
    return drawn


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run code from a known seed, and restore the generators."""
    saved = _states()
    set_seed(seed)
    try:
        yield
    finally:
        random.setstate(saved["random"])
        if "torch" in saved:
            sys.modules["torch"].set_rng_state(saved["torch"])
        if "numpy" in saved:
            sys.modules["numpy"].random.set_state(saved["numpy"])


# What reseeds a global generator, by module; libraries' own functions call these.
_SEEDING = {
    "random": ("seed", "setstate"),
    "torch": ("manual_seed", "seed", "set_rng_state"),
    "torch.random": ("manual_seed", "seed", "set_rng_state"),
    "numpy.random": ("seed", "set_state"),
}


@contextlib.contextmanager
def watched_seeding(root: Path) -> Iterator[list[str]]:
    """Record the lines of a repo that reseed a global generator.

    Args:
        root: The repo's folder.

    Yields:
        Lines such as ``net.py:3: torch.manual_seed``, in the order of the calls.
    """
    found: list[str] = []
    replaced: list[tuple[Any, str, Any]] = []
    for module in map(sys.modules.get, _SEEDING):
        for name in _SEEDING[module.__name__] if module else ():
            function = getattr(module, name)
            replaced.append((module, name, function))
            setattr(module, name, _noting(function, f"{module.__name__}.{name}", root, found))  # type: ignore[union-attr]
    try:
        yield found
    finally:
        for module, name, function in replaced:
            setattr(module, name, function)


def _noting(function: Any, name: str, root: Path, found: list[str]) -> Any:  # noqa: ANN401
    prefix = f"{root}{os.sep}"

    @functools.wraps(function)
    def note(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        frame = sys._getframe(1)  # noqa: SLF001
        while frame.f_back is not None and not frame.f_code.co_filename.startswith(prefix):
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(prefix):
            found.append(f"{frame.f_code.co_filename[len(prefix) :]}:{frame.f_lineno}: {name}")
        return function(*args, **kwargs)

    return note


def generators_that_moved(before: dict[str, Any]) -> tuple[str, ...]:
    """Generators that have been used since `take_states`."""
    after = take_states()
    return tuple(name for name, state in before.items() if after.get(name) != state)


def take_states() -> dict[str, Any]:
    """The states of the generators, to be compared."""
    states = _states()
    if "torch" in states:
        states["torch"] = bytes(states["torch"].tolist())
    if "numpy" in states:
        name, numbers, *rest = states["numpy"]
        states["numpy"] = (name, numbers.tobytes(), *rest)
    return states


def _states() -> dict[str, Any]:
    states: dict[str, Any] = {"random": random.getstate()}
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state()
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    return states
