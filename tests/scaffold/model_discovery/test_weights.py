"""Checkpoints of a repo, in its tree and at addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.scaffold.model_discovery import discover_models
from hubkit.source import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scaffold.model_discovery.conftest import ReadModels

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"


@pytest.mark.torch
def test_the_contents_of_a_checkpoint_are_known_without_loading_it(tmp_path: Path) -> None:
    import torch

    state = torch.nn.Linear(2, 1).state_dict()
    wrapped = {f"module.{name}": value for name, value in state.items()}
    for legacy in (False, True):
        options = {"_use_new_zipfile_serialization": not legacy}
        torch.save(state, tmp_path / "plain.pth", **options)
        torch.save({"epoch": 3, "state_dict": state}, tmp_path / "nested.pt", **options)
        torch.save({"net": wrapped, "acc": 0.9}, tmp_path / "wrapped.th", **options)
        torch.save(torch.nn.Linear(2, 1), tmp_path / "whole.pth", **options)
        (tmp_path / "lfs.pth").write_text(POINTER)
        found = {one.path: one for one in discover_models(Folder(tmp_path)).weights}
        assert {path: (one.is_plain, one.key, one.prefix) for path, one in found.items()} == {
            "lfs.pth": (False, "", ""),
            "nested.pt": (True, "state_dict", ""),
            "plain.pth": (True, "", ""),
            "whole.pth": (False, "", ""),
            "wrapped.th": (True, "net", "module."),
        }
        assert [path for path, one in found.items() if one.is_pointer] == ["lfs.pth"]


def test_addresses_are_found_in_documents_and_source(read: ReadModels) -> None:
    offer = read(
        **{
            "README.md": "[a](https://x.org/a-0123abcd.pth) <https://x.org/b.pt?dl=1>\n"
            "https://drive.google.com/c.pth https://github.com/x/y/blob/main/d.pth\n",
            "net.py": "URL = 'https://x.org/e.pth.tar'\nOTHER = 'https://x.org/a-0123abcd.pth'\n",
        }
    )
    assert offer.urls == (
        ("https://x.org/a-0123abcd.pth", "README.md"),
        ("https://x.org/b.pt", "README.md"),
        ("https://x.org/e.pth.tar", "net.py"),
    )


def test_files_that_are_not_checkpoints_are_not_plain(read: ReadModels) -> None:
    offer = read(**{"words.bin": "text", "empty.pt": ""})
    assert [(one.path, one.is_plain) for one in offer.weights] == [
        ("empty.pt", False),
        ("words.bin", False),
    ]
