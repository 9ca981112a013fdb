"""Models of many kinds, healthy and broken: what they take and return, and how they must be judged.

``NAME`` stands for the entrypoint's name, ``BODY`` classes have a layer ``self.fc``.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

HEADER = """
import dataclasses as _dataclasses
import enum as _enum

import torch as _torch
from torch import nn as _nn

dependencies = ["torch"]


class _Net(_nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = _nn.Linear(4, 4)


class _Box:
    def __init__(self, **parts):
        vars(self).update(parts)
        self.me = self


class _Slots:
    __slots__ = ("scores",)

    def __init__(self, scores):
        self.scores = scores


@_dataclasses.dataclass
class _Scores:
    logits: object
    note: object = None


class _Label(_enum.Enum):
    CAT = 1
    DOG = 2


class _Graph:
    def __init__(self, x):
        self.x = x


async def _chunks(values):
    for value in values:
        yield value
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of model.

    Attributes:
        name: Its name.
        source: The entrypoint.
        failed: Codes of the checks that must fail.
        reached: Whether level 2 must be reached.
        config: What is declared.
    """

    name: str
    source: str
    failed: tuple[str, ...] = ()
    reached: bool = True
    config: str = 'input = "f32[B,4]"'


def _entrypoint(name: str, made: str) -> str:
    return f'def {name}():\n    """A model."""\n    return {made}\n'


def _forward(body: str, name: str, setup: str = "") -> str:
    """An entrypoint whose model has this forward, and more in its constructor."""
    inside = indent(dedent(body).strip(), "        ")
    init = ""
    if setup:
        lines = indent(dedent(setup).strip(), "        ")
        init = f"    def __init__(self):\n        super().__init__()\n{lines}\n\n"
    head = body.startswith(("def ", "async def ", "@"))
    method = (
        indent(dedent(body).strip(), "    ") if head else f"    def forward(self, x):\n{inside}"
    )
    return f"class _{name}(_Net):\n{init}{method}\n\n\n{_entrypoint(name, f'_{name}()')}"


def _kind(
    name: str,
    body: str,
    *failed: str,
    reached: bool | None = None,
    setup: str = "",
    config: str = 'input = "f32[B,4]"',
) -> Kind:
    done = not failed if reached is None else reached
    return Kind(name, _forward(body, name, setup), failed, done, config)


_GRADIENTS = """\
x = x.detach().requires_grad_(True)
energy = self.fc(x).tanh().sum(1)
return energy, -_torch.autograd.grad(energy.sum(), x)[0]
"""
_COUNT = "self.calls = 0"
_STATE = 'self.register_buffer("state", _torch.zeros(4), persistent=False)'
_MOVE = "self.state = self.state + 1\nreturn self.fc(x) + self.state"
_TIME = "self.rnn = _nn.GRU(4, 4)"

HEALTHY = (
    _kind("plain", "return self.fc(x)"),
    _kind("mapping", 'return {"a": self.fc(x), "b": [x]}'),
    _kind("dataclass", 'return _Scores(self.fc(x), "as it is")'),
    _kind("box", "return _Box(logits=self.fc(x), size=4)"),
    _kind("slots", "return _Slots(self.fc(x))"),
    _kind("distribution", "return _torch.distributions.Normal(self.fc(x), 1.0)"),
    _kind("generator", "for row in x.split(1):\n    yield self.fc(row)"),
    _kind("coroutine", "async def forward(self, x):\n    return self.fc(x)"),
    _kind("async_generator", "return _chunks(self.fc(x).split(1))"),
    _kind("texts", 'return [f"thing {n}" for n in self.fc(x).argmax(1).tolist()]'),
    _kind("numbers", "return self.fc(x).argmax(1).tolist()"),
    _kind("number", "return self.fc(x).sum().item()"),
    _kind("labels", "return [_Label.CAT if n else _Label.DOG for n in (self.fc(x).sum(1) > 0)]"),
    _kind("array", "return self.fc(x).detach().numpy()"),
    _kind("sparse", "return self.fc(x).relu().to_sparse()"),
    _kind("rows", "return self.fc(x).relu().to_sparse_csr()"),
    _kind(
        "jagged",
        "return _torch.nested.nested_tensor(list(self.fc(x)), layout=_torch.jagged)",
    ),
    _kind("complex_numbers", "return _torch.fft.fft(self.fc(x))"),
    _kind("forces", f"@_torch.enable_grad()\ndef forward(self, x):\n{indent(_GRADIENTS, '    ')}"),
    _kind("time_first", "return self.rnn(x)[0]", setup=_TIME,
          config='input = "f32[T,B,4]"\ndims = { T = 2 }'),
    _kind("images", "return [{'score': self.fc(one)} for one in x]", config=""),
    _kind("graph", "return self.fc(x.x)", config=""),
    _kind("streaming", _MOVE, setup=_STATE, config='input = "f32[B,4]"\nstateful = true'),
    _kind("resetting", f"def reset(self):\n    self.state.zero_()\n\ndef forward(self, x):\n"
          f"{indent(_MOVE, '    ')}", setup=_STATE,
          config='input = "f32[B,4]"\nstateful = "reset"'),
    Kind("modules", _entrypoint("modules", '_nn.ModuleDict({"a": _nn.Linear(4, 2)})'),
         config='kind = "bundle"\ninput = "f32[B,4]"'),
    Kind("exported", _entrypoint(
        "exported", "_torch.export.export(_nn.Linear(4, 2), (_torch.randn(2, 4),))"),
        config='kind = "utility"\ninput = "f32[2,4]"'),
    Kind("exported_module", _entrypoint(
        "exported_module", "_torch.export.export(_nn.Linear(4, 2), (_torch.randn(2, 4),)).module()"),
        config='input = "f32[2,4]"\ntrainable = false'),
    _kind("wide", "for layer in self.many:\n    x = layer(x) * 2.9\nreturn x",
          setup="self.many = _nn.ModuleList(_nn.Linear(4, 4) for _ in range(40))"),
)  # fmt: skip

BROKEN = (
    _kind("generator_fails", "for row in x.split(1):\n    yield self.no_such(row)", "C201"),
    _kind("coroutine_fails", "async def forward(self, x):\n    return self.no_such(x)", "C201"),
    _kind("async_generator_fails", "return _chunks(self.no_such(x))", "C201"),
    _kind("forces_unguarded", _GRADIENTS, "C201"),
    _kind("no_reset", "return self.fc(x)", "C201",
          config='input = "f32[B,4]"\nstateful = "no_such"'),
    _kind("nan_in_box", "return _Box(logits=self.fc(x) / 0)", "C203"),
    _kind("nan_number", "return float('nan')", "C203"),
    _kind("nan_in_sparse", "return (self.fc(x) / 0).to_sparse()", "C203"),
    _kind("nan_in_distribution",
          "return _torch.distributions.Normal(self.fc(x) / 0, 1.0, validate_args=False)", "C203"),
    _kind("noisy_texts", 'self.calls += 1\nreturn [f"{self.calls}"]', "C204", setup=_COUNT),
    _kind("noisy_numbers", "self.calls += 1\nreturn self.calls", "C204", setup=_COUNT),
    _kind("noisy_lists", "self.calls += 1\nreturn [1.5, self.calls]", "C204", setup=_COUNT),
    _kind("noisy_box", "return _Box(logits=_torch.rand(2))", "C204"),
    _kind("noisy_slots", "return _Slots(_torch.rand(2))", "C204"),
    _kind("noisy_array", "return _torch.rand(2).numpy()", "C204"),
    _kind("noisy_sparse", "return self.fc(_torch.rand_like(x)).to_sparse()", "C204"),
    _kind("noisy_jagged",
          "return _torch.nested.nested_tensor([_torch.rand(2, 4), x], layout=_torch.jagged)",
          "C204"),
    _kind("noisy_generator", "for row in x.split(1):\n    yield _torch.rand(1)", "C204"),
    _kind("noisy_coroutine", "async def forward(self, x):\n    return _torch.rand(2)", "C204"),
    _kind("noisy_labels",
          "self.calls += 1\nreturn list(_Label)[self.calls % 2]", "C204", setup=_COUNT),
    _kind("noisy_distribution", "return _torch.distributions.Normal(_torch.rand(2), 1.0)", "C204"),
    _kind("moving_buffer", _MOVE, "C205", setup=_STATE),
    _kind("spoiled_graph", "x.x += 1\nreturn self.fc(x.x)", "C205", config=""),
    _kind("spoiled_images", "x[0].zero_()\nreturn [self.fc(one) for one in x]", "C205", config=""),
    _kind("time_first_mixes", "y = self.rnn(x)[0]\nreturn y - y.mean(1, keepdim=True)", "C211",
          setup=_TIME, config='input = "f32[T,B,4]"\ndims = { T = 2 }'),
    _kind("images_mix",
          "mean = sum(x) / len(x)\nreturn [{'score': self.fc(one - mean)} for one in x]",
          "C211", config=""),
    _kind("texts_mix",
          'best = self.fc(x).sum().item()\nreturn [f"{best > 0} {best}" for _ in x]', "C211"),
    _kind("batch_statistics", "return self.norm(self.fc(x))", "C211",
          setup="self.norm = _nn.BatchNorm1d(4, track_running_stats=False)"),
    _kind("uncopyable", "return self.fc(x)", "C209", setup="self.twice = self.fc.weight * 2"),
    _kind("box_mixes", "return _Box(logits=self.fc(x) - self.fc(x).mean(0))", "C211"),
    # Nothing in them can be looked at, which is not the same as right.
    _kind("closure", "return lambda: self.fc(x)", reached=False),
    _kind("nothing", "self.fc(x)", reached=False),
    Kind("on_meta", _entrypoint("on_meta", '_nn.Linear(4, 2, device="meta")'), reached=False),
    Kind("uncalled", _entrypoint("uncalled", '_nn.ModuleDict({"a": _nn.ModuleList()})'),
         reached=False, config='kind = "bundle"\ninput = "f32[B,4]"'),
)  # fmt: skip

CONFTEST = """
import torch
import hubconf_graph


def pytest_hubkit_inputs(entrypoint, model, dims):
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(1))
    if "images" in entrypoint.name:
        return {"args": ([x[0], x[1]],)}
    if "graph" in entrypoint.name:
        return {"args": (hubconf_graph.Graph(x),)}
"""
GRAPH = "class Graph:\n    def __init__(self, x):\n        self.x = x\n"


def make_repo(kinds: tuple[Kind, ...]) -> dict[str, str]:
    """The files of a repo with an entrypoint for each kind."""
    return {
        "hubconf.py": "\n\n".join((HEADER, *(one.source for one in kinds))),
        "hubkit.toml": "\n".join(f"[entrypoints.{one.name}]\n{one.config}" for one in kinds),
        "conftest.py": CONFTEST,
        "hubconf_graph.py": GRAPH,
    }
