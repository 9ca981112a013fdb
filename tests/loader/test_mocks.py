"""Programs that replace functions of torch.hub, as tests do with ``mock.patch``, while hubkit takes its calls."""

from __future__ import annotations

import functools
import io
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

import hubkit
from hubkit.errors import HubkitError
from tests.git_host import commit_files
from tests.warm import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.git_host import GitHost

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("progress_shown")]

HUBCONF = """
from torch.hub import load_state_dict_from_url as early
import torch

def by_name(url): return early(url)
def by_attribute(url): return torch.hub.load_state_dict_from_url(url)
def late(url):
    from torch.hub import load_state_dict_from_url
    return load_state_dict_from_url(url)
"""
WAYS = ("by_name", "by_attribute", "late")
URL = "https://127.0.0.1:1/no-such-host/net.pt"


@pytest.fixture
def installed(hub_dir: Path) -> Iterator[Any]:
    """torch.hub, redirected, and a hub dir that does not exist yet."""
    import torch.hub

    assert not hub_dir.exists()
    hubkit.install_as_torch_hub()
    yield torch.hub
    hubkit.uninstall_as_torch_hub()


@pytest.fixture
def repo(tmp_path: Path) -> str:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "hubconf.py").write_text(HUBCONF)
    return str(tmp_path / "repo")


def checkpoint() -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save({"w": torch.ones(2)}, stream)
    return stream.getvalue()


def load(repo: str, way: str) -> Any:
    return hubkit.load(repo, way, URL, source="local")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("is_loaded_before", [False, True])
@pytest.mark.parametrize("spec", [{}, {"autospec": True}], ids=["plain", "autospec"])
def test_a_repo_gets_a_replaced_function_for_as_long_as_it_is_replaced(
    repo: str, monkeypatch: pytest.MonkeyPatch, is_loaded_before: bool, spec: dict[str, Any]
) -> None:
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    if is_loaded_before:
        with pytest.raises(HubkitError):
            load(repo, "by_name")
    with mock.patch("torch.hub.load_state_dict_from_url", **spec) as replaced:
        replaced.return_value = "mocked"
        assert [load(repo, way) for way in WAYS] == ["mocked"] * 3
    for way in WAYS:
        with pytest.raises(HubkitError, match="HUBKIT_OFFLINE"):
            load(repo, way)
    assert replaced.call_count == 3


def test_a_repo_that_replaces_a_function_itself_calls_it_once(installed: Any, repo: str) -> None:
    Path(repo, "hubconf.py").write_text(
        "import torch\nown, calls = torch.hub.get_dir, []\n"
        "def mine():\n    calls.append(1)\n    return own()\n"
        "def net():\n    torch.hub.get_dir = mine\n    try:\n        torch.hub.get_dir()\n"
        "    finally:\n        torch.hub.get_dir = own\n    return len(calls)\n"
    )
    assert installed.load(repo, "net", source="local") == 1


def test_a_replaced_download_is_what_loads_weights(installed: Any, hub_dir: Path) -> None:
    def download(url: str, dst: str, *_: object, **__: object) -> None:
        assert url == URL
        Path(dst).write_bytes(checkpoint())

    with mock.patch("torch.hub.download_url_to_file", download):
        assert installed.load_state_dict_from_url(URL)["w"].tolist() == [1, 1]
    assert (hub_dir / "checkpoints" / "net.pt").is_file()


class Response(io.BytesIO):
    def info(self) -> Any:
        return mock.Mock(spec=["get_all"], get_all=lambda _: [str(len(self.getvalue()))])


@pytest.mark.parametrize("function", ["load_state_dict_from_url", "download_url_to_file"])
def test_a_replaced_urlopen_is_what_is_opened(
    installed: Any, tmp_path: Path, function: str
) -> None:
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    file = tmp_path / "torch" / "hub" / "checkpoints" / "net.pt"
    respond: dict[str, Any] = {"autospec": True, "side_effect": lambda _: Response(checkpoint())}
    with mock.patch("torch.hub.urlopen", **respond) as opened:
        if function == "download_url_to_file":
            installed.download_url_to_file(URL, str(file), progress=False)
        else:
            installed.load_state_dict_from_url(URL, progress=False)
    assert opened.call_count == 1
    assert file.read_bytes() == checkpoint()


def test_a_replaced_bar_shows_the_progress(
    installed: Any, git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.bin", b"x" * 1000)
    with mock.patch("torch.hub.tqdm") as bar:
        installed.download_url_to_file(url, str(tmp_path / "net.bin"))
    assert bar.return_value.__enter__.return_value.update.call_args_list == [mock.call(1000)]


@pytest.mark.parametrize("how", ["value", "wraps", "autospec", "calls hubkit"])
def test_a_replaced_get_dir_is_the_hub_dir_of_both(
    installed: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path, how: str
) -> None:
    url = git_host.add_file("/net.pt", checkpoint())
    there = str(tmp_path / "there")
    options: dict[str, dict[str, Any]] = {
        "value": {"return_value": there},
        "wraps": {"wraps": installed.get_dir},
        "autospec": {"autospec": True, "return_value": there},
        "calls hubkit": {"side_effect": hubkit.get_dir},
    }
    expected = Path(there) if "return_value" in options[how] else hub_dir
    with mock.patch("torch.hub.get_dir", **options[how]):
        assert hubkit.get_dir() == installed.get_dir() == str(expected)
        installed.load_state_dict_from_url(url, progress=False)
    assert (expected / "checkpoints" / "net.pt").is_file()
    assert hubkit.get_dir() == installed.get_dir() == str(hub_dir)


@pytest.mark.parametrize("setting", ["HUBKIT_OFFLINE", "HUBKIT_LOCKFILE"])
def test_a_replacement_opens_no_way_around_a_lock_file_or_to_the_network(
    git_host: GitHost, hub_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A repo may replace the bar for good."""
    import torch.hub

    url = git_host.add_file("/net.pt", checkpoint())
    (tmp_path / "hubkit.lock").write_text('{"version": 1, "repos": {}, "checkpoints": {}}')
    value = {"HUBKIT_OFFLINE": "1"}.get(setting, str(tmp_path / "hubkit.lock"))
    monkeypatch.setenv(setting, value)
    with hubkit.as_torch_hub(), mock.patch("torch.hub.tqdm"), pytest.raises(HubkitError):
        torch.hub.load_state_dict_from_url(url, progress=False)
    with (
        hubkit.as_torch_hub(),
        mock.patch("torch.hub.urlopen", return_value=Response(checkpoint())),
        pytest.raises(HubkitError) if setting == "HUBKIT_LOCKFILE" else nullcontext(),
    ):
        torch.hub.load_state_dict_from_url(url, progress=False)
    assert git_host.requests == []
    assert hub_dir.exists() == (setting == "HUBKIT_OFFLINE")


def test_replaced_internals_are_what_loads_a_repo(installed: Any, repo: str) -> None:
    Path(repo, "hubconf.py").write_text("def net(): return 'net'\n")
    with mock.patch("torch.hub._get_cache_or_reload", return_value=repo):
        assert installed.load("acme/nowhere", "net", trust_repo=True) == "net"
        assert installed.list("acme/nowhere", trust_repo=True) == ["net"]


def test_programs_that_disable_validation_are_redirected(
    installed: Any, git_host: GitHost, hub_dir: Path, tmp_path: Path
) -> None:
    """The workaround for rate limits, which many programs contain."""
    commit_files(tmp_path / "rep", {"hubconf.py": "def net(): return __name__\n"})
    git_host.add_repo("acme", "rep", tmp_path / "rep")
    with mock.patch("torch.hub._validate_not_a_forked_repo"):
        name = installed.load("acme/rep", "net", trust_repo=True)
    assert name.startswith("hubkit.repos.")
    assert (hub_dir / ".hubkit").is_dir()


FIRST_USE = """
import functools, gc, sys
gc.unfreeze()  # the process that this one is a fork of froze its objects
from unittest import mock
import torch.hub, torch.utils.model_zoo

def fake(*args, **kwargs):
    return "fake"

mine, bound = fake, torch.hub.load_state_dict_from_url
partial = functools.partial(torch.hub.load_state_dict_from_url)
main = sys.modules["__main__"]
with mock.patch("torch.hub.load_state_dict_from_url", fake), mock.patch.object(main, "bound", fake):
    import hubkit
    hubkit.install_as_torch_hub()
    for way in ("by_name", "by_attribute", "late"):
        assert hubkit.load(sys.argv[1], way, "u", source="local") == "fake"
    assert torch.hub.load_state_dict_from_url("u") == bound("u") == "fake"
assert mine is fake and fake.__code__.co_name == "fake" and bound is torch.hub.load_state_dict_from_url
calls = [torch.hub.load_state_dict_from_url, torch.utils.model_zoo.load_url, bound, partial]
calls += [lambda url, way=way: hubkit.load(sys.argv[1], way, url, source="local") for way in ("by_name", "by_attribute", "late")]
for call in calls:
    try:
        call("http://127.0.0.1:1/net.pt")
    except hubkit.HubkitError:
        print("ours")
"""


def test_a_first_use_inside_a_patch_is_a_use_like_any_other(repo: str, hub_dir: Path) -> None:
    assert not hub_dir.exists()
    offline = {**os.environ, "HUBKIT_OFFLINE": "1"}
    assert run_python("-c", FIRST_USE, repo, check=True, env=offline).stdout.split() == ["ours"] * 7


def test_whoever_bound_a_function_calls_hubkit(installed: Any) -> None:
    """In modules and elsewhere: the object is the same."""
    library = sys.modules["hublike"] = ModuleType("hublike")
    exec("from torch.hub import load", vars(library))
    try:
        for call in (library.load, functools.partial(installed.load), installed.load):
            with pytest.raises(HubkitError, match="elsewhere"):
                call("acme/rep", "net", source="elsewhere")
    finally:
        del sys.modules["hublike"]
