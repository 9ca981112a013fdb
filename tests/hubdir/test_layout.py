"""The hub dir is torch.hub's, whatever the environment says."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hubkit
from hubkit.errors import UsageError
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


@pytest.mark.torch
@pytest.mark.parametrize("how", ["set_dir", "variable"])
def test_torch_and_hubkit_have_one_hub_dir(hub_dir: Path, how: str) -> None:
    import torch.hub

    for name in ("one", "two"):
        if how == "set_dir":
            torch.hub.set_dir(hub_dir / name)
        else:
            torch.hub._hub_dir = str(hub_dir / name)
        assert hubkit.get_dir() == str(torch.hub.get_dir()) == str(hub_dir / name)
        hubkit.set_dir(hub_dir / f"our {name}")
        assert torch.hub.get_dir() == hubkit.get_dir() == str(hub_dir / f"our {name}")
    torch.hub._hub_dir = None
    assert hubkit.get_dir() == torch.hub.get_dir() == str(hub_dir)


LATER = """
import sys, hubkit
hubkit.set_dir("ours")
assert "torch" not in sys.modules and hubkit.get_dir() == "ours"
import torch
print(torch.hub.get_dir())
torch.hub.set_dir("torchs")
print(hubkit.get_dir())
"""


@pytest.mark.torch
def test_a_hub_dir_counts_for_a_torch_that_is_imported_later() -> None:
    done = subprocess.run([sys.executable, "-c", LATER], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ours", "torchs"]


@pytest.mark.parametrize(
    ("name", "value"), [("TORCH_HOME", None), ("TORCH_HOME", "~/t"), ("XDG_CACHE_HOME", "~/c")]
)
def test_without_a_home_no_folder_is_called_tilde(
    hub_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None
) -> None:
    monkeypatch.delenv("TORCH_HOME")
    if value is not None:
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # HOME unset, no passwd entry
    for act in (hubkit.get_dir, lambda: hubkit.set_dir("~/mine")):
        with pytest.raises(UsageError, match="TORCH_HOME"):
            act()
    monkeypatch.setenv("TORCH_HOME", str(hub_dir.parent))
    assert hubkit.get_dir() == str(hub_dir)


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_stay_apart_as_path_components(one: str, two: str) -> None:
    assert (encode(one) == encode(two)) == (one == two)
    assert encode(one) not in (".", "..")
    assert "/" not in encode(one)
    assert len(encode(one)) <= LONGEST
