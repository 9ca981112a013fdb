"""Cases of one file for the rules HUB1xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB101": {
        "bad": '''\
import timm as _timm  # expect: HUB101


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    return _timm.create_model("resnet18", pretrained=pretrained)
''',
        "good": '''\
dependencies = ["timm", "torch"]

import timm as _timm


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    return _timm.create_model("resnet18", pretrained=pretrained)
''',
        "fixed": '''\
dependencies = ["torch", "timm"]

import timm as _timm  # expect: HUB101


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    return _timm.create_model("resnet18", pretrained=pretrained)
''',
        "trap_guarded": '''\
import torch as _torch

try:
    import apex as _apex
except ImportError:
    _apex = None


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_torch_only": '''\
import math as _math

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_type_checking": '''\
from typing import TYPE_CHECKING as _TYPE_CHECKING

import torch as _torch

if _TYPE_CHECKING:
    import numpy as _np


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB102": {
        "bad": '''\
dependencies = "torch"  # expect: HUB102

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "bad_and_all_that_would_follow": '''\
dependencies = "torch, timm==0.9, pyyaml"  # expect: HUB102

import timm as _timm
import torch as _torch
import yaml as _yaml


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return _timm.create_model(_yaml.safe_load("resnet18"))
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = ["torch"]  # expect: HUB102

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_put_together_from_literals": '''\
_EXTRA = ["timm"]
dependencies = ["torch"] + _EXTRA
dependencies += ["einops"]

import einops as _einops
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_set_and_annotation": '''\
dependencies: "set[str]" = {"torch"}

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_tuple": '''\
dependencies = ("torch",)

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB103": {
        "bad": '''\
dependencies = [
    "torch",
    "pyyaml",  # expect: HUB103
    "opencv-python",  # expect: HUB103
    "dora-search",  # expect: HUB103
    "some-thing",  # expect: HUB103
]

import cv2 as _cv2
import dora as _dora
import some_thing as _some_thing
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_distributions_with_a_module_of_their_name": '''\
dependencies = ["torch", "matplotlib", "setuptools", "attrs", "pymupdf"]

import attr as _attr
import fitz as _fitz
import pkg_resources as _pkg_resources  # expect: HUB012
import torch as _torch
from mpl_toolkits import mplot3d as _mplot3d


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch", "yaml", "cv2", "dora", "some_thing"]

import cv2 as _cv2
import dora as _dora
import some_thing as _some_thing
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = [
    "torch",
    "yaml",  # expect: HUB103
    "cv2",  # expect: HUB103
    "dora",  # expect: HUB103
    "some_thing",  # expect: HUB103
]

import cv2 as _cv2
import dora as _dora
import some_thing as _some_thing
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_dotted": '''\
dependencies = ["torch", "google.protobuf"]

import google.protobuf as _protobuf
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_valid_in_both_spaces": '''\
dependencies = ["torch", "timm", "einops", "clip", "faiss", "pytorch_lightning"]

import clip as _clip
import einops as _einops
import faiss as _faiss
import pytorch_lightning as _lightning
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB104": {
        "bad": '''\
dependencies = [
    "torch>=2.0",  # expect: HUB104
    "timm==0.9.1",  # expect: HUB104
    "hydra-core[all]",  # expect: HUB104
    "numpy ",  # expect: HUB104
    "git+https://example.org/thing",  # expect: HUB104
]

import hydra as _hydra
import numpy as _np
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "bad_version_of_another_name": '''\
dependencies = [
    "torch>=2.0",  # expect: HUB104
    "PyYAML==6.0",  # expect: HUB104
    "timm",
]

import timm as _timm
import torch as _torch
import yaml as _yaml


def net(pretrained=False):
    """A network; pretrained is not used yet."""
    return _timm.create_model(_yaml.safe_load("resnet18"))
''',
        "good": '''\
dependencies = ["torch", "timm", "hydra", "numpy"]

import hydra as _hydra
import numpy as _np
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = [
    "torch",  # expect: HUB104
    "timm",  # expect: HUB104
    "hydra",  # expect: HUB104
    "numpy",  # expect: HUB104
    "git+https://example.org/thing",  # expect: HUB104
]

import hydra as _hydra
import numpy as _np
import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB105": {
        "good": '''\
dependencies = ["torch", "timm", "yaml"]

import timm as _timm
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    import yaml

    return _torch.nn.Linear(len(yaml.__version__), 1)
''',
        "fixed": '''\
dependencies = ["torch", "timm", "yaml", "einops"]

import timm as _timm  # expect: HUB105
import torch as _torch

from acme import head as _head


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    import yaml  # expect: HUB105

    return _torch.nn.Linear(len(yaml.__version__), 1)
''',
        "bad_what_a_module_of_torch_needs": '''\
dependencies = ["torch"]

import torch as _torch
from torch.utils.tensorboard import SummaryWriter as _SummaryWriter  # expect: HUB105


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_SummaryWriter.__flags__, 1)
''',
        "trap_what_a_module_of_torch_needs": '''\
dependencies = ["torch", "tensorboard"]

import torch as _torch
from torch.utils.tensorboard import SummaryWriter as _SummaryWriter


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(_SummaryWriter.__flags__, 1)
''',
        "trap_declared_by_its_other_name": '''\
dependencies = ["torch", "yaml", "PIL", "skimage"]

import PIL.Image as _Image
import skimage.io as _io
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_guarded": '''\
dependencies = ["torch"]

import contextlib as _contextlib

import torch as _torch

try:
    import apex as _apex
except ImportError:
    _apex = None
try:
    import mmcv as _mm
except ModuleNotFoundError:
    try:
        import mmengine as _mm
    except ModuleNotFoundError:
        _mm = None
with _contextlib.suppress(ImportError):
    import xformers as _xformers


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_main_guard": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)

if __name__ == "__main__":
    import cv2

    print(cv2)
''',
        "trap_platform": '''\
dependencies = ["torch"]

import importlib.util as _util
import sys as _sys

import torch as _torch

if _sys.platform == "win32":
    import win32api as _win32api
if _sys.version_info < (3, 8):
    import importlib_metadata as _metadata
else:
    import importlib.metadata as _metadata
if _util.find_spec("flash_attn") is not None:
    import flash_attn as _flash_attn


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_type_checking": '''\
dependencies = ["torch"]

import typing as _typing

import torch as _torch

if _typing.TYPE_CHECKING:
    import numpy as _np


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB106": {
        "bad": '''\
dependencies = ["torch", "torchvision"]  # expect: HUB106

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch", "torchvision"]

import torch as _torch
import torchvision as _torchvision


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = ["torch"]  # expect: HUB106

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_needed_by_another": '''\
dependencies = ["torch", "timm", "torchvision", "xformers"]

import importlib as _importlib

import timm as _timm

_xformers = _importlib.import_module("xformers.ops")


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _timm.create_model("resnet18", pretrained=pretrained)
''',
    },
    "HUB107": {
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = [
    "torch",
]

import torch as _torch

import acme as _acme


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed_in_one_line": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_backport": '''\
dependencies = ["torch", "importlib_resources"]

import importlib_resources as _resources
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB108": {
        "bad": '''\
dependencies = ["torch", "timm"]

import timm as _timm  # expect: HUB108
import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch", "timm"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    import timm

    return timm.create_model("resnet18", pretrained=pretrained)
''',
    },
    "HUB109": {
        "bad_no_file_at_all": '''\
dependencies = ["torch"]  # expect: HUB109

import torch as _torch


def net(pretrained: bool = False, width: int = 1):
    """A line as wide as width; pretrained is not used yet."""
    return _torch.nn.Linear(width, 1)
''',
    },
}
