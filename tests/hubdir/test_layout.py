"""The hub dir is torch.hub's, whatever the environment says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubkit
from hubkit.hubdir.layout import LONGEST, encode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.torch
@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize("torch_home", [None, "~/t", "relative", ""])
@pytest.mark.parametrize("xdg", [None, "~/c", ""])
def test_get_dir_agrees_with_torch(
    monkeypatch: pytest.MonkeyPatch, torch_home: str | None, xdg: str | None
) -> None:
    import torch

    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    for name, value in (("TORCH_HOME", torch_home), ("XDG_CACHE_HOME", xdg)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert hubkit.get_dir() == torch.hub.get_dir()


def test_set_dir_wins(hub_dir: Path) -> None:
    hubkit.set_dir("~/elsewhere")
    assert hubkit.get_dir() == os.path.expanduser("~/elsewhere") != str(hub_dir)  # noqa: PTH111


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_stay_apart_as_path_components(one: str, two: str) -> None:
    assert (encode(one) == encode(two)) == (one == two)
    assert encode(one) not in (".", "..")
    assert "/" not in encode(one)
    assert len(encode(one)) <= LONGEST
