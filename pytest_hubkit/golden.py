"""Outputs that are kept beside the tests, so that a change of numbers does not go unnoticed."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_hubkit.trees import find_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from pytest_hubkit.subject import Subject

PATH = Path("tests", "hubkit", "golden.json")
_VERSION = 1
_SAMPLES = 8
# Relative to the largest value kept: the same build of torch on the same machine adds in the same
# order; another one does not; another kind of device rounds differently too.
_SAME, _OTHER_BUILD, _OTHER_DEVICE = 1e-6, 1e-3, 1e-2

Json = dict[str, Any]


def summarise(subject: Subject) -> Json:
    """What is kept of a case: where it was computed, and a summary of each tensor it gives."""
    first = subject.first
    return {
        "input": first.inputs.provenance,
        "made-with": _here(subject),
        "output": {path: _describe(one) for path, one in find_tensors(first.output)},
    }


def read_golden(root: Path) -> Json:
    """What was kept, by label; nothing when there is no file yet.

    Args:
        root: The repo's folder.
    """
    path = root / PATH
    if not path.is_file():
        return {}
    kept: Json = json.loads(path.read_text("utf-8"))["outputs"]
    return kept


def write_golden(root: Path, label: str, summary: Json) -> None:
    """Keep a case's summary, and leave the others as they are.

    Args:
        root: The repo's folder.
        label: The case.
        summary: What `summarise` gave.
    """
    path, kept = root / PATH, read_golden(root)
    kept[label] = summary
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": _VERSION, "outputs": dict(sorted(kept.items()))}
    staged = path.with_suffix(".new")
    staged.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    staged.replace(path)


def compare(subject: Subject, kept: Json) -> Iterator[str]:
    """What is not as it was kept, in words.

    Args:
        subject: The case.
        kept: Its summary from the file.
    """
    now = summarise(subject)
    tolerance = _tolerance(kept["made-with"], now["made-with"])
    for path in dict.fromkeys((*kept["output"], *now["output"])):
        old, new = kept["output"].get(path), now["output"].get(path)
        if old is None or new is None:
            yield f"{path}: {'new' if old is None else 'gone'}"
        elif (old["dtype"], old["shape"]) != (new["dtype"], new["shape"]):
            yield f"{path}: {new['dtype']}{new['shape']}, was {old['dtype']}{old['shape']}"
        else:
            yield from _compare_numbers(path, old, new, tolerance)


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


def _here(subject: Subject) -> Json:
    import torch

    return {
        "torch": torch.__version__,
        "device": subject.conformance.options.device,
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
