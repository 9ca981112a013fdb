"""A repo's modules for the caller: pickles that name them, and modules by name."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import TYPE_CHECKING, Any

import pytest

import hubkit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

FILES = {
    "hubconf.py": "from acme_nets.shape import Net\ndef net():\n    return Net()\n",
    "acme_nets/__init__.py": "",
    "acme_nets/shape.py": "class Net:\n    width = 3\n",
}


@pytest.fixture
def repo(make_repo: MakeRepo) -> Path:
    return make_repo("repo", FILES)


def pickled(repo: Path, monkeypatch: pytest.MonkeyPatch, dumps: Any) -> Any:
    """What a training script that runs in the repo saves."""
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(repo))
        try:
            return dumps(importlib.import_module("acme_nets.shape").Net())
        finally:
            for name in [name for name in sys.modules if name.startswith("acme_nets")]:
                del sys.modules[name]


def test_a_pickle_of_the_repos_classes_is_read(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = pickled(repo, monkeypatch, pickle.dumps)
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(content)
    with hubkit.modules_of(repo):
        assert type(pickle.loads(content)) is type(hubkit.load(repo, "net"))


@pytest.mark.torch
def test_a_checkpoint_of_a_whole_model_is_read(
    repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    path = tmp_path / "net.pt"
    pickled(repo, monkeypatch, lambda net: torch.save({"model": net}, path))
    with hubkit.modules_of(repo):
        assert torch.load(path, weights_only=False)["model"].width == 3


def test_a_module_is_imported_by_the_repos_name(repo: Path) -> None:
    module = hubkit.import_module(repo, "acme_nets.shape")
    assert type(hubkit.load(repo, "net")) is module.Net
    assert "acme_nets" not in sys.modules
    with pytest.raises(ModuleNotFoundError, match=r"'acme_nets\.gone'") as missing:
        hubkit.import_module(repo, "acme_nets.gone")
    assert missing.value.name == "acme_nets.gone"


@pytest.mark.usefixtures("hub_dir")
def test_modules_of_a_repo_that_is_not_trusted_do_not_run() -> None:
    with pytest.raises(ValueError, match="Untrusted repository"):
        hubkit.import_module("acme/shapes", "acme_nets.shape")
    with pytest.raises(ValueError, match="Untrusted repository"), hubkit.modules_of("acme/shapes"):
        pass
