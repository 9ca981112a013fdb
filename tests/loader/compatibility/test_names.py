"""Names of torch.hub that it does not document, and that libraries import from it all the same."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from hubkit.errors import OfflineError
from tests.git_host import commit_files
from tests.loader.compatibility.conftest import load

if TYPE_CHECKING:
    from tests.git_host import GitHost

pytestmark = pytest.mark.torch

NOT_ITS_OWN = {"Any", "Path", "deprecated", "_hub_dir"}  # the last one is a variable


def test_every_name_of_torch_hub_is_there() -> None:
    import torch.hub

    names = {
        name
        for name, value in vars(torch.hub).items()
        if not name.startswith("__") and not isinstance(value, ModuleType)
    }
    missing = [name for name in names - NOT_ITS_OWN if not hasattr(hubkit, name)]
    assert missing == []
    assert not names & set(hubkit.__all__) - set(torch.hub.__all__)


def test_what_libraries_do_with_them(hub: Any, hub_dir: Path) -> None:
    assert hub.HASH_REGEX.search("resnet18-bfd8deac.pth").group(1) == "bfd8deac"
    assert hub.urlparse("https://example.org/a/net.pt").path == "/a/net.pt"
    assert hub._get_torch_home() == str(hub_dir.parent)
    assert hub.MODULE_HUBCONF == "hubconf.py"
    with hub.tqdm(total=1, disable=True) as bar:
        bar.update(1)


def test_where_they_are_imported_from(hub: Any) -> None:
    done: dict[str, Any] = {}
    exec(f"from {hub.__name__} import _get_torch_home as get_dir, load, urlparse, tqdm", done)
    assert {"get_dir", "load", "urlparse", "tqdm"} < {*done}


@pytest.mark.usefixtures("host")
def test_a_ref_is_read_and_a_default_branch_asked_for(
    hub: Any, git_host: GitHost, tmp_path: Path
) -> None:
    commit_files(tmp_path / "old", {"hubconf.py": ""}, branch="master")
    git_host.add_repo("acme", "old", tmp_path / "old")
    git_host.forget_requests()
    assert hub._parse_repo_info("a/b:c") == ("a", "b", "c")
    assert git_host.requests == []
    assert hub._parse_repo_info("acme/shapes") == ("acme", "shapes", "main")
    assert hub._parse_repo_info("acme/old") == ("acme", "old", "master")


def test_without_a_network_the_default_branch_is_the_cached_one(hub: Any, host: GitHost) -> None:
    load(hub, "acme/shapes")
    host.stop()
    assert hub._parse_repo_info("acme/shapes") == ("acme", "shapes", "main")
    for call in (hub._parse_repo_info, functools.partial(load, hub)):
        with pytest.raises(RuntimeError):
            call("acme/other")


@pytest.mark.usefixtures("host")
def test_the_folder_of_a_repo_can_be_worked_in(hub: Any, hub_dir: Path) -> None:
    folder = hub._get_cache_or_reload("acme/shapes:feature/x", False, True, verbose=False)
    assert folder == str(hub_dir / "acme_shapes_feature_x")
    assert hub.load(folder, "net", source="local")[0] == "feature/x"
    Path(folder, "hubconf.py").write_text("def net(): return 'mine'\n")
    again = hub._get_cache_or_reload("acme/shapes:feature/x", force_reload=False, trust_repo=True)
    assert again == folder
    assert hub.load(folder, "net", source="local") == "mine"
    fresh = hub._get_cache_or_reload("acme/shapes:feature/x", True, True, True, False)
    assert hub.load(fresh, "net", source="local")[0] == "feature/x"


def test_code_for_older_versions_of_torch_may_say_who_calls(
    host: GitHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"force_reload": False, "trust_repo": True, "calling_fn": "load"}
    folder = hubkit._get_cache_or_reload("acme/shapes", **options)  # type: ignore[operator]
    assert Path(folder).name == "acme_shapes_main"
    assert host.requests
    monkeypatch.setenv("HUBKIT_OFFLINE", "1")
    with pytest.raises(OfflineError):
        hubkit._parse_repo_info("acme/other")  # type: ignore[operator]


def test_without_torch_its_names_are_an_error_that_says_so() -> None:
    code = "import sys; sys.modules['torch'] = None; import hubkit; hubkit.HASH_REGEX"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "hubkit.errors.MissingExtraError: hubkit.HASH_REGEX is torch.hub's, and needs torch"
        in done.stderr
    )
