"""What torch does with a repo's code: nested torch.hub calls, checkpoints, jit, workers."""

from __future__ import annotations

import copy
import inspect
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import HubFunctions, LoadedHubconf, import_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch

NAMES = ("load", "list", "help", "load_state_dict_from_url", "download_url_to_file", "get_dir", "set_dir")  # fmt: skip


def recorder(calls: list[tuple[object, ...]]) -> HubFunctions:
    """Functions that write down how they were called."""

    def record(name: str) -> Any:
        def function(*args: object, **kwargs: object) -> str:
            calls.append((name, args, kwargs))
            return f"hubkit's {name}"

        return function

    return HubFunctions(**{name: record(name) for name in NAMES})


NESTED = """
    import torch
    import torch.hub as module
    from torch import hub
    from torch.hub import get_dir, load_state_dict_from_url as early
    from torch.utils import model_zoo
    from torch.utils.model_zoo import load_url

    at_import = torch.hub.get_dir()

    def net(url):
        return [
            torch.hub.load_state_dict_from_url(url, progress=False),
            module.load_state_dict_from_url(url),
            hub.load(url, "x", 1, y=2),
            early(url),
            model_zoo.load_url(url),
            load_url(url, map_location="cpu"),
            get_dir(),
            torch.hub.list("a/b"),
            torch.hub.help("a/b", "net"),
            torch.hub.download_url_to_file(url, "to"),
            torch.hub.set_dir("somewhere"),
        ]

    class Late:
        def forward(self):
            return torch.hub.get_dir()

    def late():
        return Late()
"""


@pytest.fixture
def calls() -> list[tuple[object, ...]]:
    return []


@pytest.fixture
def nested(make_repo: MakeRepo, calls: list[tuple[object, ...]]) -> LoadedHubconf:
    return import_hubconf(make_repo("repo", {"hubconf.py": NESTED}), hub=recorder(calls))


def test_nested_calls_go_to_the_given_functions(
    nested: LoadedHubconf, calls: list[tuple[object, ...]]
) -> None:
    import torch

    assert nested.module.at_import == "hubkit's get_dir"
    calls.clear()
    assert all(str(said).startswith("hubkit's") for said in nested.call("net", "u"))
    assert [call[0] for call in calls] == [
        "load_state_dict_from_url",
        "load_state_dict_from_url",
        "load",
        "load_state_dict_from_url",
        "load_state_dict_from_url",
        "load_state_dict_from_url",
        "get_dir",
        "list",
        "help",
        "download_url_to_file",
        "set_dir",
    ]
    assert calls[0] == ("load_state_dict_from_url", ("u",), {"progress": False})
    assert calls[2] == ("load", ("u", "x", 1), {"y": 2})
    assert "hubkit" not in torch.hub.get_dir()


def test_code_that_runs_after_load_is_redirected_too(nested: LoadedHubconf) -> None:
    assert nested.call("late").forward() == "hubkit's get_dir"


def test_library_code_called_by_an_entrypoint_is_redirected(
    make_repo: MakeRepo, calls: Any
) -> None:
    """The library has bound the functions long before."""
    import torch

    library = sys.modules["hublike"] = ModuleType("hublike")
    exec("from torch.hub import get_dir\ndef where(): return get_dir()", vars(library))
    root = make_repo("repo", {"hubconf.py": "import hublike\nnet = hublike.where"})
    assert import_hubconf(root, hub=recorder(calls)).call("net") == "hubkit's get_dir"
    assert sys.modules.pop("hublike").where() == torch.hub.get_dir()


def test_the_callers_own_torch_hub_is_as_before(
    nested: LoadedHubconf, calls: list[tuple[object, ...]], tmp_path: Path
) -> None:
    import torch

    nested.call("net", "u")
    calls.clear()
    (tmp_path / "hubconf.py").write_text("def net(x): return x")
    assert torch.hub.load(str(tmp_path), "net", 3, source="local") == 3  # type: ignore[no-untyped-call]
    assert torch.hub.get_dir().endswith("hub")
    assert torch.hub.load.__doc__
    assert "repo_or_dir" in inspect.signature(torch.hub.load).parameters
    assert calls == []


def test_another_thread_uses_torch_hub_meanwhile(make_repo: MakeRepo, calls: Any) -> None:
    import torch

    code = "import torch\ndef net(wait): wait(); said = torch.hub.get_dir(); wait(); return said"
    loaded = import_hubconf(make_repo("repo", {"hubconf.py": code}), hub=recorder(calls))
    together = Barrier(2, timeout=60)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(loaded.call, "net", together.wait)
        together.wait()
        assert torch.hub.get_dir() != "hubkit's get_dir"
        together.wait()
        assert running.result() == "hubkit's get_dir"


def test_without_functions_torch_keeps_its_own(make_repo: MakeRepo) -> None:
    import torch

    root = make_repo("repo", {"hubconf.py": "import torch\ndef net(): return torch.hub.get_dir()"})
    assert import_hubconf(root).call("net") == torch.hub.get_dir()


def test_torch_is_wrapped_before_anybody_binds_its_functions(make_repo: MakeRepo) -> None:
    """In a fresh process, where the repo is the first to import torch."""
    hubconf = """
        import library
        def net():
            return library.where()
    """
    root = make_repo("repo", {"hubconf.py": hubconf})
    library = make_repo("site", {"library.py": "from torch.hub import get_dir as where"})
    program = f"""
import sys
sys.path.append({str(library)!r})
from pathlib import Path
from hubkit.runtime import HubFunctions, import_hubconf
assert "torch" not in sys.modules
hub = HubFunctions(**dict.fromkeys({NAMES!r}, lambda *args: "hubkit's"))
print(import_hubconf(Path({str(root)!r}), hub=hub).call("net"))
import torch
print(torch.hub.get_dir() == "hubkit's")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["hubkit's", "False"]


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
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)
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
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=os.sep
    )
    assert done.stdout == "True\n"


def test_a_dataset_reaches_spawned_workers(make_repo: MakeRepo) -> None:
    import torch

    files = {
        "hubconf.py": "from data import Squares\ndef squares(n): return Squares(n)",
        "data.py": """
            class Squares:
                def __init__(self, n): self.n = n
                def __len__(self): return self.n
                def __getitem__(self, i):
                    from power import square
                    return square(i)
        """,
        "power.py": "def square(i): return i * i",
    }
    data = import_hubconf(make_repo("repo", files)).call("squares", 4)
    loader = torch.utils.data.DataLoader(data, num_workers=1, multiprocessing_context="spawn")
    assert [int(batch) for batch in loader] == [0, 1, 4, 9]


def test_torch_multiprocessing_spawns_a_repos_function(make_repo: MakeRepo, tmp_path: Path) -> None:
    from torch.multiprocessing.spawn import spawn

    files = {
        "hubconf.py": "from work import work\ndef worker(): return work",
        "work.py": "def work(rank, path):\n    from late import text\n    open(path, 'w').write(text)",
        "late.py": "text = 'done'",
    }
    work = import_hubconf(make_repo("repo", files)).call("worker")
    spawn(work, args=(str(tmp_path / "said"),), nprocs=1)  # type: ignore[no-untyped-call]
    assert (tmp_path / "said").read_text() == "done"


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
