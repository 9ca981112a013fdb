"""What a repo has made goes to other processes, and files that name its modules come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.rival import Fails, Files, check, scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

REPO = {
    "hubconf.py": """
        import torch
        from models.net import Net
        class Local:
            name = "$name"
        def read(path):
            return torch.load(path, weights_only=False)
    """,
    "models/__init__.py": "",
    "models/net.py": """
        import torch
        from utils import NAME
        class Net(torch.nn.Module):
            name = NAME
            def __len__(self): return 2
            def __getitem__(self, index):
                from models.late import shift
                return shift(index)
        def work(rank, path):
            from models.late import shift
            open(path, "w").write(NAME + str(shift(rank)))
    """,
    "models/late.py": "def shift(index): return index + 1",
    "utils.py": "NAME = '$name'",
}
PRINT = """
import sys, torch
print([made.name for made in torch.load(sys.argv[1], weights_only=False)])
"""
ELSEWHERE = f"""
import subprocess, torch
torch.save([load("a", "Net"), load("b", "Net")], folder + "/made.pt")
command = [sys.executable, "-c", {PRINT!r}, folder + "/made.pt"]
done = subprocess.run(command, cwd="/", capture_output=True, text=True)
if done.returncode:
    raise RuntimeError(done.stderr.splitlines()[-1])
result = done.stdout.strip()
"""
CHECKPOINTS = """
import os, torch
for name in "ab":
    root = f"{folder}/own_{name}_main"
    if not os.fork():  # a training script, which runs at the repo's root
        sys.path.insert(0, root)
        from models.net import Net
        torch.save(Net(), f"{root}/net.pt")
        os._exit(0)
    os.wait()
made = [load(name, "read", f"{folder}/own_{name}_main/net.pt") for name in "ab"]
result = [net.name for net in made]
"""


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        scenario(
            "a class of the hubconf to a pickle",
            "import pickle\nresult = pickle.loads(pickle.dumps(load('a', 'Local'))).name",
            "a",
            Fails("PicklingError: Can't pickle <class 'hubconf.py.Local'>"),
            REPO,
        ),
        scenario(
            "models of two repos to a fresh process",
            ELSEWHERE,
            "['a', 'b']",
            Fails("RuntimeError: ModuleNotFoundError: No module named 'models'"),
            REPO,
        ),
        scenario(
            "a dataset to a spawned worker",
            """
            from torch.utils.data import DataLoader
            data = DataLoader(load("a", "Net"), num_workers=1, multiprocessing_context="spawn")
            result = [batch.item() for batch in data]
            """,
            [1, 2],
            Fails("RuntimeError: DataLoader worker"),
            REPO,
        ),
        scenario(
            "a function to torch multiprocessing",
            """
            from torch.multiprocessing.spawn import spawn
            work = sys.modules[type(load("a", "Net")).__module__].work
            spawn(work, (folder + "/said",), nprocs=1)
            result = open(folder + "/said").read()
            """,
            "a1",
            Fails("ProcessExitedException"),
            REPO,
        ),
        scenario(
            "checkpoints that name the same class",
            CHECKPOINTS,
            ["a", "b"],
            ["a", "a"],
            REPO,
        ),
        scenario(
            "a deep copy",
            "import copy\nresult = [copy.deepcopy(load(name, 'Net')).name for name in 'ab']",
            ["a", "b"],
            ["a", "a"],
            REPO,
        ),
    ],
)
def test_objects_and_files_find_their_code(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


SAFE = {
    "hubconf.py": """
        import torch
        from models.net import Net
        def read(path):
            with torch.serialization.safe_globals([Net]):
                return torch.load(path, weights_only=True).whose()
        def read_unsafely(path):
            return torch.load(path, weights_only=True)
    """,
    "models/net.py": """
        class Net:
            def whose(self): return "$name"
    """,
}
DECLARED_SAFE = """
import pickle, torch, types
away = {name: types.ModuleType(name) for name in ("models", "models.net")}
exec("class Net: pass", vars(away["models.net"]))
path = folder + "/net.pt"
sys.modules.update(away)
torch.save(away["models.net"].Net(), path)
for name in away:
    del sys.modules[name]
before = set(torch.serialization.get_safe_globals())
result = [load(name, "read", path) for name in "ab"]
result.append(set(torch.serialization.get_safe_globals()) == before)
try:
    load("a", "read_unsafely", path)
except pickle.UnpicklingError:
    result.append("refused")
"""


def test_what_a_repo_declares_safe_is_safe_by_its_names(tmp_path: Path) -> None:
    ours, theirs = ["a", "b", True, "refused"], ["a", "a", True, "refused"]
    check(tmp_path, SAFE, DECLARED_SAFE, ours, theirs)
