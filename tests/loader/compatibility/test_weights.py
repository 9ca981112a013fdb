"""What torch.hub's documentation promises of weights, asserted of both by the same lines."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.loader.compatibility.conftest import checkpoint

if TYPE_CHECKING:
    from tests.git_host import GitHost

pytestmark = pytest.mark.torch


def test_weights_are_kept_in_checkpoints_and_fetched_once(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    for _ in range(2):
        state = hub.load_state_dict_from_url(f"{url}?raw=true", map_location="cpu", progress=False)
        assert state["w"].tolist() == [0, 1, 2]
    assert len(git_host.requests) == 1
    assert (hub_dir / "checkpoints" / "net.pt").is_file()


def test_model_dir_and_file_name_say_where(hub: Any, git_host: GitHost, tmp_path: Path) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    folder = tmp_path / "some" / "where"
    for strict in (False, True):
        options = {"file_name": "other.pt", "weights_only": strict}
        state = hub.load_state_dict_from_url(url, str(folder), progress=False, **options)
        assert state["w"].tolist() == [0, 1, 2]
        assert [path.name for path in folder.iterdir()] == ["other.pt"]


@pytest.mark.parametrize("where", [None, "mine"])
def test_files_have_the_mode_of_other_new_files(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path, where: str | None
) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    model_dir = tmp_path / where if where else None
    before = os.umask(0o027)
    try:
        hub.load_state_dict_from_url(url, model_dir and str(model_dir), progress=False)
        hub.download_url_to_file(url, str(tmp_path / "copy.pt"), progress=False)
    finally:
        os.umask(before)
    kept = (model_dir or hub_dir / "checkpoints") / "net.pt"
    shutil.copy(kept, tmp_path / "work.pt")
    for path in (kept, tmp_path / "work.pt", tmp_path / "copy.pt"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_weights_that_are_there_are_used_without_a_request(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    url = checkpoint(git_host, tmp_path / "net.pt")
    (hub_dir / "checkpoints").mkdir(parents=True)
    (tmp_path / "net.pt").rename(hub_dir / "checkpoints" / "net.pt")
    assert hub.load_state_dict_from_url(url, progress=False)["w"].tolist() == [0, 1, 2]
    assert git_host.requests == []


@pytest.mark.parametrize("wrong", [False, True])
def test_check_hash_compares_what_the_name_says(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path, wrong: bool
) -> None:
    checkpoint(git_host, tmp_path / "net.pt")
    said = "0" * 8 if wrong else hashlib.sha256((tmp_path / "net.pt").read_bytes()).hexdigest()[:8]
    url = git_host.add_file(f"/net-{said}.pt", tmp_path / "net.pt")
    if not wrong:
        assert hub.load_state_dict_from_url(url, progress=False, check_hash=True)
        return
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.load_state_dict_from_url(url, progress=False, check_hash=True)
    assert list((hub_dir / "checkpoints").iterdir()) == []


@pytest.mark.parametrize("packed", [False, True], ids=["old", "old in a zip"])
def test_the_formats_of_old_are_read(
    hub: Any, git_host: GitHost, tmp_path: Path, packed: bool
) -> None:
    import torch

    path = tmp_path / "old.pth"
    torch.save({"w": torch.arange(3)}, path, _use_new_zipfile_serialization=False)
    if packed:
        with zipfile.ZipFile(tmp_path / "packed.pth", "w") as archive:
            archive.write(path, "inner.pth")
        path = tmp_path / "packed.pth"
    expected = pytest.warns(FutureWarning, match="in favor of default zipfile")
    with expected if packed else contextlib.nullcontext():
        state = hub.load_state_dict_from_url(git_host.add_file("/w.pth", path), progress=False)
    assert state["w"].tolist() == [0, 1, 2]


@pytest.mark.usefixtures("host")
def test_an_entrypoint_gets_its_weights_with_torch_hubs_defaults(
    hub: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    import torch

    # An object of a class: more than weights, which code written for torch.hub may ask for.
    url = checkpoint(git_host, tmp_path / "net.pt", {"w": torch.arange(3), "at": Path("x")})
    options: dict[str, Any] = {"trust_repo": True, "verbose": False}
    assert hub.load("acme/shapes:main", "weights", url, **options) == [0, 1, 2]
    assert (hub_dir / "checkpoints" / "net.pt").is_file()


def test_a_download_replaces_a_file_only_by_what_its_hash_says(
    hub: Any, git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", b"new")
    target = tmp_path / "to" / "net.pt"
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(url, str(target), "0" * 8, progress=False)
    assert target.read_text() == "old"
    hub.download_url_to_file(url, str(target), hashlib.sha256(b"new").hexdigest(), progress=False)
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["net.pt"]
