"""A repo's code lives as long as what was made with it, here and in other processes."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from threading import Barrier
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from hubkit.facts import RepoRef
from hubkit.runtime import CodePolicy, import_hubconf
from hubkit.runtime.namespace import name_folder, name_repo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

FILES = {
    "hubconf.py": """
        import importlib
        from models.net import Net
        class Local:
            def say(self):
                from models.late import NAME
                return NAME
        def net():
            return Net()
        def local():
            return Local()
    """,
    "models/__init__.py": "",
    "models/net.py": """
        import utils
        class Net:
            def say(self):
                import importlib
                from models.late import NAME
                later = importlib.import_module("models.later")
                return utils.NAME, NAME, later.NAME
    """,
}
SAY = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).say())"


def repo(make_repo: MakeRepo, name: str) -> Path:
    named = dict.fromkeys(("utils.py", "models/late.py", "models/later.py"), f"NAME = {name!r}")
    return make_repo(name, {**FILES, **named})


def test_repos_of_the_same_shape_live_in_one_process(make_repo: MakeRepo) -> None:
    """With torch.hub the second one would get the first one's code."""
    mine = sys.modules.setdefault("utils", ModuleType("utils"))
    before, path = dict(sys.modules), list(sys.path)
    nets = {name: import_hubconf(repo(make_repo, name)).call("net") for name in ("a", "b", "a2")}
    assert {name: net.say() for name, net in nets.items()} == {name: (name,) * 3 for name in nets}
    # What loads need of the standard library may come in.
    standard = sys.stdlib_module_names
    names = [name for name in sys.modules if "." not in name and name not in standard]
    after = {name: sys.modules[name] for name in names}
    assert sys.modules["utils"] is mine
    assert after.items() <= before.items()
    assert sys.path == path
    del sys.modules["utils"]


def test_threads_never_see_each_others_repo(make_repo: MakeRepo) -> None:
    roots = {str(number): repo(make_repo, str(number)) for number in range(8)}
    together = Barrier(len(roots))

    def load(name: str) -> tuple[object, ...]:
        together.wait()
        first = import_hubconf(roots[name]).call("net").say()
        return (*first, *import_hubconf(roots[name]).call("net").say())

    path = list(sys.path)
    with ThreadPoolExecutor(len(roots)) as pool:
        said = dict(zip(roots, pool.map(load, roots), strict=True))
    assert said == {name: (name,) * 6 for name in roots}
    assert sys.path == path


def test_modules_may_come_while_modules_are_looked_at(make_repo: MakeRepo) -> None:
    """Other threads import meanwhile, and so does what runs when garbage is collected."""
    net = import_hubconf(repo(make_repo, "first")).call("net")
    made: list[str] = []

    def add_module(*_: object) -> None:
        made.append(f"module_{len(made)}_of_another_thread")
        sys.modules[made[-1]] = ModuleType(made[-1])

    thresholds = gc.get_threshold()
    gc.callbacks.append(add_module)
    gc.set_threshold(1)
    try:
        other = import_hubconf(repo(make_repo, "second")).call("net")
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(add_module)
        for name in made:
            del sys.modules[name]
    assert made
    assert (net.say(), other.say()) == (("first",) * 3, ("second",) * 3)


def test_threads_that_load_the_same_repo_get_the_same_code(make_repo: MakeRepo) -> None:
    slow = "import time\ntime.sleep(0.01)\n"
    root = make_repo(
        "repo", {"hubconf.py": slow + "import part\nclass Net: pass\n", "part.py": slow}
    )
    together = Barrier(8)

    def load(_: int) -> object:
        together.wait()
        return import_hubconf(root).entrypoint("Net")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(load, range(8)))) == 1


def test_folders_put_on_the_path_by_threads_stay_with_their_repos(make_repo: MakeRepo) -> None:
    hubconf = """
        import os, sys
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "src"))
        import part
        def net():
            import late
            return part.NAME, late.NAME
    """
    roots = [
        make_repo(
            str(number),
            {
                "hubconf.py": hubconf,
                "src/part.py": f"NAME = {number}",
                "src/late.py": f"NAME = {number}",
            },
        )
        for number in range(8)
    ]
    together = Barrier(8)

    def load(root: Path) -> object:
        together.wait()
        return import_hubconf(root).call("net")

    path = list(sys.path)
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(load, roots)] == [(number, number) for number in range(8)]
    assert sys.path == path


@pytest.mark.parametrize("entrypoint", ["net", "local"])
def test_objects_pickle_to_a_program_that_has_hubkit(make_repo: MakeRepo, entrypoint: str) -> None:
    net = import_hubconf(repo(make_repo, "a")).call(entrypoint)
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        input=pickle.dumps(net),
        capture_output=True,
        check=True,
        cwd=os.sep,
    )
    assert done.stdout.decode().strip() == str(net.say())


def test_objects_reach_a_spawned_worker_and_come_back(make_repo: MakeRepo) -> None:
    nets = [import_hubconf(repo(make_repo, name)).call("net") for name in ("a", "b")]
    with get_context("spawn").Pool(1) as pool:
        assert pool.map(copy.copy, nets)[1].say() == ("b",) * 3
        assert [type(net) for net in pool.map(copy.deepcopy, nets)] == [type(net) for net in nets]


def test_a_pickle_finds_a_tree_of_the_hub_dir_after_that_has_moved(
    make_repo: MakeRepo, tmp_path: Path, hub_dir: Path
) -> None:
    tree = hub_dir / ".hubkit" / "repos" / "github.com" / "acme" / "net" / ("a" * 40)
    tree.parent.mkdir(parents=True)
    repo(make_repo, "a").rename(tree)
    policy = CodePolicy(is_fixed=True, package=name_repo(RepoRef("acme", "net"), tree.name))
    net = pickle.dumps(import_hubconf(tree, policy=policy).call("net"))
    moved = tmp_path / "elsewhere"
    (tmp_path / "torch").rename(moved)
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        input=net,
        capture_output=True,
        check=True,
        env={**os.environ, "TORCH_HOME": str(moved)},
    )
    assert done.stdout.decode().strip() == "('a', 'a', 'a')"


def test_a_pickle_of_a_tree_that_is_gone_says_so(make_repo: MakeRepo) -> None:
    root = repo(make_repo, "a")
    net = pickle.dumps(import_hubconf(root).call("net"))
    root.rename(root.with_name("gone"))
    done = subprocess.run([sys.executable, "-c", SAY], input=net, capture_output=True, check=False)
    assert f"There is no hub repo at {root}" in done.stderr.decode()


def test_changed_files_are_run_again_and_old_objects_keep_their_code(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "from part import Net", "part.py": "class Net: N = 1"})
    old = import_hubconf(root).call("Net")
    assert import_hubconf(root).entrypoint("Net") is type(old)
    (root / "part.py").write_text("class Net: N = 22")
    new = import_hubconf(root).call("Net")
    assert (old.N, new.N) == (1, 22)
    assert import_hubconf(root).entrypoint("Net") is type(new)
    assert pickle.loads(pickle.dumps(old)).N == 1
    assert pickle.loads(pickle.dumps(new)).N == 22


def test_a_copied_tree_is_another_repo(make_repo: MakeRepo) -> None:
    first = import_hubconf(repo(make_repo, "a"))
    second = import_hubconf(repo(make_repo, "b"))
    assert first.entrypoint("Local") is not second.entrypoint("Local")


def test_a_link_to_a_tree_is_the_same_repo(make_repo: MakeRepo, tmp_path: Path) -> None:
    root = repo(make_repo, "a")
    link = tmp_path / "link"
    link.symlink_to(root, target_is_directory=True)
    assert import_hubconf(link).module is import_hubconf(root).module


@pytest.mark.parametrize("name", ["with space", "ünïcode", "_x__S", "a.b-c+d", "1"])
def test_any_folder_name_works(make_repo: MakeRepo, name: str) -> None:
    net = import_hubconf(repo(make_repo, name)).call("net")
    assert net.say() == (name,) * 3
    assert all(part.isidentifier() for part in type(net).__module__.split("."))
    assert pickle.loads(pickle.dumps(net)).say() == (name,) * 3


CANARY = "__import__('pathlib').Path(CANARY).touch()\ndef net(): pass\n"


def import_by_name(package: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Import a repo's hubconf by the name that it has in pickles, in a program of its own."""
    clean = {name: value for name, value in os.environ.items() if name != "HUBKIT_LOADED"}
    return subprocess.run(
        [sys.executable, "-c", f"import hubkit.repos.{package}.hubconf"],
        capture_output=True,
        text=True,
        check=False,
        env={**clean, **env},
    )


def test_the_name_of_a_folder_runs_nothing_by_itself(make_repo: MakeRepo, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    root = make_repo("repo", {"hubconf.py": CANARY.replace("CANARY", repr(str(canary)))})
    name = name_folder(root)
    package = f"hubkit.repos.{name}"
    done = import_by_name(name)
    assert "UntrustedRepoError" in done.stderr
    assert not canary.exists()
    loaded = json.dumps({package: {"root": str(root)}})
    assert import_by_name(name, HUBKIT_LOADED=loaded).returncode == 0
    assert canary.exists()
    for damaged in ("{", "3", "[3]", json.dumps({package: 3})):
        assert "UntrustedRepoError" in import_by_name(name, HUBKIT_LOADED=damaged).stderr


def test_the_name_of_a_repo_runs_it_when_it_is_trusted_and_as_locked(
    make_repo: MakeRepo, tmp_path: Path, hub_dir: Path
) -> None:
    canary, sha = tmp_path / "canary", "a" * 40
    tree = hub_dir / ".hubkit" / "repos" / "github.com" / "acme" / "net" / sha
    tree.parent.mkdir(parents=True)
    root = make_repo("repo", {"hubconf.py": CANARY.replace("CANARY", repr(str(canary)))})
    root.rename(tree)
    name = name_repo(RepoRef("acme", "net"), sha)
    for trusted in ("", "acme/other", "other/net"):
        assert "UntrustedRepoError" in import_by_name(name, HUBKIT_TRUST=trusted).stderr
    locked = tmp_path / "hubkit.lock"
    for pins, error in (
        ({}, "LockfileError"),
        ({"acme/net:v1": {"sha": sha, "digest": f"sha256:{'0' * 64}"}}, "HashMismatchError"),
    ):
        locked.write_text(json.dumps({"version": 1, "repos": pins, "checkpoints": {}}))
        done = import_by_name(name, HUBKIT_TRUST="acme/net", HUBKIT_LOCKFILE=str(locked))
        assert error in done.stderr
    assert not canary.exists()
    assert import_by_name(name, HUBKIT_TRUST="acme/net").returncode == 0
    assert canary.exists()


@pytest.mark.parametrize("owner", ["..", "../..", ".", "a\0b", "a/../../x"])
def test_a_name_that_leads_out_of_the_hub_dir_is_not_there(
    hub_dir: Path, tmp_path: Path, owner: str
) -> None:
    canary = tmp_path / "canary"
    out = hub_dir / ".hubkit" / "repos" / "github.com" / ".." / ".." / "out" / ("a" * 40)
    out.mkdir(parents=True)
    (out / "hubconf.py").write_text(CANARY.replace("CANARY", repr(str(canary))))
    name = name_repo(RepoRef(owner, "out"), out.name)
    done = import_by_name(name, HUBKIT_TRUST="*", HUBKIT_OFFLINE="1")
    assert "is not the name of a hub repo" in done.stderr
    assert not canary.exists()
