"""What torch does with a repo's code: checkpoints, jit, compile, workers."""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from hubkit.runtime import import_hubconf
from tests.warm import run_python

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch

NET = """
    import torch
    from torch import nn
    from utils import scale
    class Net(nn.Module):
        def __init__(self, by=scale):
            super().__init__()
            self.inner = nn.Linear(2, 2)
            self.by = by
        def forward(self, x):
            from models.late import shift
            return self.inner(x) * self.by + shift
"""
MODEL_REPO = {
    "hubconf.py": """
        import torch
        from models.yolo import Net
        def net(path=None):
            return torch.load(path, map_location="cpu", weights_only=False) if path else Net()
        def reader():
            return Reader()
        class Reader:
            def read(self, path):
                from torch import load
                return load(path, weights_only=False)
    """,
    "models/yolo.py": NET,
}


def model_repo(make_repo: MakeRepo, name: str, scale: int) -> Path:
    own = {"utils.py": f"scale = {scale}", "models/late.py": f"shift = {scale}"}
    return make_repo(name, {**MODEL_REPO, **own})


def checkpoint(root: Path, path: Path) -> Path:
    """A whole model, pickled by a script that runs at the repo's root as training scripts do."""
    script = f"import torch; from models.yolo import Net; torch.save(Net(), {str(path)!r})"
    run_python("-c", script, cwd=root, check=True)
    return path


def test_checkpoints_that_name_the_repos_classes_load(make_repo: MakeRepo, tmp_path: Path) -> None:
    """Two repos whose classes have the same names, and a caller with such a module too."""
    mine = sys.modules["models"] = ModuleType("models")
    for name, scale in (("a", 2), ("b", 3), ("a", 2)):
        root = tmp_path / name if (tmp_path / name).exists() else model_repo(make_repo, name, scale)
        path = checkpoint(root, tmp_path / f"{name}.pt")
        loaded = import_hubconf(root)
        for net in (loaded.call("net", path), loaded.call("reader").read(path)):
            assert type(net) is type(loaded.call("net"))
            assert net.by == scale
    assert sys.modules.pop("models") is mine


def test_a_callers_torch_load_means_the_callers_modules(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    import torch

    root = model_repo(make_repo, "a", 2)
    path = checkpoint(root, tmp_path / "a.pt")
    import_hubconf(root).call("net")
    with pytest.raises(ModuleNotFoundError, match="models"):
        torch.load(path, weights_only=False)


def test_weights_only_stays_as_asked(make_repo: MakeRepo, tmp_path: Path) -> None:
    import pickle

    root = model_repo(make_repo, "a", 2)
    path = checkpoint(root, tmp_path / "a.pt")
    code = "import torch\ndef net(path, **options): return torch.load(path, **options)"
    loaded = import_hubconf(make_repo("b", {"hubconf.py": code}))
    for options in ({}, {"weights_only": True}):
        with pytest.raises(pickle.UnpicklingError, match=r"[Ww]eights"):
            loaded.call("net", path, **options)


def test_a_model_goes_everywhere(make_repo: MakeRepo, tmp_path: Path) -> None:
    import torch

    net = import_hubconf(model_repo(make_repo, "a", 2)).call("net").eval()
    x = torch.rand(1, 2)
    y = net(x)
    assert torch.equal(copy.deepcopy(net)(x), y)
    torch.save((net, x, y), tmp_path / "net.pt")
    program = (
        f"import torch; net, x, y = torch.load({str(tmp_path / 'net.pt')!r}, weights_only=False); "
        "print(torch.equal(net(x), y))"
    )
    assert run_python("-c", program, cwd=Path(os.sep), check=True).stdout == "True\n"


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_jit_scripts_and_saves_a_repos_module(make_repo: MakeRepo, tmp_path: Path) -> None:
    import torch

    files = {
        "hubconf.py": "from net import Net",
        "net.py": """
            import math
            import torch
            from typing import List
            from ops import twice
            class Net(torch.nn.Module):
                def forward(self, x: torch.Tensor) -> List[torch.Tensor]:
                    made: List[torch.Tensor] = []
                    for i in range(min(3, len(x))):
                        made.append(twice(x[i]) * math.pi + abs(-1))
                    return made
        """,
        "ops.py": "import torch\ndef twice(x):\n    return torch.add(x, x)\n",
    }
    net = import_hubconf(make_repo("my-net", files)).call("Net")
    scripted = torch.jit.script(net)
    scripted.save(tmp_path / "net.pt")
    x = torch.rand(4)
    expected = torch.stack(net(x))
    assert torch.allclose(torch.stack(scripted(x)), expected)
    reloaded = torch.jit.load(tmp_path / "net.pt")  # type: ignore[no-untyped-call]
    assert torch.allclose(torch.stack(reloaded(x)), expected)


def test_dynamo_compiles_the_repos_module_and_not_the_callers(make_repo: MakeRepo) -> None:
    """The import in ``forward`` happens while the caller has modules of these names."""
    import torch

    fake = sys.modules["models.late"] = sys.modules["models"] = ModuleType("models")
    vars(fake)["shift"] = 100
    net = import_hubconf(model_repo(make_repo, "a", 2)).call("net").eval()
    x = torch.rand(1, 2)
    with torch.no_grad():
        assert torch.allclose(torch.compile(net, backend="eager")(x), net(x))  # type: ignore[no-untyped-call]
    del sys.modules["models.late"], sys.modules["models"]


def test_libraries_check_types_as_usual(make_repo: MakeRepo) -> None:
    import torch

    net = import_hubconf(model_repo(make_repo, "a", 2)).call("net")
    assert isinstance(net, torch.nn.Module)
    assert sys.modules[type(net).__module__].torch is torch
