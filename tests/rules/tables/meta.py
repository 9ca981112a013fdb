"""Cases of one file for the rules HUB9xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB901": {
        "bad": '''\
dependencies = ["torch"]  # hubkit: ignore[HUB501] mirrored  # expect: HUB901

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch", "math"]  # hubkit: ignore[HUB107] shows where it is from

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "fixed": '''\
dependencies = ["torch"]  # expect: HUB901

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB902": {
        "bad": '''\
dependencies = ["torch"]  # hubkit: ignore[HUB5O1] mirrored  # expect: HUB902

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch", "math"]  # hubkit: ignore[HUB107] shows where it is from

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_codes_of_checks": '''\
dependencies = ["torch"]  # hubkit: ignore[C106] needs the weights

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB903": {
        "good": '''\
dependencies = ["torch", "math"]  # hubkit: ignore[HUB107] shows where it is from

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
}
