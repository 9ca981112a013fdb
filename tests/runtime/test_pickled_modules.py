"""A pickle that names modules of a loaded repo is read without further ado."""

from __future__ import annotations

import importlib
import importlib.util
import io
import pickle
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import hubkit
from hubkit.errors import AmbiguousModuleError
from hubkit.runtime import import_hook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

FILES = {
    "hubconf.py": "from nets import shape\ndef net():\n    return shape.Net()\n",
    "nets/__init__.py": "",
    "nets/shape.py": "class Net:\n    class Part: pass\n",
    "nets/late.py": "class Late: pass\n",
}
CONTENT = b"cnets.shape\nNet\n."  # what a training script that runs in the repo writes


class InPython(pickle._Unpickler):
    """As joblib and dill have it."""


class InC(pickle.Unpickler):
    """As torch has it."""

    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(module, name)


READERS: dict[str, Callable[[bytes], Any]] = {
    "loads": lambda content: pickle.loads(content),  # noqa: PLW0108 - the caller counts
    "load": lambda content: pickle.load(io.BytesIO(content)),
    "Unpickler": lambda content: pickle.Unpickler(io.BytesIO(content)).load(),
    "InC": lambda content: InC(io.BytesIO(content)).load(),
    "InPython": lambda content: InPython(io.BytesIO(content)).load(),
}


@pytest.fixture(autouse=True)
def _only_the_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repos of other tests are not loaded."""
    monkeypatch.setattr(import_hook, "_namespaces", {})
    monkeypatch.setattr(import_hook, "_latest", {})
    for name in [name for name in sys.modules if name.startswith("hubkit.repos.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def root(make_repo: MakeRepo) -> Path:
    root = make_repo("repo", FILES)
    hubkit.load(root, "net")
    return root


@pytest.mark.parametrize("how", READERS)
def test_it_finds_the_only_repo_that_has_the_module(root: Path, how: str) -> None:
    shape = hubkit.import_module(root, "nets.shape")
    assert READERS[how](CONTENT) is shape.Net
    late = READERS[how](b"cnets.late\nLate\n.")
    assert late is hubkit.import_module(root, "nets.late").Late
    assert not [name for name in sys.modules if name.partition(".")[0] == "nets"]


def test_nested_classes_and_packages_too(root: Path) -> None:
    shape = hubkit.import_module(root, "nets.shape")
    assert pickle.loads(pickle.dumps(shape.Net.Part)) is shape.Net.Part
    content = b"\x80\x04\x8c\nnets.shape\x8c\x08Net.Part\x93."
    assert pickle.loads(content) is shape.Net.Part
    assert pickle.loads(b"cnets\nshape\n.") is shape


@pytest.mark.usefixtures("root")
def test_imports_are_not_affected() -> None:
    pickle.loads(CONTENT)
    with pytest.raises(ModuleNotFoundError):
        import nets.shape  # type: ignore[import-not-found]  # noqa: F401
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("nets")
    assert importlib.util.find_spec("nets") is None
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(b"cother.shape\nNet\n.")
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(b"cnets.gone\nNet\n.")


def test_the_programs_own_module_comes_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, part = ModuleType("nets"), ModuleType("nets.shape")
    mine.__path__ = []
    part.Net = int  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nets", mine)
    monkeypatch.setitem(sys.modules, "nets.shape", part)
    assert pickle.loads(CONTENT) is int
    assert pickle.loads(b"cnets.late\nLate\n.").__name__ == "Late"
    hubkit.load(root, "net")
    assert not hasattr(mine, "late")


def test_several_repos_are_an_error_that_names_them(root: Path, make_repo: MakeRepo) -> None:
    other = make_repo("other", {**FILES, "nets/late.py": "", "nets/only.py": "class Only: pass"})
    (other / "nets" / "late.py").unlink()
    hubkit.load(other, "net")
    with pytest.raises(AmbiguousModuleError) as error:
        pickle.loads(CONTENT)
    assert str(root) in error.value.message
    assert str(other) in error.value.message
    assert error.value.name == "nets.shape"
    with hubkit.modules_of(other):
        assert pickle.loads(CONTENT) is hubkit.import_module(other, "nets.shape").Net
    assert pickle.loads(b"cnets.only\nOnly\n.") is hubkit.import_module(other, "nets.only").Only
    assert pickle.loads(b"cnets.late\nLate\n.") is hubkit.import_module(root, "nets.late").Late


def test_of_a_folder_that_was_edited_the_present_files_count(root: Path) -> None:
    (root / "nets" / "shape.py").write_text("class Net:\n    width = 2\n")
    hubkit.load(root, "net")
    assert pickle.loads(CONTENT).width == 2


@pytest.mark.torch
def test_torch_load_reads_it(root: Path, tmp_path: Path) -> None:
    import torch

    shape = hubkit.import_module(root, "nets.shape")
    path = tmp_path / "net.pt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape.Net, "__module__", "nets.shape")
        patch.setitem(sys.modules, "nets", ModuleType("nets"))
        patch.setitem(sys.modules, "nets.shape", shape)
        torch.save({"model": shape.Net()}, path)
    assert type(torch.load(path, weights_only=False)["model"]) is shape.Net
    with pytest.raises(pickle.UnpicklingError), torch.serialization.safe_globals([]):
        torch.load(path)
    with torch.serialization.safe_globals([shape.Net]):
        assert type(torch.load(path)["model"]) is shape.Net
