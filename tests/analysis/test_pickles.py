"""Checkpoints that run code when torch.load reads them, dressed up so that readers see none."""

from __future__ import annotations

import io
import struct
import tarfile
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis.pickles import scan_checkpoint
from hubkit.errors import CheckpointError
from hubkit.publish.checkpoint import read_weights
from hubkit.rules.weights import is_allowed, is_harmful

if TYPE_CHECKING:
    from pathlib import Path

_CALL = b"cposix\nsystem\n(X\x04\x00\x00\x00truetR."
_EVIL = b"\x80\x02" + _CALL
_GOOD = b"\x80\x02ccollections\nOrderedDict\n)R."
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def _zip(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)  # of two members with one name
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def _with(data: bytes, header: bytes, offset: int, value: bytes) -> bytes:
    """The archive of one member with other bytes in one of its headers."""
    at = data.index(header) + offset
    return data[:at] + value + data[at + len(value) :]


def _tar(content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


_PICKLE = ("a/data.pkl", _EVIL)
_DISGUISES = {
    "another pickle in front": _zip(("a/b/data.pkl", _GOOD), _PICKLE),
    "two of one name": _zip(("a/data.pkl", _GOOD), _PICKLE),
    "in capitals": _zip(("a/DATA.PKL", _EVIL)),
    "a folder of code": _zip(_PICKLE, ("a/code/x.py", b"")),
    "constants elsewhere": _zip(_PICKLE, ("b/constants.pkl", b"")),
    "a wrong checksum": _with(_zip(_PICKLE), _CENTRAL, 16, b"1234"),
    "marked as encrypted": _with(_zip(_PICKLE), _LOCAL, 6, b"\x01"),
    "another local name": _with(_zip(_PICKLE), _LOCAL, 30, b"b"),
    "an end that is none": _zip(("a/data.pkl", _EVIL[:-1] + b"\xff.")),
    "protocol 0": _CALL,
    "protocol 2 after a blank": b"N0" + _EVIL,
    "strings that are dropped": b"\x80\x04\x8c\x05posix\x8c\x06system\x8c\x0ctorch._utils0"
    b"\x8c\x11_rebuild_tensor_v20\x93\x8c\x04true\x85R.",
    "a pickle in a pickle": b"\x80\x02ctorch.storage\n_load_from_bytes\n(B\x01\x00\x00\x00.tR.",
    "a module behind torch's": b"\x80\x02ctorch.distributed.tensor\n_api.os.system\n(X\x04\x00\x00\x00truetR.",
}
_UNREADABLE = {
    "tar": _tar(_EVIL),
    "a second end": _zip(_PICKLE)[:-4] + b"PK\x05\x06junk",
    "an unknown compression": _with(_zip(_PICKLE), _CENTRAL, 10, b"\x09"),
}


@pytest.mark.parametrize("data", _DISGUISES.values(), ids=_DISGUISES)
def test_what_a_checkpoint_runs_is_found(data: bytes) -> None:
    found = scan_checkpoint(io.BytesIO(data))
    assert found is not None
    assert any(not is_allowed(name) for name in found.names)


@pytest.mark.parametrize("data", _UNREADABLE.values(), ids=_UNREADABLE)
def test_what_cannot_be_read_is_not_taken_for_harmless(data: bytes) -> None:
    found = scan_checkpoint(io.BytesIO(data))
    assert found is not None
    assert not found.is_complete


@pytest.mark.torch
@pytest.mark.parametrize(
    ("data", "message"),
    [(data, None) for data in _DISGUISES.values()]
    + [(data, "damaged") for data in _UNREADABLE.values()],
    ids=[*_DISGUISES, *_UNREADABLE],
)
def test_such_a_checkpoint_is_not_added(tmp_path: Path, data: bytes, message: str | None) -> None:
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(CheckpointError, match=message):
        read_weights(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "data", [b"", b"text\n", b"cnot\na pickle\n", bytes(range(256)) * 4, b"\x93NUMPY\x01\x00"]
)
def test_other_files_are_not_checkpoints(data: bytes) -> None:
    assert scan_checkpoint(io.BytesIO(data)) is None


def test_a_plain_state_dict_is_harmless() -> None:
    for data in (_GOOD, _zip(("a/data.pkl", _GOOD))):
        found = scan_checkpoint(io.BytesIO(data))
        assert found is not None
        assert found.is_complete
        assert all(map(is_allowed, found.names))


def test_what_loads_another_pickle_is_harmful() -> None:
    assert is_harmful("torch.storage._load_from_bytes")


def test_a_pickle_is_read_whatever_its_local_header_says() -> None:
    """The name there may be longer than the one in the index."""
    data = _zip(_PICKLE)
    longer = data[:26] + struct.pack("<H", 20) + data[28:40] + bytes(10) + data[40:]
    at = longer.rindex(b"PK\x05\x06") + 16
    moved = longer[:at] + struct.pack("<I", int.from_bytes(longer[at : at + 4], "little") + 10)
    found = scan_checkpoint(io.BytesIO(moved + longer[at + 4 :]))
    assert found is not None
    assert "posix.system" in found.names
