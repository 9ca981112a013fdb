"""The device on which models run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.checks.registry import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Callable


def require_device(device: str) -> None:
    """Make sure that a device is there.

    Args:
        device: As ``--hubconf-device`` names it.

    Raises:
        NotApplicableError: It is not.
    """
    import torch

    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if device in there and not there[device]():
        raise NotApplicableError(f"there is no {device} device here (--hubconf-device)")
