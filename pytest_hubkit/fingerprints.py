"""Checksums of tensors: whether contents are the same, without keeping them."""

from __future__ import annotations

import ctypes
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch


def fingerprint(tensor: torch.Tensor) -> int:
    """A checksum of shape, type and contents; contents that cannot be read count as none."""
    import torch

    seed = zlib.crc32(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    if tensor.is_meta or tensor.is_quantized or tensor.layout is not torch.strided:
        return seed
    data = tensor.detach().cpu().contiguous()
    size = data.numel() * data.element_size()
    if not size:
        return seed
    return zlib.crc32((ctypes.c_ubyte * size).from_address(data.data_ptr()), seed)


def fingerprints(named: Iterable[tuple[str, object]]) -> dict[str, int]:
    """Checksums of those values that are tensors, by name."""
    import torch

    return {name: fingerprint(one) for name, one in named if isinstance(one, torch.Tensor)}
