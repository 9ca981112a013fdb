"""torch.hub and hubkit in one hub dir: what one fetched, the other reloads, and people remove or edit."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from tests.git_host import commit_files
from tests.loader.compatibility.conftest import HUBCONF, load
from tests.warm import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.git_host import GitHost

pytestmark = pytest.mark.torch


def reload(other: Any, folder: Path) -> None:
    load(other, "acme/shapes:main", force_reload=True)
    assert folder.is_dir()


def remove(other: Any, folder: Path) -> None:
    shutil.rmtree(folder)
    load(other, "acme/shapes:main")


@pytest.mark.parametrize("change", [reload, remove])
@pytest.mark.parametrize("mixed", [False, True])
def test_what_one_fetches_again_the_other_sees(
    hub: Any,
    host: GitHost,
    worktree: Path,
    hub_dir: Path,
    change: Callable[[Any, Path], None],
    mixed: bool,
) -> None:
    assert load(hub, "acme/shapes:main")[0] == "two"
    commit_files(worktree, {"hubconf.py": HUBCONF.replace("return _version", "return 'three'")})
    host.add_repo("acme", "shapes", worktree)
    import torch.hub

    other = hub if not mixed else torch.hub if hub is hubkit else hubkit
    change(other, hub_dir / "acme_shapes_main")
    for one in (other, hub, other):
        assert load(one, "acme/shapes:main")[0] == "three"
    reload(hub, hub_dir / "acme_shapes_main")
    assert load(other, "acme/shapes:main")[0] == "three"


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("in_place", [False, True])
def test_torch_hub_runs_a_folder_as_it_was_edited_and_hubkit_what_it_verified(
    hub: Any, hub_dir: Path, in_place: bool
) -> None:
    import torch.hub

    load(hub, "acme/shapes:main")
    path = hub_dir / "acme_shapes_main" / "hubconf.py"
    if not in_place:
        path.unlink()
    path.write_text(HUBCONF.replace("return _version", "return 'mine'"))
    assert load(torch.hub, "acme/shapes:main")[0] == "mine"
    # A folder that torch.hub made is all that hubkit knows of the repo.
    assert load(hubkit, "acme/shapes:main")[0] == ("two" if hub is hubkit else "mine")
    for one in (torch.hub, hubkit):
        load(one, "acme/shapes:main", force_reload=True)
        assert load(one, "acme/shapes:main")[0] == "two"


RACE = """
import os, sys, traceback, urllib.request
import torch.hub
import hubkit

def there(url):
    url = url.replace("https://api.github.com/", sys.argv[1] + "/api/")
    return url.replace("https://github.com/", sys.argv[1] + "/")

def urlopen(what):
    return urllib.request.urlopen(there(what if isinstance(what, str) else what.full_url))

def run(hub, reload):
    for turn in range(6):
        options = dict(trust_repo=True, verbose=False, force_reload=reload)
        assert hub.load("acme/shapes:main", "net", **options)[0] == "two"

torch.hub.urlopen = urlopen
starts, go = os.pipe()
children = []
for hub, reload in ((torch.hub, True), (hubkit, False), (hubkit, False), (hubkit, False)):
    child = os.fork()
    if not child:
        os.close(go)
        os.read(starts, 1)
        try:
            run(hub, reload)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
os.close(go)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("first", ["hubkit", "nobody"])
def test_torch_hub_reloads_while_others_load(host: GitHost, hub_dir: Path, first: str) -> None:
    if first == "hubkit":
        load(hubkit, "acme/shapes:main")
    run_python("-c", RACE, host.url, check=True)
    assert (hub_dir / "acme_shapes_main" / "hubconf.py").is_file()


GOOD = "dependencies = []\n\n\ndef net():\n    return 'good'\n"
# What torch.hub does to its folder, between the import of hubconf.py and that of a module.
REPLACED = """
import os
import shutil

shutil.rmtree({folder!r})
{then}
from parts import missing
"""
BROKEN = """
with open({log!r}, "a") as log:
    log.write("imported")
from parts import missing
"""


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("then", ["os.rename({new!r}, {folder!r})", ""])
def test_a_folder_that_torch_hub_replaces_meanwhile_is_loaded_again(
    hub_dir: Path, tmp_path: Path, then: str
) -> None:
    folder, new = hub_dir / "acme_shapes_main", tmp_path / "new"
    for path in (folder, new):
        path.mkdir(parents=True)
    (new / "hubconf.py").write_text(GOOD)
    places = {"folder": str(folder), "new": str(new)}
    text = REPLACED.format(then=then.format(**places), **places)
    (folder / "hubconf.py").write_text(text)
    if "rename" in then:
        assert hubkit.load("acme/shapes:main", "net") == "good"
    else:  # nothing is put in its place, so hubkit fetches the repo
        assert hubkit.load("acme/shapes:main", "net", trust_repo=True)[0] == "two"


def test_a_folder_that_stays_broken_is_imported_once(hub_dir: Path, tmp_path: Path) -> None:
    folder, log = hub_dir / "acme_shapes_main", tmp_path / "log"
    folder.mkdir(parents=True)
    text = BROKEN.format(log=str(log))
    (folder / "hubconf.py").write_text(text)
    for path in (folder / "hubconf.py", folder):
        os.utime(path, (1e9, 1e9))
    with pytest.raises(ModuleNotFoundError):
        hubkit.load("acme/shapes:main", "net")
    assert log.read_text() == "imported"


# torch.hub has removed hubconf.py and is not done: the rest happens when hubkit looks whether it is.
HALF_REMOVED = """
import os
import shutil
import sys

import hubkit

folder, new = sys.argv[1:]


def finish(event, args):
    if event == "os.scandir" and str(args[0]) == folder and os.path.isdir(new):
        shutil.move(folder, folder + ".old")
        shutil.move(new, folder)


sys.addaudithook(finish)
print(hubkit.list("acme/shapes:main"))
"""


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("ends", [True, False])
def test_a_folder_that_is_being_removed_is_waited_for(
    hub_dir: Path, tmp_path: Path, ends: bool
) -> None:
    folder, new = hub_dir / "acme_shapes_main", tmp_path / "new"
    (folder / "parts").mkdir(parents=True)
    if ends:
        new.mkdir()
        (new / "hubconf.py").write_text(GOOD)
    done = run_python("-c", HALF_REMOVED, str(folder), str(new))
    if ends:
        assert done.stdout == "['net']\n", done.stderr
    else:
        assert "There is no hubconf.py in the copy of acme/shapes:main" in done.stderr
