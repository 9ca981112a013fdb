"""Calls of torch.hub that a repo's code makes, and everybody else's."""

from __future__ import annotations

import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import HubFunctions, LoadedHubconf, import_hubconf
from tests.warm import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

pytestmark = pytest.mark.torch

NAMES = ("load", "list", "help", "load_state_dict_from_url", "download_url_to_file", "get_dir", "set_dir", "_get_cache_or_reload", "_parse_repo_info")  # fmt: skip


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
    together = Barrier(2, timeout=120)
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


def test_a_library_that_bound_the_functions_before_is_redirected(make_repo: MakeRepo) -> None:
    """As torchvision does, when the caller imported it before hubkit did anything."""
    root = make_repo("repo", {"hubconf.py": "import library\nnet = library.where"})
    library = make_repo("site", {"library.py": "from torch.hub import get_dir as where"})
    program = f"""
import sys
sys.path.append({str(library)!r})
import library, torch
theirs = torch.hub.get_dir()
from pathlib import Path
from hubkit.runtime import HubFunctions, import_hubconf
hub = HubFunctions(**dict.fromkeys({NAMES!r}, lambda *args: "hubkit's"))
print(import_hubconf(Path({str(root)!r}), hub=hub).call("net"))
print(library.where() == theirs)
"""
    done = run_python("-c", program, check=True)
    assert done.stdout.split("\n")[:2] == ["hubkit's", "True"]


LATE = "import torch, hublike\nclass Late:\n    def own(self): return torch.hub.get_dir()\n    def by_library(self): return hublike.where()\nnet = Late\n"


@pytest.fixture
def hublike(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch  # noqa: F401

    library = ModuleType("hublike")
    exec("from torch.hub import get_dir\ndef where(): return get_dir()", vars(library))
    monkeypatch.setitem(sys.modules, "hublike", library)


@pytest.mark.usefixtures("hublike")
@pytest.mark.parametrize("method", ["own", "by_library"])
@pytest.mark.parametrize("caller", ["another repo's entrypoint", "nobody"])
def test_the_nearest_repos_functions_count(make_repo: MakeRepo, method: str, caller: str) -> None:
    """By the rule that holds for its imports, whichever entrypoint is running."""
    inner, outer = list[tuple[object, ...]](), list[tuple[object, ...]]()
    late = import_hubconf(make_repo("inner", {"hubconf.py": LATE}), hub=recorder(inner)).call("net")
    call = {"hubconf.py": "def net(function): return function()"}
    running = import_hubconf(make_repo("outer", call), hub=recorder(outer))
    function = getattr(late, method)
    made = function() if caller == "nobody" else running.call("net", function)
    assert made == "hubkit's get_dir"
    assert ([name for name, *_ in inner], outer) == (["get_dir"], [])
