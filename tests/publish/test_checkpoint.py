"""Checkpoints as people save them: the state dict in each, and files that are none."""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import CheckpointError
from hubkit.publish.checkpoint import find_classes, read_weights, write_state

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", ["net.pth", "old.pth", "parallel.pth", "halves.pth"])
def test_a_state_dict_is_read_as_torch_reads_it(checkpoints: Path, name: str) -> None:
    import torch

    state = torch.load(checkpoints / name, weights_only=True)
    weights = read_weights(checkpoints / name)
    assert weights.state.keys() == state.keys()
    assert weights.elements == sum(value.numel() for value in state.values())
    assert (weights.format, weights.key) == ("pickle", "")


@pytest.mark.parametrize(
    ("name", "key", "found", "others"),
    [
        ("train.pth.tar", None, "state_dict", ("epoch", "optimizer")),
        ("train.pth.tar", "state_dict", "state_dict", ("epoch", "optimizer")),
        ("lightning.ckpt", None, "state_dict", ("epoch", "optimizer_states", "hyper")),
        ("ema.pt", "ema.shadow", "ema.shadow", ("model", "optimizer")),
    ],
)
def test_a_training_state_contains_one(
    checkpoints: Path, name: str, key: str | None, found: str, others: tuple[str, ...]
) -> None:
    weights = read_weights(checkpoints / name, key)
    assert (weights.key, weights.others) == (found, others)
    assert weights.state.keys() == read_weights(checkpoints / "net.pth").state.keys()


@pytest.mark.parametrize(
    ("name", "key", "message", "hint"),
    [
        ("ema.pt", None, "contains 2 state dicts", "model (7 tensors) and ema.shadow (7 tensors)"),
        ("train.pth.tar", "stat_dict", "no state dict at 'stat_dict'", "Did you mean `state_dict`"),
        ("model.pt", None, "torch.nn.modules.container.Sequential", "--state-dict"),
        ("whole.pt", None, "torch.nn.modules.container.Sequential", "--state-dict"),
        ("runs.pth", None, "runs `posix.system`", "Find out where the file comes from"),
        ("list.pth", None, "contains a list, no state dict", "model.state_dict()"),
        ("epoch.pth", None, "with the keys `epoch`", "model.state_dict()"),
        ("text.pth", None, "is not a checkpoint", "torch.save"),
        ("random.pth", None, "is not a checkpoint", "torch.save"),
        ("plain.pkl", None, "a pickle, but not one of torch.save", "model.state_dict()"),
        ("cut.pth", None, "is a damaged checkpoint", ""),
        ("cut-old.pth", None, "is a damaged checkpoint", ""),
    ],
)
def test_other_files_are_refused(
    checkpoints: Path, name: str, key: str | None, message: str, hint: str
) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_weights(checkpoints / name, key)
    assert message in caught.value.message
    assert hint in caught.value.hint


class _Counts:
    """Counts how often it is made."""

    made = 0

    def __init__(self) -> None:
        _Counts.made += 1

    def __reduce__(self) -> tuple[object, ...]:
        return _Counts, ()


def test_nothing_in_a_pickle_is_imported_or_made(tmp_path: Path) -> None:
    pickled = tmp_path / "thing.pkl"
    pickled.write_bytes(pickle.dumps({"x": _Counts()}))
    made = _Counts.made
    assert find_classes(pickled) == (f"{__name__}._Counts",)
    with pytest.raises(CheckpointError):
        read_weights(pickled)
    assert _Counts.made == made


def test_a_file_of_a_gpu_is_read_on_the_cpu(checkpoints: Path, tmp_path: Path) -> None:
    moved = tmp_path / "gpu.pth"
    with zipfile.ZipFile(checkpoints / "net.pth") as old, zipfile.ZipFile(moved, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            if member.endswith("data.pkl"):
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            new.writestr(member, data)
    assert {one.device.type for one in read_weights(moved).state.values()} == {"cpu"}


def test_a_prefix_is_removed(checkpoints: Path, tmp_path: Path) -> None:
    state = read_weights(checkpoints / "parallel.pth").state
    write_state(state, tmp_path / "plain.pth", "module.")
    plain = read_weights(tmp_path / "plain.pth").state
    assert plain.keys() == read_weights(checkpoints / "net.pth").state.keys()
    with pytest.raises(CheckpointError, match="does not start with"):
        write_state(state, tmp_path / "other.pth", "net.")


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
    with pytest.raises(CheckpointError):
        read_weights(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1_000_000  # kB
