"""Where example input comes from, and what the notation of outputs is held against."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_hubkit.case import Case
from pytest_hubkit.inputs import (
    find_known,
    find_mismatches,
    guess_inputs,
    make_inputs,
    read_answer,
    suggest_input,
)
from pytest_hubkit.tensors import find_difference
from tests.plugin.conftest import outcomes
from tests.plugin.defects import MODEL

if TYPE_CHECKING:
    from tests.plugin.conftest import HubRepo

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("torch_stays")]


def plain(pretrained: bool = False) -> None: ...


def shapes(found: Any) -> list[tuple[int, ...]]:
    return [tuple(value.shape) for value in found.values]


@pytest.mark.parametrize(
    ("model", "shape", "said"),
    [
        (SimpleNamespace(pretrained_cfg={"input_size": (3, 96, 96)}), (2, 3, 96, 96), "_cfg"),
        (
            SimpleNamespace(default_cfg=SimpleNamespace(input_size=(1, 32, 32))),
            (2, 1, 32, 32),
            "default_cfg",
        ),
    ],
)
def test_a_model_tells_its_input_size(model: Any, shape: tuple[int, ...], said: str) -> None:
    (found,) = find_known(model, plain, Case("net"))
    assert shapes(found) == [shape]
    assert said in found.provenance
    assert not found.provisional


def test_a_model_brings_an_example() -> None:
    import torch

    lightning = SimpleNamespace(example_input_array=(torch.zeros(2, 3), torch.zeros(1)))
    assert shapes(next(find_known(lightning, plain, Case("net")))) == [(2, 3), (1,)]
    transformers = SimpleNamespace(dummy_inputs={"input_ids": torch.zeros(2, 5)})
    (found,) = find_known(transformers, plain, Case("net"))
    assert list(found.kwargs) == ["input_ids"]


def test_metadata_of_weights_tell_the_smallest_image() -> None:
    weights = SimpleNamespace(meta={"min_size": (299, 299)})

    def net(weights: Any = weights) -> None: ...

    (found,) = find_known(object(), net, Case("net"))
    assert shapes(found) == [(2, 3, 299, 299)]


def test_the_first_layer_makes_a_guess() -> None:
    from torch import nn

    layers: list[tuple[nn.Module, tuple[int, ...]]] = [
        (nn.Embedding(7, 2), (2, 16)),
        (nn.Linear(5, 2), (2, 5)),
        (nn.Conv1d(2, 2, 3), (2, 2, 4096)),
        (nn.Conv1d(80, 2, 3), (2, 80, 64)),
        (nn.Conv2d(3, 2, 3), (2, 3, 64, 64)),
        (nn.Conv3d(1, 2, 3), (2, 1, 8, 64, 64)),
        (nn.GRU(6, 2), (16, 2, 6)),
    ]
    for layer, shape in layers:
        found = next(guess_inputs(nn.Sequential(nn.Identity(), layer), {}))
        assert shapes(found) == [shape]
        assert found.provisional
        assert "guessed from the first layer, 1" in found.provenance
    assert list(guess_inputs(nn.ReLU(), {})) == []


def test_inputs_of_a_hook_are_understood() -> None:
    assert read_answer({"args": (1,), "kwargs": {"a": 2}}, "").args == (1,)
    assert read_answer({"a": 2}, "").kwargs == {"a": 2}
    assert read_answer((1, 2), "").args == (1, 2)
    assert read_answer(1, "").args == (1,)


def test_a_row_of_a_batch_is_cut_along_its_axis() -> None:
    import torch

    found = make_inputs(("f32[B,3]", "f32[4,B]", "f32[5]"), {"B": 3}, "")
    assert found.batch == 3
    row = found.row(2)
    assert shapes(row) == [(1, 3), (4, 1), (5,)]
    assert torch.equal(row.args[1][:, 0], found.args[1][:, 2])


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("f32[B,4]", ""),
        ("f32[B,K]", ""),
        ("f32[B,B]", "B is 2 elsewhere"),
        ("f32[B,5]", "not f32[B,5]"),
        ("i64[B,4]", "not i64[B,4]"),
        ("f32[B]", "not f32[B]"),
        ("f32[B,4] in [0,1]", "values from -1 to -1"),
        (("f32[B,4]", "f32[B]"), "2 values are declared"),
        ({"logits": "f32[B,4]"}, "'logits' is declared"),
    ],
)
def test_outputs_are_held_against_the_notation(declared: Any, said: str) -> None:
    import torch

    found = list(find_mismatches(declared, -torch.ones(2, 4), {"B": 2}))
    assert bool(found) == bool(said)
    assert said in "".join(found)


def test_outputs_are_found_by_name_and_place() -> None:
    import torch

    output = {"logits": torch.ones(2, 4), "aux": (torch.ones(2),)}
    assert not list(find_mismatches({"logits": "f32[B,4]"}, output, {"B": 2}))
    assert not list(find_mismatches(("f32[B]",), output["aux"], {"B": 2}))


def test_differences_are_told_by_path_and_size() -> None:
    import torch

    one = {"a": torch.tensor([1.0, 2.0])}
    assert not find_difference(one, {"a": torch.tensor([1.0, 2.0])})
    assert "output['a']: largest difference 1 of values up to 2" in find_difference(
        one, {"a": torch.tensor([1.0, 3.0])}
    )
    assert not find_difference(one, {"a": torch.tensor([1.0, 2.0 + 1e-5])}, 1e-5)
    assert find_difference(one, {"a": torch.tensor([1.0, 2.01])}, 1e-5)
    assert "then" in find_difference(one, {"a": torch.ones(3)})


def test_suggested_input_fits_the_model_at_hand() -> None:
    import torch
    from torch import nn

    class Graph(nn.Module):
        def forward(self, x: Any, edge_index: Any, batch: Any = None) -> None: ...

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(3, 3, dtype=torch.float64)

        def forward(self, *, points: Any) -> None: ...

    suggested = {
        suggest_input(nn.Conv1d(2, 4, 3)): 'input = "f32[B,2,T]"',
        suggest_input(nn.Conv2d(3, 4, 3)): 'input = "f32[B,3,H,W]"',
        suggest_input(nn.Embedding(9, 2)): 'input = "i64[B,T] < 9"',
        suggest_input(nn.Identity()): 'input = "f32[B,N]"',
        suggest_input(Graph()): 'input = { x = "f32[B,N]", edge_index = "i64[2,E] < 4" }',
        suggest_input(Named()): 'input = { points = "f64[B,3]" }',
    }
    assert list(suggested) == list(suggested.values())


def test_a_list_of_samples_is_a_batch() -> None:
    import torch

    images = [torch.zeros(3), torch.ones(3)]
    found = read_answer({"args": (images, 5)}, "a hook")
    assert found.batch == 2
    row = found.row(1)
    assert row.args[1] == 5
    assert [one.tolist() for one in row.args[0]] == [[1, 1, 1]]


HUBCONF = '''
from shapes.model import Net as _Net

dependencies = ["torch"]


def asked(pretrained=False):
    """Has input from the hook."""
    return _Net(inputs=7)


def guessed(width=4, pretrained=False):
    """Has input from nowhere."""
    return _Net(width, inputs=6)


def words(pretrained=False):
    """Splits a text."""
    return str.split
'''


def test_hook_guess_cases_kinds_golden_and_budget(repo: HubRepo) -> None:
    config = """
        [entrypoints.words]
        kind = "transform"
        [entrypoints.guessed.cases.thin]
        call = { width = 1 }
        budget = { params = 5 }
        [entrypoints.guessed.cases.wide]
        call = { width = 8 }
        budget = { params = 5000, load-s = 500, forward-s = 500 }
    """
    conftest = """
        import torch

        def pytest_hubkit_inputs(entrypoint, model, dims):
            if entrypoint.name == "asked":
                return torch.zeros(2, 7)
            if entrypoint.name == "words":
                assert (entrypoint.kind, entrypoint.arguments) == ("transform", {"pretrained": False})
                return "some words"
    """
    repo.write(
        {
            "hubconf.py": HUBCONF,
            "shapes/__init__.py": "",
            "shapes/model.py": MODEL,
            "hubkit.toml": config,
            "conftest.py": conftest,
        }
    )
    run = ("--hubconf", "-v", "-rs", "-m", "not hubkit_l1", "-k", "C20 or C308 or C309 or C310")
    result = repo.run_here(*run, "--hubconf-update")
    said = outcomes(result)
    assert "FAILED" not in said.values()
    for name in ("asked", "words", "guessed[thin]", "guessed[wide]"):
        assert said[f"{name}::C201"] == said[f"{name}::C204"] == said[f"{name}::C308"] == "PASSED"
    result.stdout.fnmatch_lines(
        ["guessed[[]thin[]] *ok*(guessed input)*", "guessed[[]wide[]] *ok*(guessed input)*"]
    )
    result.stdout.fnmatch_lines(["SKIPPED*not supported: guessed[[]thin[]] exceeds its budget*"])

    kept = sorted(path.name for path in (repo.root / "tests/hubkit/golden").iterdir())
    assert [name for name in kept if name.endswith(".safetensors")] == [
        "asked.safetensors", "guessed[thin].safetensors", "guessed[wide].safetensors",
    ]  # fmt: skip
    assert "words.json" in kept
    golden = ("--hubconf", "-rs", "-k", "C308")
    repo.run_here(*golden).assert_outcomes(passed=4)
    repo.write(
        {"shapes/model.py": MODEL.replace("return self.layers(x)", "return -self.layers(x)")}
    )
    changed = repo.run_here(*golden)
    changed.assert_outcomes(passed=1, skipped=3)
    changed.stdout.fnmatch_lines(["*The output of asked differs from tests/hubkit/gol*"])

    import torch

    absent = "cuda" if torch.backends.mps.is_available() else "mps"
    missing = repo.run_here(
        "--hubconf", "-rs", "-k", "C201 and asked", f"--hubconf-device={absent}"
    )
    missing.assert_outcomes(skipped=1)
    missing.stdout.fnmatch_lines([f"*{absent} is not available here (--hubconf-device)"])
    meta = repo.run_here(
        "--hubconf", "-k", "asked and (C201 or C203 or C204)", "--hubconf-device=meta", "-rs"
    )
    meta.assert_outcomes(passed=1, skipped=2)
    meta.stdout.fnmatch_lines(["*its output is on the meta device, which computes no numbers*"])
