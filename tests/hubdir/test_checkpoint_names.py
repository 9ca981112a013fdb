"""The names that checkpoints get, and the hashes in them."""

from __future__ import annotations

import os
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.errors import UsageError
from hubkit.facts import FetchPolicy
from hubkit.hubdir import fetch_checkpoint, hash_prefix_of
from hubkit.hubdir.checkpoints import name_of

if TYPE_CHECKING:
    from tests.git_host import GitHost


@pytest.mark.parametrize("path", ["/download", "/folder/net.pt/"])
def test_odd_urls_get_a_name(git_host: GitHost, path: str) -> None:
    url = git_host.add_file(path, b"weights")
    assert fetch_checkpoint(f"{url}?id=1", policy=FetchPolicy()).read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("resnet18-5c106cde.pth", "5c106cde"),
        ("model-2.0-5c106cdeaa.pth", "5c106cdeaa"),
        ("x-DEADBEEF.pth", "deadbeef"),
        ("weights-.pth", None),
        ("model-a.pth", None),
        ("model-2.0.pth", None),
    ],
)
def test_hashes_in_names(name: str, prefix: str | None) -> None:
    assert hash_prefix_of(name) == prefix


@given(st.text(), st.text())
def test_names_of_urls_are_names(path: str, query: str) -> None:
    name = name_of(f"https://host/{quote(path)}?{quote(query)}")
    assert name not in ("", ".", "..")
    assert Path(name).name == name
    assert len(name.encode()) <= 200


@given(st.text(st.sampled_from("ab/.-?=&;%#:@\\ ")))
def test_names_of_nonsense_are_names(text: str) -> None:
    try:
        name = name_of(f"https://host/{text}")
    except UsageError:  # a backslash or a blank
        return
    assert name not in ("", ".", "..")
    assert Path(name).name == name


@pytest.mark.parametrize("last", ["C:net.pth", "net.pth:x", "hubconf.py::$DATA"])
def test_no_name_leads_elsewhere_on_windows(last: str) -> None:
    folder = PureWindowsPath("D:/hub/checkpoints")
    path = folder / name_of(f"https://host/{last}")
    assert path.parent == folder
    assert ":" not in path.name


@pytest.mark.parametrize("url", ["https://h/net-5c106cde.pth", "https://h/a/n%20t.pt?x=1#y"])
def test_plain_names_are_torchs(url: str) -> None:
    assert name_of(url) == os.path.basename(urlsplit(url).path)  # noqa: PTH119 - what torch does
