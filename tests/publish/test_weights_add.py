"""``hubkit weights add`` as it is typed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.config import read_config
from tests.publish.conftest import hubkit

if TYPE_CHECKING:
    from pathlib import Path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def file(in_repo: Path) -> Path:
    """Something that could be a checkpoint, made without torch."""
    path = in_repo / "net.pth"
    path.write_bytes(b"\x80\x04}\x94." + b"weights")
    return path


def test_a_copy_is_named_recorded_and_shown(in_repo: Path, file: Path) -> None:
    sha, dist = digest(file), in_repo / "dist"
    result = hubkit(
        *("weights", "add", file, "--entrypoint", "net", "--to", dist),
        *("--repo", "acme/nets", "--tag", "v1.0"),
    )
    assert result.exit_code == 0, result.output
    copy = dist / f"net-{sha[:8]}.pth"
    assert digest(copy) == sha
    assert [*dist.iterdir()] == [copy]
    weights = read_config(in_repo).entrypoint("net").weights
    assert weights is not None
    assert (weights.sha256, weights.bytes) == (sha, file.stat().st_size)
    assert f"acme/nets/releases/download/v1.0/net-{sha[:8]}.pth" in result.stdout
    assert "check_hash=True" in result.stdout


def test_again_changes_nothing(in_repo: Path, file: Path) -> None:
    command = ("weights", "add", file, "--entrypoint", "net")
    hubkit(*command)
    before = {path: path.read_bytes() for path in in_repo.iterdir() if path.is_file()}
    result = hubkit(*command)
    assert "exists: " in result.stdout
    assert "already recorded" in result.stdout
    named = next(path for path in in_repo.glob("net-*.pth"))
    assert "exists: " in hubkit("weights", "add", named, "--entrypoint", "net").stdout
    assert {path: path.read_bytes() for path in in_repo.iterdir() if path.is_file()} == before


def test_another_file_is_never_replaced(in_repo: Path, file: Path) -> None:
    place = in_repo / f"net-{digest(file)[:8]}.pth"
    place.write_bytes(b"mine")
    result = hubkit("weights", "add", file)
    assert result.exit_code == 2
    assert "do not match the hash in its name" in result.stderr
    assert place.read_bytes() == b"mine"
    assert not [*in_repo.glob(".hubkit-*")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04 and no more", "is a damaged checkpoint"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_refused(
    file: Path, content: bytes, message: str
) -> None:
    file.write_bytes(content)
    result = hubkit("weights", "add", file)
    assert result.exit_code == 1
    assert message in result.stderr
    assert [*file.parent.glob("net*")] == [file]


def test_folders_pipes_and_nothing_are_refused(in_repo: Path) -> None:
    os.mkfifo(in_repo / "pipe")
    assert "is a folder" in hubkit("weights", "add", in_repo).stderr
    assert "not a regular file" in hubkit("weights", "add", in_repo / "pipe").stderr
    assert "cannot be read" in hubkit("weights", "add", in_repo / "gone.pth").stderr


def test_a_name_with_a_wrong_hash_is_refused(in_repo: Path, file: Path) -> None:
    wrong = file.rename(in_repo / "net-deadbeef.pth")
    result = hubkit("weights", "add", wrong)
    assert result.exit_code == 2
    assert "contains the hash deadbeef" in result.stderr
    assert not (in_repo / "hubkit.toml").exists()


def test_settings_that_cannot_be_read_are_reported_before_anything_is_made(
    in_repo: Path, file: Path
) -> None:
    (in_repo / "hubkit.toml").write_text("nonsense = 1\n")
    result = hubkit("weights", "add", file, "--entrypoint", "net")
    assert result.exit_code == 2
    assert "unknown key" in result.stderr
    assert [*in_repo.glob("net*")] == [file]


def test_an_entrypoint_must_exist(file: Path) -> None:
    result = hubkit("weights", "add", file, "--entrypoint", "nett")
    assert result.exit_code == 1
    assert "Did you mean `net`?" in result.stderr
    assert [*file.parent.glob("net*")] == [file]


def test_of_several_entrypoints_one_is_to_be_named(file: Path) -> None:
    result = hubkit("weights", "add", file)
    assert result.exit_code == 0
    assert "Not recorded: pass --entrypoint NAME" in result.stderr


def test_outside_a_repo_the_copy_is_all(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = hubkit("weights", "add", file)
    assert result.exit_code == 0
    assert "Not recorded: no hubconf.py" in result.stderr
    assert "https://github.com/OWNER/NAME/releases/download/TAG/" in result.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_reported(in_repo: Path, file: Path) -> None:
    locked = in_repo / "locked"
    locked.mkdir(mode=0o500)
    result = hubkit("weights", "add", file, "--to", locked)
    assert result.exit_code == 2
    assert "--to DIR" in result.stderr


def test_a_file_in_the_way_of_the_folder_is_reported(in_repo: Path, file: Path) -> None:
    result = hubkit("weights", "add", file, "--to", in_repo / "hubconf.py")
    assert result.exit_code == 2
    assert "cannot be copied into" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_huge_file_is_never_held_in_memory(in_repo: Path) -> None:
    huge = in_repo / "huge.bin"
    with huge.open("wb") as stream:
        stream.truncate(300 << 20)
    code = (
        "import pathlib, sys; from hubkit.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(pathlib.Path('/proc/self/status').read_text(), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "weights", "add", str(huge), "--to", "dist"]
    done = subprocess.run(command, cwd=in_repo, capture_output=True, text=True, check=True)
    peak = next(line for line in done.stderr.splitlines() if line.startswith("VmHWM:"))
    assert int(peak.split()[1]) < 100_000  # kB
    shutil.rmtree(in_repo / "dist")


@pytest.mark.torch
class TestSafetensors:
    """``--safetensors``."""

    def test_the_same_numbers_arrive(self, in_repo: Path, checkpoints: Path) -> None:
        import safetensors.torch
        import torch

        for name in ("net.pth", "old.pth", "halves.pth"):
            result = hubkit("weights", "add", checkpoints / name, "--safetensors", "--to", in_repo)
            assert result.exit_code == 0, result.output
            stem = name.removesuffix(".pth")
            (made,) = in_repo.glob(f"{stem}-*.safetensors")
            assert digest(made)[:8] in made.name
            old = torch.load(checkpoints / name, weights_only=True)
            new = safetensors.torch.load_file(made)
            assert old.keys() == new.keys()
            assert all(torch.equal(old[key], new[key]) for key in old)
            assert "download_url_to_file" in result.stdout

    def test_torchscript_is_loaded_otherwise(self, in_repo: Path, checkpoints: Path) -> None:
        result = hubkit("weights", "add", checkpoints / "script.pt", "--to", in_repo)
        assert "torch.jit.load(path" in result.stdout
        assert "load_state_dict_from_url" not in result.stdout

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("shared.pth", "share memory: embed and head"),
            ("train.pth.tar", "contains epoch, optimizer besides the weights"),
            ("model.pt", "contains more than weights"),
            ("runs.pth", "contains more than weights"),
            ("list.pth", "contains a list, not a state dict"),
            ("net.safetensors", "safetensors already"),
            ("text.pth", "not a checkpoint"),
        ],
    )
    def test_what_it_cannot_hold_is_refused(
        self, in_repo: Path, checkpoints: Path, name: str, message: str
    ) -> None:
        result = hubkit("weights", "add", checkpoints / name, "--safetensors", "--to", in_repo)
        assert result.exit_code == 1
        assert message in result.stderr
        assert not [*in_repo.glob("*.safetensors")]
