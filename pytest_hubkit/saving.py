"""What becomes of a state dict that is saved and read."""

from __future__ import annotations

import copy
import io
from typing import Any


def find_unsafe(state: dict[str, Any]) -> dict[str, object]:
    """Entries that ``torch.load(weights_only=True)`` does not read back.

    Args:
        state: A state dict.
    """
    return {key: value for key, value in state.items() if not (_is_plain(value) or _is_safe(value))}


def read_back(state: dict[str, Any]) -> dict[str, Any]:
    """A state dict after a trip through a file.

    Plain tensors are copied instead: torch writes them bit for bit, which takes long.

    Args:
        state: A state dict without unsafe entries.
    """
    import torch

    plain = {key: value for key, value in state.items() if _is_plain(value)}
    # Not what is made anew: state dicts have attributes, such as the versions of their modules.
    written = copy.copy(state)
    written.update(dict.fromkeys(plain, torch.empty(0)))
    loaded: dict[str, Any] = torch.load(_save(written), weights_only=True, map_location="cpu")
    loaded.update((key, value.detach().cpu().clone()) for key, value in plain.items())
    return loaded


def _is_plain(value: object) -> bool:
    import torch

    return (
        isinstance(value, torch.Tensor)
        and type(value) in (torch.Tensor, torch.nn.Parameter)
        and value.layout is torch.strided
        and not value.is_quantized
    )


def _is_safe(value: object) -> bool:
    import torch

    if type(value) in (torch.Tensor, torch.nn.Parameter):
        return True
    try:
        torch.load(_save(value), weights_only=True)
    except Exception:  # noqa: BLE001 - pickling runs the value's own code
        return False
    return True


def _save(value: object) -> io.BytesIO:
    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return buffer
