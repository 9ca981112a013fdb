"""Cases of one file for the rules HUB7xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB701": {
        "bad": '''\
dependencies = ["torch", "torchvision"]

import urllib.request as _request

import torch as _torch
from torchvision import datasets

_LABELS = _request.urlopen("https://example.org/labels.txt").read()  # expect: HUB701
_DIGITS = datasets.MNIST("data", download=True)  # expect: HUB701


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch", "torchvision"]

import urllib.request as _request

import torch as _torch
from torchvision import datasets

_DIGITS = datasets.FakeData(size=8)


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    labels = _request.urlopen("https://example.org/labels.txt").read()
    return _torch.nn.Linear(1, len(labels))
''',
        "trap_main_guard": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)

if __name__ == "__main__":
    import urllib.request

    urllib.request.urlopen("https://example.org/labels.txt")
''',
    },
    "HUB702": {
        "bad": '''\
dependencies = ["torch"]

import os as _os
import subprocess as _subprocess

import torch as _torch


def _install():
    _subprocess.check_call(["pip", "install", "timm"])  # expect: HUB702


_install()


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    _os.system("nvidia-smi")  # expect: HUB702
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB703": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, config: dict = {"sizes": "(1, 1)"}):
    """A line of the sizes in config; pretrained is not used yet."""
    return _torch.nn.Linear(*eval(config["sizes"]))  # expect: HUB703
''',
        "good": '''\
dependencies = ["torch"]

import ast as _ast

import torch as _torch


def net(pretrained: bool = False, sizes: str = "(1, 1)"):
    """A line of these sizes; pretrained is not used yet."""
    return _torch.nn.Linear(*_ast.literal_eval(sizes))
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch
import ast as _ast


def net(pretrained: bool = False, config: dict = {"sizes": "(1, 1)"}):
    """A line of the sizes in config; pretrained is not used yet."""
    return _torch.nn.Linear(*_ast.literal_eval(config["sizes"]))  # expect: HUB703
''',
        "trap_methods_and_literals": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(eval("1"), 1).eval()
''',
    },
    "HUB704": {
        "bad": '''\
dependencies = ["torch", "yaml"]

import pickle as _pickle

import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _pickle.load(stream)  # expect: HUB704
        config = _yaml.load(stream)  # expect: HUB704
    return _torch.nn.Linear(sizes, config)
''',
        "good": '''\
dependencies = ["torch", "yaml"]

import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _yaml.safe_load(stream)
    return _torch.nn.Linear(sizes, 1)
''',
        "fixed": '''\
dependencies = ["torch", "yaml"]

import pickle as _pickle

import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _pickle.load(stream)  # expect: HUB704
        config = _yaml.safe_load(stream)  # expect: HUB704
    return _torch.nn.Linear(sizes, config)
''',
        "trap_safe_loader": '''\
dependencies = ["torch", "yaml", "numpy"]

import numpy as _np
import torch as _torch
import yaml as _yaml


def net(pretrained: bool = False, path: str = ""):
    """A line; pretrained is not used yet, path names its sizes."""
    with open(path, "rb") as stream:
        sizes = _yaml.load(stream, Loader=_yaml.SafeLoader)
    return _torch.nn.Linear(sizes, _np.load(path))
''',
    },
    "HUB705": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


_torch.manual_seed(0)  # expect: HUB705
_torch.backends.cudnn.benchmark = True  # expect: HUB705
_torch.set_num_threads(1)  # expect: HUB705
_torch.nn.init.kaiming_normal_ = None  # expect: HUB705


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    _torch.set_grad_enabled(False)  # expect: HUB705
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB706": {
        "bad": '''\
dependencies = ["torch"]

import os as _os
import warnings as _warnings

import torch as _torch

_warnings.filterwarnings("ignore")  # expect: HUB706
_os.environ["OMP_NUM_THREADS"] = "1"  # expect: HUB706
print("loading")  # expect: HUB706


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
        "trap_setdefault_and_reading": '''\
dependencies = ["torch"]

import os as _os

import torch as _torch

_os.environ.setdefault("ACME_CACHE", "1")
_CACHE = _os.environ.get("ACME_CACHE")


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB707": {
        "bad": '''\
dependencies = ["torch"]

import argparse as _argparse
import sys as _sys

import torch as _torch

_parser = _argparse.ArgumentParser()
_options = _parser.parse_args()  # expect: HUB707
_WIDTH = len(_sys.argv)  # expect: HUB707


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    parser = _argparse.ArgumentParser()
    known, rest = parser.parse_known_args()  # expect: HUB707
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import argparse as _argparse

import torch as _torch


def net(width: int = 1):
    """A line of a width."""
    parser = _argparse.ArgumentParser()
    parser.add_argument("--width", type=int)
    options = parser.parse_args(["--width", str(width)])
    return _torch.nn.Linear(options.width, 1)
''',
        "trap_scripts_and_names": '''\
dependencies = ["torch"]

import argparse as _argparse
import sys as _sys

import torch as _torch

_PROGRAM = _sys.argv[0]


def _main():
    print(_argparse.ArgumentParser().parse_args(), _sys.argv)


class _Options:
    argv = ()

    def parse_args(self):
        return self.argv


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    _Options().parse_args()
    return _torch.nn.Linear(1, 1)


if __name__ == "__main__":
    _main()
''',
    },
}
