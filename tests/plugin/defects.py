"""Entrypoints that are each wrong in one way, beside a twin that does the same and is right.

``NAME`` stands for the entrypoint's name. What is above ``def NAME`` is private to it.
"""

from __future__ import annotations

from dataclasses import dataclass

_INPUT = 'input = "f32[B,4]"'


@dataclass(frozen=True, slots=True)
class Defect:
    """One mistake.

    Attributes:
        name: What it is called.
        code: The check that finds it.
        bad: Source of the entrypoint.
        good: Source of its twin.
        config: What is declared about both.
        feature: Whether it is a feature that is missing, and no mistake.
    """

    name: str
    code: str
    bad: str
    good: str
    config: str = _INPUT
    feature: bool = False


def _model(body: str, call: str = "", base: str = "_Net") -> str:
    """An entrypoint that gives a model with one thing changed."""
    inside = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    doc = '"""Score four numbers."""'
    return (
        f"class _NAME({base}):\n{inside}\n\n\n"
        f"def NAME(pretrained=False):\n    {doc}\n{call}    return _NAME()\n"
    )


def _call(body: str) -> str:
    """An entrypoint that does something before it gives the plain model."""
    inside = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
    return f'def NAME(pretrained=False):\n    """Score four numbers."""\n{inside}\n'


_PLAIN = _call("return _Net()")
_FORWARD = "def forward(self, x):\n    return super().forward(x)"


def _forward(body: str) -> str:
    return _model(f"def forward(self, x):\n    {body}")


DEFECTS = (
    Defect(
        "undeclared_lazy",
        "C102",
        _call("import numpy\nreturn _Net()"),
        _call("import math\nreturn _Net()"),
    ),
    Defect(
        "is_not_none",
        "C106",
        _call(
            "net = _Net()\nif pretrained is not None:\n"
            '    net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
            "return net"
        ),
        _call(
            "net = _Net()\nif pretrained:\n"
            '    net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
            "return net"
        ),
    ),
    Defect(
        "false_is_no_name",
        "C106",
        'def NAME(pretrained="imagenet"):\n    """Score four numbers."""\n    net = _Net()\n'
        "    if pretrained is not None:\n"
        '        net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
        "    return net\n",
        'def NAME(pretrained="imagenet"):\n    """Score four numbers."""\n    net = _Net()\n'
        "    if pretrained:\n"
        '        net.load_state_dict(_load_early("https://weights.example.org/n-0123abcd.pth"))\n'
        "    return net\n",
    ),
    Defect(
        "nested_hub",
        "C106",
        _call('_torch.hub.load("someone/else", "net")\nreturn _Net()'),
        _call('if pretrained:\n    _torch.hub.load("someone/else", "net")\nreturn _Net()'),
    ),
    Defect(
        "trainer_return",
        "C107",
        "class _NAME:\n    net = _Net()\n\n\n" + _call("return _NAME()"),
        "class _NAME:\n    net = _Net()\n\n\n" + _call("return _NAME().net"),
    ),
    Defect("pair_return", "C107", _call('return _Net(), ["cat", "dog"]'), _PLAIN),
    Defect("silent", "C104", "def NAME(pretrained=False):\n    return _Net()\n", _PLAIN),
    Defect(
        "partial_help",
        "C104",
        'def _NAME(width, pretrained=False):\n    """Score."""\n    return _Net(width)\n\n\n'
        "NAME = _partial(_NAME, 4)\n",
        _PLAIN,
    ),
    Defect(
        "reserved_verbose",
        "C105",
        'def NAME(verbose=False):\n    """Score four numbers."""\n    return _Net()\n',
        'def NAME(loud=False):\n    """Score four numbers."""\n    return _Net()\n',
    ),
    Defect(
        "fails",
        "C106",
        _call('return _Net(width="four")'),
        _call("return _Net(width=4)"),
    ),
    Defect(
        "registers_in_call",
        "C108",
        '_NAME = set()\n\n\n'
        + _call('if "NAME" in _NAME:\n    raise KeyError("twice")\n_NAME.add("NAME")\nreturn _Net()'),
        '_NAME = set()\n\n\n' + _call('_NAME.add("NAME")\nreturn _Net()'),
    ),
    Defect(
        "state_on_load",
        "C109",
        _call("_torch.set_default_dtype(_torch.float64)\nreturn _Net().float()"),
        _call(
            "old = _torch.get_default_dtype()\n_torch.set_default_dtype(_torch.float64)\n"
            "try:\n    return _Net().float()\nfinally:\n    _torch.set_default_dtype(old)"
        ),
    ),
    Defect(
        "environment_on_load",
        "C109",
        _call('_os.environ["NAME"] = "1"\nreturn _Net()'),
        _call('_os.environ.get("NAME")\nreturn _Net()'),
    ),
    Defect(
        "reseeds",
        "C110",
        _call("_torch.manual_seed(0)\nreturn _Net()"),
        _call("with _torch.random.fork_rng():\n    _torch.manual_seed(0)\n    return _Net()"),
    ),
    Defect(
        "prints",
        "C111",
        _call('print("loading")\nreturn _Net()'),
        _call('if pretrained:\n    print("loading")\nreturn _Net()'),
        feature=True,
    ),
    Defect(
        "wrong_input",
        "C201",
        _call("return _Net(inputs=5)"),
        _PLAIN,
    ),
    Defect(
        "wrong_output",
        "C202",
        _forward("return super().forward(x)[:, :1]"),
        _model(_FORWARD),
        f'{_INPUT}\noutput = "f32[B,2]"',
    ),
    Defect(
        "not_finite",
        "C203",
        _forward("return super().forward(x) / (x[:, :2] - x[:, :2])"),
        _forward("return super().forward(x) / (x[:, :2].abs() + 1)"),
    ),
    Defect(
        "noisy",
        "C204",
        _forward("return super().forward(_F.dropout(x, 0.5))"),
        _forward("return super().forward(_F.dropout(x, 0.5, self.training))"),
    ),
    Defect(
        "remembers",
        "C204",
        _model(
            "last = 0\n\ndef forward(self, x):\n    self.last = self.last + 1\n"
            "    return super().forward(x) * self.last"
        ),
        _model("last = 0\n\ndef forward(self, x):\n    return super().forward(x) * (self.last + 1)"),
    ),
    Defect(
        "counts",
        "C205",
        _model(
            'def __init__(self):\n    super().__init__()\n'
            '    self.register_buffer("seen", _torch.zeros(1))\n\n'
            "def forward(self, x):\n    self.seen += 1\n    return super().forward(x)"
        ),
        _model(
            'def __init__(self):\n    super().__init__()\n'
            '    self.register_buffer("seen", _torch.zeros(1))\n\n'
            "def forward(self, x):\n    if self.training:\n        self.seen += 1\n"
            "    return super().forward(x)"
        ),
    ),
    Defect(
        "writes_to_input",
        "C205",
        _forward("y = super().forward(x); x.zero_(); return y"),
        _forward("y = super().forward(x); x.clone().zero_(); return y"),
    ),
    Defect(
        "draws",
        "C205",
        _forward("_torch.rand(1); return super().forward(x)"),
        _forward("_torch.ones(1); return super().forward(x)"),
    ),
    Defect(
        "train_gives_nothing",
        "C206",
        _model("def train(self, mode=True):\n    super().train(mode)"),
        _model("def train(self, mode=True):\n    return super().train(mode)"),
    ),
    Defect(
        "secret_in_state",
        "C207",
        _model('def get_extra_state(self):\n    return {"decode": lambda x: x}\n\n'
               "def set_extra_state(self, state):\n    pass"),
        _model('def get_extra_state(self):\n    return {"decode": 1}\n\n'
               "def set_extra_state(self, state):\n    pass"),
    ),
    Defect(
        "counted_names",
        "C207",
        "_NAME = []\n\n\n"
        + _call('_NAME.append(1)\nnet = _Net()\n'
                'net.add_module(f"head{len(_NAME)}", _torch.nn.Linear(2, 2))\nreturn net'),
        "_NAME = []\n\n\n"
        + _call('_NAME.append(1)\nnet = _Net()\n'
                'net.add_module("head", _torch.nn.Linear(2, 2))\nreturn net'),
    ),
    Defect(
        "hidden_tensor",
        "C207",
        _model("def __init__(self):\n    super().__init__()\n    self.mix = _torch.rand(2)\n\n"
               "def forward(self, x):\n    return super().forward(x) * self.mix.to(x)"),
        _model("def __init__(self):\n    super().__init__()\n"
               '    self.register_buffer("mix", _torch.rand(2))\n\n'
               "def forward(self, x):\n    return super().forward(x) * self.mix"),
    ),
    Defect(
        "tied",
        "C208",
        _model("def __init__(self):\n    super().__init__()\n    self.again = self.layers[0]"),
        _model("def __init__(self):\n    super().__init__()\n    self.again = None"),
        feature=True,
    ),
    Defect(
        "lock",
        "C209",
        _model("def __init__(self):\n    super().__init__()\n    self.lock = _threading.Lock()"),
        _model("def __init__(self):\n    super().__init__()\n    self.lock = None"),
    ),
    Defect(
        "class_in_hubconf",
        "C210",
        _model("pass"),
        _PLAIN,
        feature=True,
    ),
    Defect(
        "lambda_inside",
        "C313",
        _model("def __init__(self):\n    super().__init__()\n    self.act = lambda x: x"),
        _model("def __init__(self):\n    super().__init__()\n    self.act = abs"),
        feature=True,
    ),
    Defect(
        "batch_mean",
        "C211",
        _forward("return super().forward(x - x.mean())"),
        _forward("return super().forward(x - x.mean(1, keepdim=True))"),
    ),
    Defect(
        "no_gradient",
        "C212",
        _forward("return super().forward(x).detach()"),
        _model(_FORWARD),
        f"{_INPUT}\ntrainable = true",
    ),
    Defect(
        "one_type_only",
        "C213",
        _forward("return super().forward(x.float())"),
        _forward("return super().forward(x)"),
        feature=True,
    ),
    Defect(
        "cpu_tensor",
        "C214",
        _forward("return super().forward(x) + _torch.ones(2)"),
        _forward("return super().forward(x) + x.new_ones(2)"),
        feature=True,
    ),
    Defect(
        "state_on_forward",
        "C216",
        _forward("_torch.set_num_threads(1 + _torch.get_num_threads()); return super().forward(x)"),
        _forward("_torch.get_num_threads(); return super().forward(x)"),
    ),
    Defect(
        "uncommitted",
        "C301",
        _call("from shapes import secret\nreturn _Net()"),
        _call("from shapes import public\nreturn _Net()"),
    ),
    Defect(
        "cwd_path",
        "C301",
        _call('with open("shapes/classes.txt") as file:\n    file.read()\nreturn _Net()'),
        _call(
            'with open(_os.path.join(_os.path.dirname(__file__), "shapes/classes.txt")) as file:\n'
            "    file.read()\nreturn _Net()"
        ),
    ),
    Defect(
        "lazy_forward_import",
        "C302",
        _forward("import shapes_late; return super().forward(x)"),
        _forward("import shapes.public; return super().forward(x)"),
    ),
    Defect(
        "writes_beside_code",
        "C302",
        _forward(
            '_Path(__file__).with_name("NAME.txt").write_text("x"); return super().forward(x)'
        ),
        _forward('_Path(__file__).with_name("NAME.txt").exists(); return super().forward(x)'),
    ),
    Defect(
        "seeded_by_clock",
        "C304",
        _call("g = _torch.Generator()\ng.seed()\nnet = _Net()\n"
              "_torch.nn.init.normal_(net.layers[0].weight, generator=g)\nreturn net"),
        _call("net = _Net()\n_torch.nn.init.normal_(net.layers[0].weight)\nreturn net"),
    ),
)  # fmt: skip

# Features that go with another defect: what cannot be copied cannot be changed or sent either.
_ALSO_MISSING = {"lock": {"C213", "C214", "C313"}, "not_finite": {"C213"}}


def missing_features(defect: Defect, source: str) -> set[str]:
    """Features that an entrypoint of that source cannot have."""
    missing = {"C210"} if "class _NAME(" in source else set()
    if "get_extra_state" in source:
        missing.add("C208")
    if source is not defect.bad:
        return missing
    return (
        missing
        | _ALSO_MISSING.get(defect.name, set())
        | ({defect.code} if defect.feature else set())
    )


_HEAD = '''
"""Entrypoints, each wrong in one way, and their twins."""

import os as _os
import threading as _threading
from functools import partial as _partial
from pathlib import Path as _Path

import torch as _torch
import torch.nn.functional as _F
from torch.hub import load_state_dict_from_url as _load_early

import shapes.public
from shapes.model import Net as _Net

dependencies = ["torch"]
'''

MODEL = '''
"""The model."""

import torch


class Net(torch.nn.Module):
    """A small net with all that has a training mode."""

    def __init__(self, width=4, inputs=4):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(inputs, width),
            torch.nn.BatchNorm1d(width),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(width, 2),
        )

    def forward(self, x):
        return self.layers(x)
'''


def make_repo() -> dict[str, str]:
    """The files of a repo with all of them."""
    parts, tables = [_HEAD], []
    for defect in DEFECTS:
        for name, source in (
            (f"bad_{defect.name}", defect.bad),
            (f"good_{defect.name}", defect.good),
        ):
            parts.append(source.replace("NAME", name))
            tables.append(f"[entrypoints.{name}]\n{defect.config}\n")
    return {
        "hubconf.py": "\n\n".join(parts),
        "shapes/__init__.py": "",
        "shapes/model.py": MODEL,
        "shapes/public.py": "",
        "shapes_late.py": "",
        "shapes/secret.py": "",
        "shapes/classes.txt": "cat\ndog\n",
        ".gitignore": "secret.py\n",
        "hubkit.toml": "\n".join(tables),
    }
