"""What checkpoints contain: each kind, the counts, and files that are made to do harm."""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING

import pytest

from hubkit.publish.checkpoint_contents import find_notes, read_contents

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("name", "kind", "note"),
    [
        ("net.pth", "state dict", ""),
        ("old.pth", "state dict", ""),
        ("halves.pth", "state dict", ""),
        ("net.safetensors", "state dict", ""),
        ("parallel.pth", "state dict", "All names start with `module.`"),
        ("model.pt", "model", "torch.nn.modules.container.Sequential"),
        ("whole.pt", "model", "It is a pickled model"),
        ("train.pth.tar", "training checkpoint", "`torch.save(checkpoint['state_dict'], ...)`"),
        ("runs.pth", "other", "runs `posix.system`"),
        ("script.pt", "script", "torch.jit.load"),
        ("list.pth", "other", "no plain state dict"),
        ("text.pth", "unknown", "not a checkpoint that torch.load"),
        ("cut.pth", "damaged", ""),
        ("cut-old.pth", "damaged", ""),
    ],
)
def test_each_kind_is_recognized(checkpoints: Path, name: str, kind: str, note: str) -> None:
    contents = read_contents(checkpoints / name)
    assert contents.kind == kind
    notes = list(find_notes(contents))
    assert any(note in one for one in notes) if note else not notes


@pytest.mark.parametrize("name", ["net.pth", "old.pth", "parallel.pth", "halves.pth"])
def test_the_numbers_are_those_that_torch_loads(checkpoints: Path, name: str) -> None:
    import torch

    state = torch.load(checkpoints / name, weights_only=True)
    contents = read_contents(checkpoints / name)
    assert contents.tensors == len(state)
    assert contents.elements == sum(value.numel() for value in state.values())


def test_a_training_checkpoint_lists_its_other_keys(checkpoints: Path) -> None:
    contents = read_contents(checkpoints / "train.pth.tar")
    assert contents.key == "state_dict"
    assert contents.extras == ("epoch", "optimizer")
    assert contents.extra_elements > contents.elements
    (note,) = find_notes(contents)
    assert "62% of all values" in note


class _Counts:
    """Would tell if it was made."""

    made = 0

    def __init__(self) -> None:
        _Counts.made += 1

    def __reduce__(self) -> tuple[object, ...]:
        return _Counts, ()


def test_nothing_in_a_pickle_is_imported_or_made(tmp_path: Path) -> None:
    pickled = tmp_path / "thing.pkl"
    pickled.write_bytes(pickle.dumps({"x": _Counts()}))
    made = _Counts.made
    contents = read_contents(pickled)
    assert f"{__name__}._Counts" in contents.names
    assert _Counts.made == made
    pickled.write_bytes(pickle.dumps({"x": 1}).replace(b"x", b"\xff"))
    assert read_contents(pickled).kind == "damaged"


def test_the_device_is_noted(checkpoints: Path, tmp_path: Path) -> None:
    moved = tmp_path / "gpu.pth"
    with zipfile.ZipFile(checkpoints / "net.pth") as old, zipfile.ZipFile(moved, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            if member.endswith("data.pkl"):
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            new.writestr(member, data)
    contents = read_contents(moved)
    assert contents.devices == {"cuda:0"}
    assert 'needs map_location="cpu"' in "".join(find_notes(contents))


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "zip"])
@pytest.mark.parametrize(
    "body",
    [
        b"}" + b")" + b"\x85" * 100_000 + b"K\x01s.",  # a key nested too deep to be hashed
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b"}r\xff\xff\xff\x7f.",  # the two-thousand-millionth thing to be remembered
        b"\x96\xff\xff\xff\xff\xff\x00\x00\x00.",  # a terabyte of zeros
        b"X\xff\xff\xff\x7f.",
        b"c" + b"a" * 100_000,
    ],
    ids=["key", "lists", "memo", "bytes", "text", "name"],
)
def test_a_hostile_pickle_does_no_harm(tmp_path: Path, body: bytes, zipped: bool) -> None:
    import resource

    path = tmp_path / "evil.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("evil/data.pkl", b"\x80\x02" + body)
            archive.writestr("evil/version", "3\n")
            archive.writestr("evil/byteorder", "little")
    else:
        path.write_bytes(b"\x80\x05" + body)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_contents(path).kind in ("damaged", "other", "unknown")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1_000_000  # kB
