"""Golden outputs, which reveal a change of numbers.

There is one text file per case, which can be reviewed, and a safetensors file with the outputs if
they are small. No file is shared, so that workers can write at the same time.
"""

from __future__ import annotations

import importlib.util
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct, field

from hubkit._util.atomic import write_file
from hubkit._util.parse import parse_json
from hubkit._util.paths import is_inside, read_inside
from hubkit.errors import UsageError
from pytest_hubkit.values import find_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch

    from pytest_hubkit.context import CaseContext

FOLDER = Path("tests", "hubkit", "golden")
_VERSION = 1
_SAMPLES = 8
_MOST_BYTES = 50_000
# Relative to the largest value: the same build of torch on the same machine adds in the same order;
# another build does not; another kind of device also rounds differently.
_SAME, _OTHER_BUILD, _OTHER_DEVICE = 1e-6, 1e-3, 1e-2

Json = dict[str, Any]


class Golden(Struct, frozen=True):
    """The golden output of a case.

    Attributes:
        summary: The machine, and a summary of each tensor.
        tensors: The tensors by path, if all together are small.
    """

    summary: Json
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)


def file_of(root: Path, label: str) -> Path:
    """The text file of a case."""
    return root / FOLDER / f"{quote(label, safe='[]')}.json"


def summarize(context: CaseContext) -> Golden:
    """The output of a case."""
    first = context.first
    found = dict(find_tensors(first.output))
    summary = {
        "version": _VERSION,
        "input": first.inputs.provenance,
        "made-with": _here(context),
        "output": {path: _describe(one) for path, one in found.items()},
    }
    plain = {path: _plain(one) for path, one in found.items()}
    size = sum(one.numel() * one.element_size() for one in plain.values())
    return Golden(summary, plain if size <= _MOST_BYTES else {})


def read_golden(root: Path, label: str) -> Golden | None:
    """The golden output of a case, or None."""
    path = file_of(root, label)
    if not path.is_file():
        return None
    summary = parse_json(read_inside(root, path.relative_to(root)))
    tensors = path.with_suffix(".safetensors")
    if not tensors.is_file() or not _has_safetensors():
        return Golden(summary)
    from safetensors.torch import load

    return Golden(summary, load(read_inside(root, tensors.relative_to(root))))


def write_golden(root: Path, label: str, golden: Golden) -> None:
    """Write the golden output of a case.

    Raises:
        UsageError: A link on the way leads out of the repo.
    """
    path = file_of(root, label)
    if not is_inside(root, path.parent):
        raise UsageError(
            f"{path.parent} points outside {root}.",
            hint="Replace the link with a folder, so that golden outputs can be written there.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps(golden.summary, indent=2) + "\n")
    tensors = path.with_suffix(".safetensors")
    if golden.tensors and _has_safetensors():
        from safetensors.torch import save

        write_file(tensors, save(dict(golden.tensors)))
    else:
        tensors.unlink(missing_ok=True)


def compare(now: Golden, kept: Golden) -> Iterator[str]:
    """Differences from the golden output, in words."""
    tolerance = _tolerance(kept.summary["made-with"], now.summary["made-with"])
    before, after = kept.summary["output"], now.summary["output"]
    for path in dict.fromkeys((*before, *after)):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            yield f"{path}: {'new' if old is None else 'gone'}"
        elif (old["dtype"], old["shape"]) != (new["dtype"], new["shape"]):
            yield f"{path}: {new['dtype']}{new['shape']}, was {old['dtype']}{old['shape']}"
        elif path in kept.tensors and path in now.tensors:
            yield from _compare_tensors(path, kept.tensors[path], now.tensors[path], tolerance)
        else:
            yield from _compare_numbers(path, old, new, tolerance)


def _compare_tensors(
    path: str, old: torch.Tensor, new: torch.Tensor, tolerance: float
) -> Iterator[str]:
    import torch

    if old.numel() == 0 or torch.equal(old, new):
        return
    before, after = old.double().nan_to_num(), new.double().nan_to_num()
    largest, scale = (before - after).abs().max().item(), before.abs().max().item()
    allowed = tolerance * scale if old.is_floating_point() else 0.0
    if largest > allowed:
        place = [int(one) for one in torch.nonzero((before - after).abs() == largest)[0]]
        yield (
            f"{path}: at {place} it is {after[tuple(place)].item():.8g}, was "
            f"{before[tuple(place)].item():.8g} (allowed: {tolerance:g} of {scale:.3g})"
        )


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor that safetensors can hold: on the CPU, real, contiguous, with memory of its own."""
    import torch

    values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return values.detach().to("cpu", copy=True).contiguous()


def _has_safetensors() -> bool:
    return importlib.util.find_spec("safetensors") is not None


def _compare_numbers(path: str, old: Json, new: Json, tolerance: float) -> Iterator[str]:
    scale = max([abs(one) for one in old["samples"]] + [abs(old["std"]), abs(old["mean"]), 1e-12])
    pairs = [
        *((name, old[name], new[name]) for name in ("mean", "std")),
        *(
            (f"sample {number}", *pair)
            for number, pair in enumerate(zip(old["samples"], new["samples"], strict=True))
        ),
    ]
    for name, before, after in pairs:
        if abs(before - after) > tolerance * scale:
            yield f"{path}: {name} is {after:.8g}, was {before:.8g} (allowed: {tolerance:g} of {scale:.3g})"
            return


def _tolerance(kept: Json, here: Json) -> float:
    if kept == here:
        return _SAME
    return _OTHER_BUILD if kept["device"] == here["device"] else _OTHER_DEVICE


def _here(context: CaseContext) -> Json:
    import torch

    return {
        "torch": torch.__version__,
        "device": context.session.options.device,
        "machine": platform.machine(),
    }


def _describe(tensor: torch.Tensor) -> Json:
    import torch

    values = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    flat = values.detach().to("cpu", torch.float64).flatten()
    places = torch.linspace(0, max(0, flat.numel() - 1), min(_SAMPLES, flat.numel())).long()
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "mean": flat.mean().item() if flat.numel() else 0.0,
        "std": flat.std(correction=0).item() if flat.numel() else 0.0,
        "samples": flat[places].tolist(),
    }
