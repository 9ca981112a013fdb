"""Pickles name the repo and the commit, so they load wherever hubkit and the repo can be had."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

import hubkit
from tests.git_host import commit_files, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost
    from tests.runtime.conftest import MakeRepo

FILES = {
    "hubconf.py": "dependencies = []\nfrom models.net import Net\ndef net(): return Net()\n",
    "models/__init__.py": "",
    "models/net.py": "class Net:\n    def say(self): return 'net'\n",
}
SAY = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).say())"


@pytest.fixture
def worktree(git_host: GitHost, tmp_path: Path) -> Path:
    """The work tree of ``acme/my-net``; its first commit is not the tip of anything any more."""
    folder = tmp_path / "work"
    commit_files(folder, FILES)
    git_host.add_repo("acme", "my-net", folder)
    return folder


@pytest.fixture
def net(worktree: Path) -> tuple[str, bytes]:
    """The commit of a pickled model, and the pickle."""
    sha = git("rev-parse", "HEAD", cwd=worktree).strip()
    return sha, pickle.dumps(hubkit.load("acme/my-net", "net", trust_repo=True))


def publish_more(host: GitHost, worktree: Path) -> None:
    for number in range(2):
        commit_files(worktree, {"models/net.py": f"class Net: number = {number}\n"})
    host.add_repo("acme", "my-net", worktree)


def elsewhere(
    content: bytes, home: Path, program: str = SAY, **env: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that reads a pickle, as another user."""
    clean = {name: value for name, value in os.environ.items() if name != "HUBKIT_LOADED"}
    return subprocess.run(
        [sys.executable, "-c", program],
        input=content,
        capture_output=True,
        check=False,
        env={**clean, "HOME": str(home), "TORCH_HOME": str(home / "torch"), **env},
        cwd=os.sep,
    )


def test_the_name_of_a_module_names_repo_and_commit(net: tuple[str, bytes]) -> None:
    sha, content = net
    name = type(pickle.loads(content)).__module__
    assert name == f"hubkit.repos.github_com__acme__my_net__{sha[:12]}.models.net"


def test_a_trusted_repo_is_fetched_for_a_pickle(
    git_host: GitHost, worktree: Path, net: tuple[str, bytes], tmp_path: Path
) -> None:
    publish_more(git_host, worktree)
    home = tmp_path / "you"
    before = len(git_host.requests)
    done = elsewhere(net[1], home)
    assert b"acme/my-net at " in done.stderr
    assert b"hubkit trust add acme/my-net" in done.stderr
    done = elsewhere(net[1], home, HUBKIT_TRUST="acme/*", HUBKIT_OFFLINE="1")
    assert b"OfflineError" in done.stderr
    assert len(git_host.requests) == before
    done = elsewhere(net[1], home, HUBKIT_TRUST="acme/*")
    assert done.stdout.strip() == b"net", done.stderr
    after = len(git_host.requests)
    done = elsewhere(net[1], home, HUBKIT_TRUST="acme/*", HUBKIT_OFFLINE="1")
    assert done.stdout.strip() == b"net", done.stderr
    assert len(git_host.requests) == after


@pytest.mark.usefixtures("hub_dir")
def test_a_repo_that_git_fetches_too(tmp_path: Path) -> None:
    worktree = tmp_path / "wörk"
    commit_files(worktree, FILES)
    content = pickle.dumps(hubkit.load(f"git+{worktree.as_uri()}", "net", trust_repo=True))
    for number in range(2):
        commit_files(worktree, {"models/net.py": f"number = {number}\n"})
    done = elsewhere(content, tmp_path / "you", HUBKIT_TRUST="*")
    assert done.stdout.strip() == b"net", done.stderr


def test_a_branch_is_not_taken_for_the_commit(
    git_host: GitHost, worktree: Path, net: tuple[str, bytes], tmp_path: Path
) -> None:
    publish_more(git_host, worktree)
    git("branch", net[0][:12], cwd=worktree)
    git_host.add_repo("acme", "my-net", worktree)
    done = elsewhere(net[1], tmp_path / "you", HUBKIT_TRUST="acme/*")
    assert b"is not the commit" in done.stderr
    assert not list((tmp_path / "you").rglob("hubconf.py"))


def test_a_lock_file_holds_for_pickles(
    worktree: Path, net: tuple[str, bytes], tmp_path: Path
) -> None:
    assert worktree.exists()
    lock = tmp_path / "hubkit.lock"
    for pins, error in (
        ({}, b"LockfileError"),
        ({"acme/my-net": {"sha": net[0], "digest": f"sha256:{'0' * 64}"}}, b"HashMismatchError"),
    ):
        lock.write_text(json.dumps({"version": 1, "repos": pins, "checkpoints": {}}))
        done = elsewhere(net[1], tmp_path / "you", HUBKIT_TRUST="acme/*", HUBKIT_LOCKFILE=str(lock))
        assert error in done.stderr


def test_without_hubkit_the_error_names_it(net: tuple[str, bytes]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SAY],
        input=net[1], capture_output=True, check=False, cwd=os.sep,
    )  # fmt: skip
    assert b"No module named 'hubkit'" in done.stderr


def test_names_that_spelled_paths_find_their_commit(net: tuple[str, bytes], hub_dir: Path) -> None:
    sha, content = net
    old = f"_Shome_Sme_S_Dhubkit_Srepos_Sgithub_Dcom_Sacme_Smy_Hnet_S{sha}"
    new = f"github_com__acme__my_net__{sha[:12]}"
    content = pickle.dumps(pickle.loads(content), 0).replace(new.encode(), old.encode())
    assert old.encode() in content
    env = {"HUBKIT_TRUST": "acme/*", "TORCH_HOME": str(hub_dir.parent)}
    done = elsewhere(content, hub_dir, **env)
    assert done.stdout.strip() == b"net", done.stderr
    for name in (old, "_Shome_Sme_Snet"):
        lost = content.replace(old.encode(), name.encode())
        done = elsewhere(lost, hub_dir / "none", HUBKIT_TRUST="acme/*")
        assert b"older version of hubkit" in done.stderr


def test_a_loaded_repo_and_its_pickles_have_the_same_classes(
    net: tuple[str, bytes], hub_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(hub_dir.parent)
    program = (
        "import hubkit, pickle, sys; first = pickle.loads(sys.stdin.buffer.read());"
        " print(type(first) is type(hubkit.load('acme/my-net', 'net')))"
    )
    env = {"HUBKIT_TRUST": "acme/*", "HUBKIT_OFFLINE": "1"}
    for home in (hub_dir.parent, tmp_path / "link"):
        done = elsewhere(net[1], tmp_path, program, TORCH_HOME=str(home), **env)
        assert done.stdout.strip() == b"True", done.stderr


@pytest.mark.torch
def test_a_whole_model_loads_in_another_home(
    git_host: GitHost, tmp_path: Path, hub_dir: Path
) -> None:
    import torch

    assert not hub_dir.exists()
    files = {**FILES, "models/net.py": "import torch\nclass Net(torch.nn.Linear):\n    def __init__(self): super().__init__(2, 1)\n"}  # fmt: skip
    commit_files(tmp_path / "work", files)
    git_host.add_repo("acme", "torch_net", tmp_path / "work")
    torch.save(hubkit.load("acme/torch_net", "net", trust_repo=True), tmp_path / "net.pt")
    from tests.warm import run_python

    program = f"import torch; print(torch.load({str(tmp_path / 'net.pt')!r}, weights_only=False))"
    clean = {name: value for name, value in os.environ.items() if name != "HUBKIT_LOADED"}
    home = {"HOME": str(tmp_path / "you"), "TORCH_HOME": str(tmp_path / "you")}
    done = run_python("-c", program, env={**clean, **home, "HUBKIT_TRUST": "acme/*"})
    assert done.stdout.startswith("Net("), done.stderr


# Modules that are not at the root of the repo


LAYOUTS = {
    "removed again": (
        "import sys as _sys\nfrom pathlib import Path as _Path\n"
        "_PATH = str(_Path(__file__).parent / 'src')\n_sys.path.insert(0, _PATH)\n"
        "try:\n    from nets.model import Net as _Net\nfinally:\n    _sys.path.remove(_PATH)\n"
        "def net(): return _Net()\n"
    ),
    "left there": (
        "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), 'src'))\n"
        "from nets.model import Net\ndef net(): return Net()\n"
    ),
    "in the entrypoint": (
        "import os, sys\ndef net():\n"
        "    sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'src'))\n"
        "    from nets.model import Net\n    return Net()\n"
    ),
}  # fmt: skip
SOURCES = {
    "src/nets/__init__.py": "",
    "src/nets/model.py": "import names\nclass Net:\n    def say(self): return names.NAME\n",
    "src/names.py": "NAME = 'net'\n",
    "names.py": "NAME = 'of the root'\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_workers_find_modules_wherever_the_hubconf_does(make_repo: MakeRepo, layout: str) -> None:
    root = make_repo("repo", {"hubconf.py": LAYOUTS[layout], **SOURCES})
    net = hubkit.load(str(root), "net", source="local")
    said = net.say()
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(_say, (net,)) == said


def _say(net: object) -> object:
    return net.say()  # type: ignore[attr-defined]


def test_programs_find_modules_where_the_hubconf_does(git_host: GitHost, tmp_path: Path) -> None:
    commit_files(tmp_path / "work", {"hubconf.py": LAYOUTS["removed again"], **SOURCES})
    git_host.add_repo("acme", "src", tmp_path / "work")
    net = hubkit.load("acme/src", "net", trust_repo=True)
    done = elsewhere(pickle.dumps(net), tmp_path / "you", HUBKIT_TRUST="acme/*")
    assert done.stdout.decode().strip() == net.say(), done.stderr


def test_a_folder_that_was_edited_since_is_used_for_its_pickles(make_repo: MakeRepo) -> None:
    root = make_repo("one/net", FILES)
    content = pickle.dumps(hubkit.load(str(root), "net", source="local"))
    program = f"import hubkit; hubkit.load({str(root)!r}, 'net', source='local')\n{SAY}"
    assert elsewhere(content, root, program).stdout.strip() == b"net"
    assert b"folder 'net', which is not loaded" in elsewhere(content, root).stderr
    (root / "hubconf.py").write_text(f"{FILES['hubconf.py']}# edited\n")
    done = elsewhere(content, root, program)
    assert done.stdout.strip() == b"net", done.stderr
    assert b"another version" in done.stderr
