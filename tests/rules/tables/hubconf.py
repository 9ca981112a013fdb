"""Cases of one file for the rules HUB0xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB001": {
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB002": {
        "bad": """\
def net(:  # expect: HUB002
    return 1
""",
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_modern_syntax": '''\
dependencies = ["torch"]

import torch as _torch


def net(name: str = "small", /, *, pretrained: bool = False):
    """A line; name says which size, pretrained is not used yet."""
    match name:
        case "small":
            width = 1
        case _:
            width = 2
    if (doubled := width * 2) > 2:
        width = doubled
    return _torch.nn.Linear(width, 1)
''',
    },
    "HUB004": {
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch

from acme import WIDTH as _WIDTH  # expect: HUB004


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB005": {
        "bad": '''\
dependencies = ["torch"]

import os as _os
import sys as _sys

import torch as _torch

_sys.path.insert(0, _os.path.join(_os.path.dirname(__file__), "src"))  # expect: HUB005


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_main_guard": '''\
dependencies = ["torch"]

import sys as _sys

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)

if __name__ == "__main__":
    _sys.path.insert(0, ".")
''',
    },
    "HUB008": {
        "bad": '''\
from __future__ import annotations as _annotations

dependencies = ["torch"]

import sys as _sys
from dataclasses import dataclass as _dataclass

import torch as _torch

_SELF = _sys.modules[__name__]  # expect: HUB008


@_dataclass
class _Options:  # expect: HUB008
    width: int = 1


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

from dataclasses import dataclass as _dataclass

import torch as _torch


@_dataclass
class _Options:
    width: int = 1


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_plain_dataclass_and_a_careful_look": '''\
dependencies = ["torch"]

import sys as _sys
from dataclasses import dataclass as _dataclass

import torch as _torch

_SELF = _sys.modules.get(__name__)


@_dataclass
class _Options:
    width: int = 1


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB009": {
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_made_at_run_time": """\
dependencies = ["torch"]

import torch as _torch

for _name in dir(_torch.nn):
    globals()[_name] = _torch.nn.Linear  # expect: HUB210
""",
    },
    "HUB010": {
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net():
    """A line."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_torch_too": '''\
dependencies = ["torch", "paddle"]

import paddle as _paddle
import torch as _torch


def net():
    """A line, converted from paddle's."""
    return _torch.nn.Linear(1, len(_paddle.__version__))
''',
    },
    "HUB011": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


class _Net(_torch.nn.Linear):  # expect: HUB402
    def __init__(self, width):
        super().__init__(width, 1)
        self.scale = math.sqrt(width)  # expect: HUB011
        self.parts = [_Part(one) for one in range(width)]  # expect: HUB011


def _load(model):
    def inner():
        return missing  # expect: HUB011

    model.load_state_dict(load_from(_URL))  # expect: HUB011, HUB011
    return inner


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _Net(1)
    if pretrained:
        _load(model)
    return model
''',
        "good": '''\
dependencies = ["torch"]

import math as _math

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(int(_math.sqrt(1)), 1)
''',
        "bad_in_one_of_two_functions": '''\
dependencies = ["torch"]

import torch as _torch


def _read():
    return width  # expect: HUB011


def _double(width):
    return 2 * width


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_double(1), _read())
''',
        "trap_bound_in_other_ways": '''\
dependencies = ["torch"]

import sys as _sys
from typing import TYPE_CHECKING as _TYPE_CHECKING

import torch as _torch

if _TYPE_CHECKING:
    from typing import Any as _Any
if _sys.version_info < (3,):
    _text = unicode


def _unused():
    return undefined


def _set():
    global _made
    _made = 1


class _Base:
    width = 1
    twice = width * 2

    def name(self):
        return __class__.__name__


def net(pretrained: bool = False, *sizes: int, **options: int):
    """A line; pretrained, sizes and options are not used yet."""
    _set()
    pairs = [(a, b) for a, b in zip(sizes, sizes) if (c := a + b)]
    try:
        text = basestring
    except NameError as error:
        text = str(error)
    if _sys.version_info[0] == 2:
        text = unicode(text)
    both = lambda x, y=1: (x, y, c)
    for index, (left, *rest) in enumerate(pairs):
        both(index, left)
    match text:
        case {"a": found, **others}:
            print(found, others, rest, options, _made, __file__)
    hint: Missing = 1
    print(hint, _Base().name())
    return _torch.nn.Linear(1, 1)
''',
        "trap_names_made_at_run_time": '''\
dependencies = ["torch"]

import torch as _torch

for _name in dir(_torch.nn):
    globals()[_name] = _torch.nn.Linear  # expect: HUB210


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _small(1, 1)
''',
    },
    "HUB012": {
        "bad": '''\
dependencies = ["torch", "numpy", "timm", "torchaudio"]

import imp as _imp  # expect: HUB012
import telnetlib as _telnetlib  # expect: HUB012
from collections import Mapping as _Mapping  # expect: HUB012

import numpy as _np
import timm as _timm
import torch as _torch
import torchaudio as _torchaudio
from timm.models.layers.activations import Swish as _Swish  # expect: HUB012
from torch._six import container_abcs as _abcs  # expect: HUB012
from torch.nn.modules.linear import _LinearWithBias  # expect: HUB012

_torchaudio.set_audio_backend("sox")  # expect: HUB012
_TYPE = _np.float  # expect: HUB012
_STRING = _np.string_  # expect: HUB012


def _find(width):
    return _np.product(width)  # expect: HUB012


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_find(1), 1)
''',
        "good": '''\
dependencies = ["torch"]

from collections import abc as _abc

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_prepared_or_similar": '''\
dependencies = ["torch", "numpy", "timm"]

import sys as _sys

import numpy as _np
import torch as _torch
from timm.models.layers import DropPath as _DropPath

try:
    from torch._six import container_abcs as _abcs
except ImportError:
    from collections import abc as _abcs
try:
    _FLOAT = _np.float
except AttributeError:
    _FLOAT = float
if _sys.version_info < (3, 12):
    import imp as _imp
_BOOL = _np.bool
_KIND = _np.float32


def _unused():
    return _np.int(1)


class _Holder:
    product = 1


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_Holder.product, 1)
''',
    },
}
