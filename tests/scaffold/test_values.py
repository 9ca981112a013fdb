"""Values for arguments of models, read from a repo's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit import limits
from hubkit.scaffold.model_sources import read_blocks
from hubkit.scaffold.values import Values, read_values
from hubkit.source import Folder
from tests.scaffold.conftest import write_tree

if TYPE_CHECKING:
    from pathlib import Path


OPTIONS = """
def parse(parser):
    parser.add_argument("--num-classes", type=int, default=2)
    parser.add_argument("-w", dest="widths", default=[8, 16])
"""


def read(folder: Path, **files: str) -> Values:
    write_tree(folder, files)
    found = Folder(folder)
    return read_values(found, read_blocks(found))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("configs/net.yaml", "model:\n  init_args:\n    num_classes: 2\n    widths: [8, 16]\n"),
        ("net.json", '{"model": [{"num_classes": 2}, {"widths": [8, 16]}]}'),
        ("net.toml", "[model]\nnum-classes = 2\nwidths = [8, 16]\n"),
        ("wandb.yaml", "num_classes: {value: 2, desc: null}\nwidths: {value: [8, 16]}\n"),
        ("config.py", "num_classes = 2\nwidths = [8, 16]\n"),
        ("run.py", "NUM_CLASSES = 2\nWIDTHS: list[int] = [8, 16]\n"),
        ("config/defaults.py", "_C.MODEL.NUM_CLASSES = 2\n_C.MODEL.WIDTHS = [8, 16]\n"),
        ("cfg/net.py", "model = dict(head=dict(num_classes=2), widths=[8, 16])\n"),
        ("run.py", "class TrainConfig:\n    num_classes: int = 2\n    widths = [8, 16]\n"),
        ("train.py", OPTIONS),
    ],
)
def test_values_come_from_what_people_configure_with(tmp_path: Path, path: str, text: str) -> None:
    values = read(tmp_path, **{path: text})
    assert values.find("num_classes") == "2"
    assert values.find("numClasses") == "2"
    assert values.find("widths") == "[8, 16]"
    assert values.find("width") == ""
    assert values.select(["n_classes", "depth"]) == ({"n_classes": "2"},)


def test_each_file_is_a_set_of_its_own(tmp_path: Path) -> None:
    small = "width: 8\nnum_classes: 2\n"
    values = read(tmp_path, **{"small.yaml": small, "a/large.yaml": "width: 64\n"})
    assert values.select(["width", "num_classes"]) == (
        {"width": "8", "num_classes": "2"},
        {"width": "64"},
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.yaml", "width: !!python/object/apply:os.system [touch ran]\n"),
        ("x.yaml", "width: [\n"),
        ("x.yaml", f"{'[' * 3000}"),
        ("x.yaml", f"# {'-' * limits.CONFIG_BYTES.most}\nwidth: 8\n"),
        ("x.json", "{width: 8}"),
        ("package.json", '{"width": 8}'),
        (".github/x.yaml", "width: 8\n"),
        ("run.py", "width = 8\n"),
        ("config.py", "width = load()\n"),
        ("config.py", "def build():\n    pass\n"),
        ("x.yaml", "width: {a: {b: 1}}\n"),
        ("x.yaml", "width: null\n"),
    ],
)
def test_files_that_are_no_configuration_are_not_read(tmp_path: Path, path: str, text: str) -> None:
    assert read(tmp_path, **{path: text}).find("width") == ""
    assert not (tmp_path / "ran").exists()


def test_aliases_do_not_multiply(tmp_path: Path) -> None:
    lines = ["a0: &a0 {width: 8}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert read(tmp_path, **{"x.yaml": "\n".join(lines)}).find("width") == "8"
