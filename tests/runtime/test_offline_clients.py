"""Clients that retry denied requests are in offline mode under the guard, and their URLs are named."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.runtime.sandbox import Policy, guarded_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

URL = "https://huggingface.co/acme/net/resolve/main/net.pth"
# The client, as far as its offline mode goes.
CONSTANTS = "import os\nHF_HUB_OFFLINE = os.environ.get('HF_HUB_OFFLINE') == '1'\n"
CLIENT = f"""
from huggingface_hub import constants


class OfflineModeIsEnabled(ConnectionError):
    pass


def hf_hub_download(repo_id, filename):
    if not constants.HF_HUB_OFFLINE:
        return "downloaded"
    try:
        raise OfflineModeIsEnabled("Cannot reach {URL}: offline mode is enabled.")
    except OfflineModeIsEnabled as error:
        raise FileNotFoundError("not in the cache") from error
"""


@pytest.fixture
def download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    for name, text in (("__init__", CLIENT), ("constants", CONSTANTS)):
        path = tmp_path / "site" / "huggingface_hub" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in [one for one in sys.modules if one.partition(".")[0] == "huggingface_hub"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "repo").mkdir()
    path = tmp_path / "repo" / "net.py"
    code = "def load():\n    import huggingface_hub\n    return huggingface_hub.hf_hub_download('', '')"
    names: dict[str, Callable[[], str]] = {}
    exec(compile(code, path, "exec"), names)
    return names["load"]


@pytest.mark.parametrize("imported", [True, False])
def test_the_url_that_a_client_refused_is_an_attempt(
    tmp_path: Path, download: Callable[[], str], imported: bool
) -> None:
    if imported:
        assert download() == "downloaded"
    with (
        pytest.raises(FileNotFoundError, match="not in the cache"),
        guarded_network(tmp_path / "repo", "net()") as guard,
    ):
        download()
    assert [(one.target, one.place) for one in guard.attempts] == [(URL, "net.py:3")]
    assert download() == "downloaded"


def test_the_users_own_offline_mode_stays(
    tmp_path: Path, download: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError), guarded_network(tmp_path, "net()"):
        download()
    with pytest.raises(FileNotFoundError):
        download()


def test_a_policy_that_allows_everything_leaves_clients_online(
    tmp_path: Path, download: Callable[[], str]
) -> None:
    with guarded_network(tmp_path, "net()", policy=Policy(everything=True)):
        assert download() == "downloaded"
