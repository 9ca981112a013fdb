"""What a second repo replaces in installed packages that the first one uses is reported."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

import hubkit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

LIBRARY = """
from collections import OrderedDict
table = {"own": len}
ordered = OrderedDict()
class Registry:
    def __init__(self):
        self.entries = {}
registry = Registry()
class Layer:
    def forward(self): return 0
def helper(): return 0
def register(function):
    table[function.__name__] = function
    return function
"""
HEAD = "import NAME\ndef net(): return NAME\n"
KINDS = {
    "table['f']": "@NAME.register\ndef f(): return NUMBER\n",
    "ordered['f']": "def f(): return NUMBER\nNAME.ordered['f'] = f\n",
    "registry.entries[('f', 1)]": "class F: pass\nNAME.registry.entries['f', 1] = F\n",
    "table['object']": "class F: pass\nNAME.table['object'] = F()\n",
    "Layer.forward": "def f(self): return NUMBER\nNAME.Layer.forward = f\n",
    "helper": "def f(): return NUMBER\nNAME.helper = f\n",
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of an installed package, of the test's own."""
    name = f"lib_{abs(hash(request.node.nodeid))}"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{name}.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return name


def load(make_repo: MakeRepo, library: str, code: str, number: int) -> Path:
    text = f"{HEAD}{code}".replace("NAME", library).replace("NUMBER", str(number))
    root = make_repo(f"repo{number}", {"hubconf.py": text})
    hubkit.load(root, "net")
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_a_replacement_names_it_and_both_repos(
    make_repo: MakeRepo, library: str, kind: str
) -> None:
    first = load(make_repo, library, KINDS[kind], 1)
    with pytest.warns(UserWarning, match="in the whole process") as caught:
        second = load(make_repo, library, KINDS[kind], 2)
    message = str(caught[0].message)
    assert f"{library}.{kind} of {first}" in message
    assert message.startswith(f"{second} replaces")


def test_what_is_only_added_is_no_replacement(make_repo: MakeRepo, library: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(make_repo, library, KINDS["table['f']"], 1)
        load(make_repo, library, "@NAME.register\ndef g(): pass\n", 2)
        load(make_repo, library, "NAME.table['h'] = NAME.table['own'] = NAME.helper\n", 3)


@pytest.mark.torch
def test_settings_of_torch_on_which_results_depend(make_repo: MakeRepo) -> None:
    import torch

    code = "import torch\ntorch.set_default_dtype(torch.float64)\n"
    load(make_repo, "torch", "", 1)
    try:
        with pytest.warns(UserWarning, match=r"replaces torch.get_default_dtype\(\), which was"):
            load(make_repo, "torch", code, 2)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.torch
def test_a_replaced_function_of_torch(make_repo: MakeRepo) -> None:
    import torch.nn.functional

    original = torch.nn.functional.softsign
    code = "import torch.nn.functional as F\ndef f(x): return x\nF.softsign = f\n"
    load(make_repo, "torch", "", 1)
    try:
        with pytest.warns(UserWarning, match=r"replaces torch.nn.functional.softsign in"):
            load(make_repo, "torch", code, 2)
    finally:
        torch.nn.functional.softsign = original
