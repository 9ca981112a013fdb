"""`hubkit init` builds what it proposes, and loads the weights that a repo has."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.git_host import commit_files
from tests.scaffold.conftest import entrypoints, init, read_tree, write_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

NETS = '''"""Networks."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, channels, num_classes, width=8, depths=(1, 1), bias=False):
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, bias=bias)
        parts = [nn.Sequential(*(nn.Linear(width, width) for _ in range(n))) for n in depths]
        self.parts = nn.ModuleList(parts)
        self.head = nn.Linear(width, num_classes + 1)

    def forward(self, images):
        return self.head(self.stem(images).mean(dim=(2, 3)))


class Tagger(nn.Module):
    def __init__(self, vocab, size):
        super().__init__()
        self.embed = nn.Embedding(vocab, size)
        self.rest = nn.Linear(size, size)

    def forward(self, words):
        return self.rest(self.embed(words))


class Steps(nn.Module):
    def __init__(self, features, steps):
        super().__init__()
        self.steps = steps
        self.layer = nn.Linear(features, 3)

    def forward(self, x):
        return self.layer(x)


class Other(nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.fixed = nn.Linear(5, 5)

    def forward(self, x):
        return self.fixed(x)


class Broken(nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.layer = nn.Linear(size / 2, size)

    def forward(self, x):
        return self.layer(x)


class Fetching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        torch.hub.load_state_dict_from_url("http://127.0.0.1:9/backbone.pth")

    def forward(self, x):
        return self.layer(x)


class Devoted(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        raise AssertionError("Torch not compiled with CUDA enabled")

    def forward(self, x):
        return self.layer(x)


class Rival(Net):
    def __init__(self, channels=1, num_classes=2, width=12, depths=(2, 3), bias=True):
        super().__init__(channels, num_classes, width, depths, bias)


class Leaving(nn.Module):
    def __init__(self):
        super().__init__()
        raise SystemExit(3)

    def forward(self, x):
        return x


class Identity(nn.Module):
    def forward(self, x):
        return x
'''
HEAD = NETS.partition("class Net(")[0]
OTHER = NETS[NETS.index("class Other(") : NETS.index("class Broken(")]
NEEDY = """import no_such_package
from torch import nn


class Needy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(no_such_package.SIZE, 2)

    def forward(self, x):
        return self.layer(x)
"""


def linear(name: str, outputs: int, inputs: int, *, bias: bool = True) -> dict[str, Any]:
    import torch

    weight = {f"{name}.weight": torch.zeros(outputs, inputs)}
    return weight | ({f"{name}.bias": torch.full((outputs,), 7.0)} if bias else {})


def net_state(classes: int = 2, width: int = 12) -> dict[str, Any]:
    import torch

    state = {"stem.weight": torch.zeros(width, 1, 3, 3), "stem.bias": torch.zeros(width)}
    for part, layers in enumerate((2, 3)):
        for layer in range(layers):
            state |= linear(f"parts.{part}.{layer}", width, width)
    return state | linear("head", classes + 1, width)


def save(folder: Path, path: str, value: object) -> None:
    import torch

    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, folder / path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repo of models with weights of all kinds, and what init prints of it."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("repos") / "here"
    write_tree(folder, {"nets.py": NETS, "needy.py": NEEDY, ".gitignore": "runs/\n__pycache__/\n"})
    save(folder, "weights/net.pt", {f"module.{k}": v for k, v in net_state().items()})
    table = {"embed.weight": torch.zeros(90, 6)}
    save_file(table | linear("rest", 6, 6), folder / "weights/words.safetensors")
    save(folder, "weights/other.pt", linear("fixed", 4, 5))
    save(folder, "weights/recurrent.pt", linear("layer", 3, 9))
    commit_files(folder, {})
    result = init("--bare", "--defaults", str(folder), build=True)
    assert result.exit_code == 0, result.output
    return folder, result.stdout


def load(folder: Path, name: str, **arguments: object) -> Any:
    sys.path.insert(0, str(folder))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec = importlib.util.spec_from_file_location("hubconf", folder / "hubconf.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)(**arguments)
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(folder))
        sys.modules.pop("nets", None)


def test_arguments_are_those_with_which_the_weights_load(made: tuple[Path, str]) -> None:
    folder, said = made
    assert "This runs the repo's code." in said
    assert re.search(r"\n  net +nets\.py:7, with weights from weights/net\.pt \(loads\)\n", said)
    text = (folder / "hubconf.py").read_text()
    tree = ast.parse(text.replace("from needy import Needy as _Needy\n", ""))
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    values = [ast.literal_eval(one) for one in functions["net"].args.defaults]
    assert values == [False, 1, 2, 12, (2, 3), True]
    (folder / "hubconf.py").write_text(ast.unparse(_without_needy(tree)))
    model = load(folder, "net", pretrained=True)
    (folder / "hubconf.py").write_text(text)
    assert model.head.bias.tolist() == [7.0] * 3
    assert model.stem.in_channels == 1


def _without_needy(tree: ast.Module) -> ast.Module:
    kept = [one for one in tree.body if getattr(one, "name", "") != "needy"]
    return ast.Module(kept, [])


def test_sizes_that_only_the_weights_show_are_found(made: tuple[Path, str]) -> None:
    folder, said = made
    assert "tagger" in entrypoints(folder)
    assert "with weights from weights/words.safetensors (loads)" in said
    text = (folder / "hubconf.py").read_text()
    assert "    vocab: int = 90,\n    size: int = 6,\n" in text
    assert "state = _load_file(path)" in text
    reason = "it requires `steps`, which neither the repo nor weights/recurrent.pt shows"
    assert f"Skipped Steps of nets: {reason}\n" in said


def test_an_unverified_proposal_says_why(made: tuple[Path, str]) -> None:
    folder, said = made
    reason = "weights/other.pt: `fixed.weight` is [4, 5] in the checkpoint and [5, 5] in the model"
    assert f"with weights from weights/other.pt (not verified: {reason})" in said
    text = re.sub(r"(\n# .*)\n# ", r"\1 ", (folder / "hubconf.py").read_text())
    assert f"# Not verified: {reason}.\ndef other(" in text
    assert "(not verified: `no_such_package` is not installed)" in said
    assert "# Not verified: `no_such_package` is not installed.\ndef needy(" in text
    assert "(not verified: building it raises AssertionError: Torch not compiled with CUDA" in said
    assert "(not verified: building it downloads http://127.0.0.1:9/backbone.pth)" in said
    assert "Not verified" not in text.partition("def net(")[0].rpartition("\n\n\n")[2]


def test_models_that_do_not_work_are_not_proposed(made: tuple[Path, str]) -> None:
    folder, said = made
    assert not {"broken", "leaving", "identity"} & set(entrypoints(folder))
    assert re.search(r"\n  rival +nets\.py:\d+ \(builds\)\n", said)  # net.pt is the net's
    assert "Skipped broken: building it raises TypeError: " in said
    assert "Skipped leaving: building it raises SystemExit: 3" in said
    assert "Skipped identity: it has no weights" in said


def test_nothing_is_left_in_the_repo(made: tuple[Path, str]) -> None:
    folder, _ = made
    assert not [path for path in read_tree(folder) if "__pycache__" in path]


def test_weights_beside_the_repo_are_reported_with_the_command(tmp_path: Path) -> None:
    from torch import nn

    folder = write_tree(tmp_path / "here", {"nets.py": NETS, ".gitignore": "/check*\n"})
    states = {"model": net_state(), "optimizer": {"lr": 0.1}, "epoch": 3}
    save(folder, "checkpoints/net/last.ckpt", states)
    save(folder, "whole.pt", nn.Linear(2, 2))
    commit_files(folder, {})
    result = init("--bare", "--defaults", str(folder), build=True)
    command = "hubkit weights add checkpoints/net/last.ckpt --key model --to dist --wire net"
    line = f"Weights: checkpoints/net/last.ckpt: net loads it, but git does not track it. To publish it: {command}\n"
    assert line in result.stdout
    text = (folder / "hubconf.py").read_text()
    assert (
        "def net(\n    channels: int = 1,\n    num_classes: int = 2,\n    width: int = 12,\n"
        in text
    )
    assert "pretrained" not in text


def test_other_weights_of_a_model_are_reported_as_such(tmp_path: Path) -> None:
    from torch import nn

    sized = OTHER.replace("Other", "Sized").replace("(5, 5)", "(size, size)")
    folder = write_tree(tmp_path / "here", {"nets.py": HEAD + sized, "ncnn.bin": "no checkpoint"})
    for name, size in (("a", 3), ("b", 3), ("c", 4)):
        save(folder, f"weights/{name}.pt", linear("fixed", size, size))
    save(folder, "weights/whole.pt", nn.Linear(2, 2))
    save(folder, "weights/foreign.pt", linear("other", 3, 3))
    result = init("--bare", "--defaults", str(folder), build=True)
    lines = [line for line in result.stdout.splitlines() if line.startswith("Weights: ")]
    command = "hubkit weights add weights/whole.pt --state-dict --to dist --wire sized"  # the only entrypoint
    assert lines == [
        "Weights: skipped ncnn.bin: it is not a checkpoint of torch",
        "Weights: skipped weights/b.pt: sized can load it in place of weights/a.pt",
        "Weights: skipped weights/c.pt: sized can load it with size=4",
        "Weights: skipped weights/foreign.pt: no model loads it",
        f"Weights: weights/whole.pt is a pickled model. To publish its weights: {command}",
    ]


def test_without_a_model_that_works_nothing_is_written(tmp_path: Path) -> None:
    broken = HEAD + NETS[NETS.index("class Broken(") :]
    broken = broken.partition("class Fetching(")[0]
    folder = write_tree(tmp_path / "here", {"nets.py": broken})
    before = read_tree(folder)
    result = init("--defaults", str(folder), build=True)
    assert result.exit_code == 1
    assert "Skipped broken: building it raises TypeError: " in result.stdout
    assert "No files were written" in result.stdout
    assert read_tree(folder) == before
    result = init("--defaults", "--entrypoints", "broken", str(folder), build=True)
    assert result.exit_code == 0
    assert "# Not verified: building it raises TypeError: " in (folder / "hubconf.py").read_text()


def test_a_model_that_kills_the_process_does_not_hide_the_others(tmp_path: Path) -> None:
    deadly = OTHER.replace("Other", "Deadly").replace("self.fixed =", "__import__('os').abort()  #")
    folder = write_tree(tmp_path / "here", {"nets.py": HEAD + OTHER + deadly})
    result = init("--bare", "--defaults", str(folder), build=True)
    assert "  other  nets.py:7 (builds)\n" in result.stdout
    assert "Skipped deadly: building it crashed with SIGABRT\n" in result.stdout
    assert entrypoints(folder) == ["other"]


def test_without_torch_nothing_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    folder = write_tree(tmp_path / "here", {"nets.py": HEAD + OTHER})
    result = init("--bare", "--defaults", str(folder), build=True)
    assert "  other  nets.py:7 (not verified: torch is not installed)\n" in result.stdout
    text = (folder / "hubconf.py").read_text()
    assert "\n# Not verified: torch is not installed.\ndef other(" in text
