"""What running a repo's code in its namespace costs, beside torch.hub and plain imports."""

from __future__ import annotations

import functools
import importlib
import sys
import time
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Result, interleave
from tests.git_host import GitHost, commit_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

MODULES = 100
FEW = 20
LOADS = 100
REPEATS = 20_000
MODULE = """
import os
import sys
from collections import OrderedDict
{below}

def function(x):
    return x


class Class:
    def method(self):
        return function
"""
BELOW = (
    "import bench_net.m{0}\nfrom bench_net.m{0} import function as of_another\nfrom . import m{0}\n"
)
HUBCONF = '''dependencies = ["torch"]

{imports}

def answer():
    """The answer."""
    return 42


def late():
    import bench_net
    import bench_net.m7 as module
    from bench_net.m3 import function
    import os
    from os import path
    return function
'''


def results(folder: Path) -> Iterator[Result]:
    """Compare warm loads, first imports, and imports of what is imported already."""
    # Compiled files are what one meets in practice, whatever the environment says.
    sys.dont_write_bytecode = False
    commit_files(folder / "work", _files(MODULES))
    yield from _warm_loads(folder)
    yield from _imports(folder / "work")


def _files(modules: int) -> dict[str, str]:
    """A repo whose hubconf imports a number of modules."""
    imports = "".join(f"import bench_net.m{number}\n" for number in range(modules))
    files = {"bench_net/__init__.py": "", "hubconf.py": HUBCONF.format(imports=imports)}
    for number in range(modules):
        below = BELOW.format((number - 1) // 2) if number else ""
        files[f"bench_net/m{number}.py"] = MODULE.format(below=below)
    return files


def _warm_loads(folder: Path) -> Iterator[Result]:
    import os

    import torch.hub

    import hubkit

    hubkit.set_dir(str(folder / "hub"))
    torch.hub.set_dir(str(folder / "hub"))
    with GitHost() as host:
        os.environ["HUBKIT_GITHUB_URL"] = host.url
        host.add_repo("own", "rep", folder / "work")
        answer = hubkit.load("own/rep:main", "answer", trust_repo=True)
        root = hubkit.loader.locate_repo("own/rep:main")
    assert answer == 42
    sha = root.name

    def load(hub: ModuleType, repo: str, **how: object) -> Callable[[], object]:
        def loads() -> None:
            for _ in range(LOADS):
                hub.load(repo, "answer", **how)

        return loads

    quiet = {"trust_repo": True, "verbose": False}
    torchs = load(torch.hub, "own/rep:main", **quiet)
    for what, ref in (("a branch", "main"), ("a commit", sha)):
        times = _interleave(load(hubkit, f"own/rep:{ref}", **quiet), torchs)
        yield Result(f"{LOADS} warm loads, {what}", "torch.hub, a branch", *times, 1.0)
    commit_files(folder / "few", _files(FEW))
    local, looks = {"source": "local"}, "looks whether one of them was edited"
    for number, name in ((MODULES, "work"), (FEW, "few")):
        root, what = folder / name, f"{number} modules"
        times = _interleave(load(hubkit, str(root), **local), load(torch.hub, str(root), **local))
        yield Result(f"{LOADS} warm loads, a folder, {what}", "torch.hub", *times, note=looks)


def _imports(root: Path) -> Iterator[Result]:
    from hubkit.runtime import FOLDER, CodePolicy, import_hook, import_hubconf

    tree = CodePolicy(is_fixed=True, bytecode=str(root.parent / "bytecode"))

    def ours(policy: CodePolicy) -> ModuleType:
        import_hook._namespaces.clear()
        import_hook._latest.clear()
        _forget("hubkit.repos.folder__")
        return import_hubconf(root, policy=policy).module

    def plain() -> ModuleType:
        _forget("bench_net", "hubconf")
        sys.path.insert(0, str(root))
        try:
            return importlib.import_module("hubconf")
        finally:
            sys.path.remove(str(root))

    for what, policy in (("a tree of the hub dir", tree), ("a folder", FOLDER)):
        times = _interleave(functools.partial(ours, policy), plain, 15)
        yield Result(f"{MODULES} modules imported first, {what}", "plain import", *times, 1.0)
    times = _interleave(_repeated(ours(tree).late), _repeated(plain().late))
    yield Result(f"{5 * REPEATS} imports of what is there", "plain import", *times, 1.0)


def _interleave(
    ours: Callable[[], object], theirs: Callable[[], object], runs: int = 9
) -> tuple[float, float]:
    return interleave(ours, theirs, runs, time.process_time)


def _repeated(function: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        for _ in range(REPEATS):
            function()

    return run


def _forget(*starts: str) -> None:
    for name in [name for name in sys.modules if name.startswith(starts)]:
        del sys.modules[name]
