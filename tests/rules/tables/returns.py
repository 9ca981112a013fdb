"""Cases of one file for the rules HUB4xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB401": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def detector(pretrained: bool = False):
    """A network and its helper; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1), len  # expect: HUB401
''',
        "bad_documented_as_a_model": '''\
dependencies = ["torch"]

import torch as _torch


def detector(pretrained: bool = False):
    """Returns a model; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1), len  # expect: HUB401
''',
        "trap_documented": '''\
dependencies = ["torch"]

import torch as _torch


def net_and_sizes(pretrained: bool = False):
    """A line and its sizes, as a tuple; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1), (1, 1)


def net_and_helper(pretrained: bool = False):
    """A line; pretrained is not used yet.

    Returns:
        The network and its helper.
    """
    return _torch.nn.Linear(1, 1), len


def labels(pretrained: bool = False):
    """Returns the names of classes; pretrained is not used yet."""
    return {"a": 1}
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB402": {
        "bad_once_for_a_helper": '''\
dependencies = ["torch"]

import torch as _torch


class Upsampler(_torch.nn.Module):  # expect: HUB402
    def __init__(self, net):
        super().__init__()
        self.net = net


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return Upsampler(_torch.nn.Linear(1, 1))
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


class _Net(_torch.nn.Module):  # expect: HUB402
    """A network."""


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _Net()
''',
        "trap_helper_class": '''\
dependencies = ["torch"]

import torch as _torch


class _Options:
    width = 1


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.nn.Linear(_Options.width, 1)
''',
    },
}
