"""Checkpoints are known by their content, checked by what was promised, and mapped when large."""

from __future__ import annotations

import argparse
import fractions
import pickle
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from hubkit.errors import CheckpointError, HashMismatchError, UsageError
from hubkit.hubdir.download import sha256_of
from hubkit.loader.checkpoint_files import MAPPED_FROM, read_checkpoint
from tests.warm import run_python

if TYPE_CHECKING:
    from tests.git_host import GitHost

pytestmark = pytest.mark.torch

LARGE = MAPPED_FROM // 4 + 1  # float32 numbers


@pytest.fixture
def large(git_host: GitHost, tmp_path: Path) -> str:
    """URL of a checkpoint that is large enough to be mapped."""
    import torch

    torch.save({"w": torch.arange(LARGE, dtype=torch.float32)}, tmp_path / "large.pt")
    return git_host.add_file("/large.pt", tmp_path / "large.pt")


def is_mapped(path: Path) -> bool:
    """Whether this process has a file mapped into memory."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    return any(line.endswith(str(path)) for line in maps)


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt"])
def test_safetensors_is_known_by_its_content(git_host: GitHost, tmp_path: Path, name: str) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"w": torch.arange(6.0).reshape(2, 3)}, tmp_path / name)
    state = hubkit.load_state_dict_from_url(git_host.add_file(f"/{name}", tmp_path / name))
    assert state["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("place", "expected"),
    [("meta", "meta"), ({"cpu": "meta"}, "meta"), (lambda storage, _: storage, "cpu")],
)
def test_safetensors_goes_where_map_location_says(
    tmp_path: Path, place: Any, expected: str
) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, tmp_path / "net.pt")
    state = read_checkpoint(tmp_path / "net.pt", place, weights_only=True)
    assert state["w"].device.type == expected


def test_damaged_safetensors_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "net.pt"
    save_file({"w": torch.ones(64)}, path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=r"net\.pt cannot be read"):
        read_checkpoint(path, weights_only=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/maps")
def test_a_large_checkpoint_of_the_cache_is_mapped(large: str, hub_dir: Path) -> None:
    state = hubkit.load_state_dict_from_url(large)
    path = hub_dir / "checkpoints" / "large.pt"
    assert is_mapped(path)
    state["w"][0] = 7
    assert hubkit.load_state_dict_from_url(large)["w"][0] == 0  # what is written stays private


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/maps")
def test_a_file_that_may_be_written_to_is_read(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "own.pt"
    torch.save({"w": torch.zeros(LARGE)}, path)
    state = read_checkpoint(path, weights_only=True)
    assert not is_mapped(path)
    assert len(state["w"]) == LARGE


def test_a_mapped_checkpoint_survives_its_replacement(large: str, git_host: GitHost, tmp_path: Path) -> None:  # fmt: skip
    import torch

    old = hubkit.load_state_dict_from_url(large)
    torch.save({"w": torch.zeros(LARGE)}, tmp_path / "other.pt")
    git_host.add_file("/large.pt", tmp_path / "other.pt")
    new = hubkit.load_state_dict_from_url(large, sha256=sha256_of(tmp_path / "other.pt"))
    assert new["w"].sum() == 0
    assert old["w"][-1] == LARGE - 1


def test_old_formats_are_read(tmp_path: Path) -> None:
    import torch

    old, packed = tmp_path / "old.pt", tmp_path / "packed.pt"
    torch.save({"w": torch.arange(3.0)}, old, _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(old, "old.pth")
    assert read_checkpoint(old, weights_only=True)["w"].tolist() == [0, 1, 2]
    with pytest.warns(FutureWarning, match="packed.pt"):
        assert read_checkpoint(packed, weights_only=True)["w"].tolist() == [0, 1, 2]


def test_a_sha256_is_checked_on_the_way_and_in_the_cache(large: str, hub_dir: Path) -> None:
    with pytest.raises(HashMismatchError):
        hubkit.load_state_dict_from_url(large, sha256="0" * 64)
    assert [path.name for path in (hub_dir / "checkpoints").glob("*")] == []
    hubkit.load_state_dict_from_url(large)
    sha256 = sha256_of(hub_dir / "checkpoints" / "large.pt")
    assert len(hubkit.load_state_dict_from_url(large, sha256=sha256.upper())["w"]) == LARGE
    with pytest.raises(HashMismatchError):
        hubkit.load_state_dict_from_url(large, sha256="0" * 64)
    assert (hub_dir / "checkpoints" / "large.pt").is_file()  # a wrong wish costs nothing


@pytest.mark.parametrize("sha256", ["", "0" * 63, "g" * 64, "1" + "0" * 63])
def test_a_sha256_that_is_none_is_refused_before_any_request(git_host: GitHost, sha256: str) -> None:  # fmt: skip
    with pytest.raises(UsageError):
        hubkit.load_state_dict_from_url(
            f"{git_host.url}/net-00000000.pt", check_hash=True, sha256=sha256
        )
    assert git_host.requests == []


def test_a_missing_safetensors_is_named_with_the_install_line(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"w": torch.ones(2)}, tmp_path / "net.pt")
    program = f"""
import pathlib, sys
sys.modules["safetensors"] = None
from hubkit.loader.checkpoint_files import read_checkpoint
read_checkpoint(pathlib.Path({str(tmp_path / "net.pt")!r}), weights_only=True)
"""
    done = run_python("-c", program)
    assert "MissingExtraError" in done.stderr
    assert "pip install safetensors" in done.stderr


@pytest.mark.parametrize("extra", [argparse.Namespace(lr=1), print, fractions.Fraction(1, 2)])
def test_what_else_a_checkpoint_holds_is_named(tmp_path: Path, extra: Any) -> None:
    import torch

    torch.save({"w": torch.ones(2), "extra": extra}, tmp_path / "net.pt")
    with pytest.raises(pickle.UnpicklingError) as refused:
        read_checkpoint(tmp_path / "net.pt", weights_only=True)
    kind = extra if callable(extra) else type(extra)
    module = kind.__module__.replace("builtins", "")
    name = f"{module}.{kind.__qualname__}".removeprefix(".")
    assert f"contains more than weights: {name}." in str(refused.value)
    assert "x1b" not in str(refused.value)
