"""Kept outputs: what is compared, how closely, and where it lies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.errors import UsageError
from pytest_hubkit import golden
from pytest_hubkit.golden import Golden, compare, file_of, read_golden, write_golden

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]
HERE = {"torch": "2.9.0", "device": "cpu", "machine": "x86_64"}
ELSEWHERE = {"torch": "2.8.0", "device": "cpu", "machine": "arm64"}
ACCELERATED = {"torch": "2.9.0", "device": "cuda", "machine": "x86_64"}


def kept(values: Any, made_with: dict[str, str], *, whole: bool = True) -> Golden:
    summary = {"made-with": made_with, "output": {"output": golden._describe(values)}}
    return Golden(summary, {"output": golden._plain(values)} if whole else {})


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("made_with", "share", "same"),
    [
        (HERE, 1e-7, True),
        (HERE, 1e-5, False),
        (ELSEWHERE, 1e-5, True),
        (ELSEWHERE, 1e-2, False),
        (ACCELERATED, 5e-3, True),
        (ACCELERATED, 1e-1, False),
    ],
)
def test_how_close_depends_on_where_it_was_made(
    whole: bool, made_with: dict[str, str], share: float, same: bool
) -> None:
    import torch

    values = torch.linspace(1, 2, 100)
    found = list(compare(kept(values + share, HERE), kept(values, made_with, whole=whole)))
    assert (not found) == same


def test_the_tensors_show_what_the_samples_do_not() -> None:
    import torch

    values = torch.arange(1000.0)
    other = values.clone()
    other[[3, 4]] = other[[4, 3]]
    for whole in (True, False):
        found = list(compare(kept(other, HERE), kept(values, HERE, whole=whole)))
        assert bool(found) == whole
    said = next(compare(kept(other, HERE), kept(values, HERE)))
    assert said == "output: at [3] it is 4, was 3 (allowed: 1e-06 of 999)"


def test_shapes_types_and_names_count() -> None:
    import torch

    values = torch.zeros(2, 2)
    for other in (torch.zeros(4), torch.zeros(2, 2).long()):
        assert next(compare(kept(other, HERE), kept(values, HERE))).startswith("output: ")
    summary = {"made-with": HERE, "output": {}}
    assert list(compare(Golden(summary), kept(values, HERE))) == ["output: gone"]
    assert list(compare(kept(values, HERE), Golden(summary))) == ["output: new"]


def test_each_case_has_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    labels = ("unet", "unet[a/b c]", "unet[..]")
    for number, label in enumerate(labels):
        write_golden(tmp_path, label, kept(torch.full((3,), float(number)), HERE))
    folder = {path.parent for path in (file_of(tmp_path, label) for label in labels)}
    assert len(folder) == 1
    for number, label in enumerate(labels):
        read = read_golden(tmp_path, label)
        assert read is not None
        assert read.tensors["output"].tolist() == [number] * 3
    assert read_golden(tmp_path, "other") is None
    write_golden(tmp_path, "unet", kept(torch.ones(3), HERE, whole=False))
    read = read_golden(tmp_path, "unet")
    assert read is not None
    assert not read.tensors
    # Who has no safetensors compares the text.
    monkeypatch.setitem(sys.modules, "safetensors", None)
    read = read_golden(tmp_path, "unet[a/b c]")
    assert read is not None
    assert not read.tensors


def test_memory_that_was_used_before_is_not_overlooked() -> None:
    import torch

    from pytest_hubkit.child.load import PeakMemory

    def fill() -> Any:
        # Small enough for the heap, on which the last one keeps what lies below in the process.
        return [torch.ones(25_000) for _ in range(200)].pop()

    pin = fill()
    peak = PeakMemory()
    again = fill()
    assert pin.shape == again.shape
    if sys.platform == "linux":
        assert peak.bytes > 15e6


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_nothing_is_kept_through_a_link(tmp_path: Path) -> None:
    import torch

    values = kept(torch.ones(3), HERE)
    repo, outside = tmp_path / "repo", tmp_path / "outside"
    for folder in (repo / "tests" / "hubkit", outside):
        folder.mkdir(parents=True)
    (repo / golden.FOLDER).symlink_to(outside)
    with pytest.raises(UsageError, match="points outside"):
        write_golden(repo, "net", values)
    assert list(outside.iterdir()) == []
    (repo / golden.FOLDER).unlink()
    write_golden(repo, "net", values)
    for path in [*(repo / golden.FOLDER).iterdir()]:
        (outside / path.name).write_text("canary")
        path.unlink()
        path.symlink_to(outside / path.name)
    with pytest.raises(OSError, match="points outside"):
        read_golden(repo, "net")
    write_golden(repo, "net", values)
    assert {path.read_text() for path in outside.iterdir()} == {"canary"}
    assert read_golden(repo, "net") is not None
