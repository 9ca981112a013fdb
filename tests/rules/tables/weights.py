"""Cases of one file for the rules HUB5xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB501": {
        "bad_tables_and_choices": '''\
dependencies = ["torch"]

import torch as _torch

_ROOT = "https://example.org"
_URLS = {"s": f"{_ROOT}/acme-s-0123abcd.pth", "l": f"{_ROOT}/acme-l-89abcdef.pth"}


def net(pretrained: bool = False, name: str = "s"):
    """A line; pretrained loads weights, name says which."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB501
            _URLS[name], map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB501
            f"{_ROOT}/acme-a-0123abcd.pth" if name else f"{_ROOT}/acme-b-89abcdef.pth",
            map_location="cpu",
            weights_only=True,
        )
        model.load_state_dict(state)
        if name == "s":
            url = f"{_ROOT}/acme-c-0123abcd.pth"
        else:
            url = f"{_ROOT}/acme-d-89abcdef.pth"
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB501
            url, map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
        "trap_tables_and_choices_without_hash": '''\
dependencies = ["torch"]

import torch as _torch

_ROOT = "https://example.org"
_URLS = {"s": f"{_ROOT}/acme-s-x.pth", "l": f"{_ROOT}/acme-l-20200101.pth"}


def net(pretrained: bool = False, name: str = "s"):
    """A line; pretrained loads weights, name says which."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            _URLS[name], map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            f"{_ROOT}/acme-a-20200101.pth" if name else f"{_ROOT}/acme-b-x.pth",
            map_location="cpu",
            weights_only=True,
        )
        model.load_state_dict(state)
        if name == "s":
            url = f"{_ROOT}/acme-c-x.pth"
        else:
            url = f"{_ROOT}/acme-d-y.pth"
        state = _torch.hub.load_state_dict_from_url(
            url, map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB501
            "https://example.org/net-0123abcd.pth", map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/net-0123abcd.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB501
            "https://example.org/net-0123abcd.pth", map_location="cpu", weights_only=True, check_hash=True
        )
        model.load_state_dict(state)
    return model
''',
        "trap_no_hash_in_the_name": '''\
dependencies = ["torch"]

import torch as _torch


_URL = "https://example.org/{}.pth"


def net(pretrained: bool = False, name: str = "small"):
    """A line; pretrained loads weights, name says which."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        for url in ("https://example.org/acme-net_2.pth", "https://example.org/net-20200101.pth"):
            model.load_state_dict(
                _torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)
            )
        state = _torch.hub.load_state_dict_from_url(
            _URL.format(name), map_location="cpu", weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
    },
    "HUB502": {
        "bad_one_of_a_table": '''\
dependencies = ["torch"]

import torch as _torch

_ROOT = "https://example.org"
_URLS = {"s": f"{_ROOT}/acme-s-0123abcd.pth", "l": f"{_ROOT}/acme-l-1.pth"}


def net(pretrained: bool = False, name: str = "s"):
    """A line; pretrained loads weights, name says which."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB502
            _URLS[name], map_location="cpu", weights_only=True, check_hash=True
        )
        model.load_state_dict(state)
    return model
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu"}


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB502
            "https://example.org/acme-net.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model


def other(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB502
            "https://example.org/vit-b.16-in1k.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/net-0123abcd.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "trap_query_and_file_name": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/net-0123abcd.pth?version=net-1.0",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/download/17",
            map_location="cpu",
            check_hash=True,
            file_name="acme-net-0123abcd.pth",
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
    },
    "HUB503": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False, large: bool = False):
    """A line; pretrained loads weights, large ones if so said."""
    model = _torch.nn.Linear(1, 1)
    if pretrained and large:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/large/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    elif pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB503
            "https://example.org/small/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model


def other(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB503
            "https://example.org/model.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
''',
        "bad_generic": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB503
            "https://github.com/acme/net/releases/download/v1.0/model.pth",
            map_location="cpu",
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False, large: bool = False):
    """A line; pretrained loads weights, large ones if so said."""
    model = _torch.nn.Linear(1, 1)
    if pretrained and large:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/large/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    elif pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/small/acme-net.pth", file_name="acme-small.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
''',
        "fixed_generic": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB503
            "https://github.com/acme/net/releases/download/v1.0/model.pth",
            map_location="cpu",
            weights_only=True,
            file_name="acme-net-v1_0-model.pth",
        )
        model.load_state_dict(state)
    return model
''',
        "trap_same_url_twice": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}
_URL = "https://example.org/acme-net.pth"


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model


def other(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL + "?x=1", **_OPTIONS))
    return model
''',
    },
    "HUB504": {
        "trap_files_with_a_device": '''\
dependencies = ["torch"]

import torch as _torch

_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False, device: str = "cpu"):
    """A line; pretrained loads weights onto device."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.load("a.pth", "cpu", weights_only=True))
        model.load_state_dict(_torch.load("b.pth", map_location=device, weights_only=True))
        model.load_state_dict(_torch.load("c.pth", **_OPTIONS))
    return model


def _never_called(path):
    return _torch.load(path)
''',
        "fixed_files": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.load("net.pth", weights_only=True, map_location="cpu"))  # expect: HUB504
    return model
''',
        "bad_under_another_name": '''\
dependencies = ["torch"]

import torch as _torch

_fetch = _torch.hub.load_state_dict_from_url


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.fill(_fetch("https://example.org/net-12345678.pth", check_hash=True, weights_only=True))  # expect: HUB504
    return model
''',
        "bad_files": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.load("net.pth", weights_only=True))  # expect: HUB504
    return model
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB504
            "https://example.org/net-0123abcd.pth", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/net-0123abcd.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB504
            "https://example.org/net-0123abcd.pth", check_hash=True, weights_only=True, map_location="cpu"
        )
        model.load_state_dict(state)
    return model
''',
        "trap_positional_and_passed_on": '''\
dependencies = ["torch"]

import torch as _torch


def _fetch(url, **options):
    return _torch.hub.load_state_dict_from_url(url, **options)


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        url = "https://example.org/net-0123abcd.pth"
        state = _fetch(url, map_location="cpu", check_hash=True, weights_only=True)
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            url, None, "cpu", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
    },
    "HUB505": {
        "bad_whole_model": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained loads weights."""
    if not pretrained:
        return _torch.nn.Linear(1, 1)
    model = _torch.hub.load_state_dict_from_url(  # expect: HUB505
        "https://example.org/net-0123abcd.pth", map_location="cpu", check_hash=True
    )
    return model.eval()
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB505
            "https://example.org/net-0123abcd.pth", map_location="cpu", check_hash=True
        )
        model.load_state_dict(state)
    return model
''',
        "trap_unused_code": '''\
dependencies = ["torch"]

import torch as _torch


def _load(model):
    model.load_state_dict(_torch.hub.load_state_dict_from_url("https://example.org/a-1a2b3c4d.pth"))
    return _load


class _Old:
    def load(self):
        return _torch.hub.load_state_dict_from_url("https://example.org/b-1a2b3c4d.pth")


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "bad_code_that_may_run": '''\
dependencies = ["torch"]

import torch as _torch


def _load():
    return _torch.hub.load_state_dict_from_url(  # expect: HUB505
        "https://example.org/a-1a2b3c4d.pth", map_location="cpu", check_hash=True
    )


class _Net:
    def load(self):
        return _torch.hub.load_state_dict_from_url(  # expect: HUB505
            "https://example.org/b-1a2b3c4d.pth", map_location="cpu", check_hash=True
        )


_NETS = {"a": _load, "b": _Net}


def net(pretrained: bool = False, name: str = "a"):
    """A line; pretrained loads weights, name says which."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_NETS[name]())
    return model
''',
        "bad_files": '''\
dependencies = ["torch"]

import torch as _torch


def net(path: str = "", trusted: bool = False, **options):
    """A line on path, trusted and options."""
    model = _torch.nn.Linear(1, 1)
    if trusted:
        model.load_state_dict(_torch.load(path, "cpu", weights_only=False))  # expect: HUB505
    elif path:
        model.load_state_dict(_torch.load(path, map_location="cpu"))
    elif options:
        model.load_state_dict(_torch.load(path, **options))
    else:
        model.load_state_dict(_torch.load(path, "cpu", weights_only=True))
    return model


def _never_called(path):
    return _torch.load(path)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/net-0123abcd.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB505
            "https://example.org/net-0123abcd.pth", map_location="cpu", check_hash=True, weights_only=True
        )
        model.load_state_dict(state)
    return model
''',
        "trap_decided_elsewhere": '''\
dependencies = ["torch", "hubkit"]

import hubkit as _hubkit
import torch as _torch

_SAFE = True


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        url = "https://example.org/net-0123abcd.pth"
        state = _hubkit.load_state_dict_from_url(url, map_location="cpu", check_hash=True)
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=_SAFE
        )
        model.load_state_dict(state)
    return model
''',
    },
    "HUB506": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB506
            "https://huggingface.co/acme/net/resolve/main/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(  # expect: HUB506
            "http://example.org/acme-other.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
''',
        "trap_release_assets_and_commits": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://github.com/acme/net/releases/download/main/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
        state = _torch.hub.load_state_dict_from_url(
            "https://raw.githubusercontent.com/acme/net/0123456789abcdef/acme-net2.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
''',
    },
    "HUB507": {
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch
import os as _os


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.load(_os.path.join(_os.path.dirname(__file__), "weights/net.pth"), "cpu", weights_only=True)  # expect: HUB507
        model.load_state_dict(state)
    return model
''',
    },
    "HUB508": {
        "bad_one_download_of_many": '''\
dependencies = ["torch"]

import torch as _torch


def small(pretrained=False):
    """A small line; pretrained is not looked at."""
    return _line(1)


def large(pretrained=False):
    """A large line; pretrained is not looked at."""
    return _line(2)


def _line(width):
    model = _torch.nn.Linear(width, 1)
    model.load_state_dict(
        _torch.hub.load_state_dict_from_url(  # expect: HUB508
            "https://example.org/line.pth", map_location="cpu", weights_only=True
        )
    )
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}
_URL = "https://example.org/acme-net.pth"


def net(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model
''',
        "trap_guarded_in_other_ways": '''\
dependencies = ["torch"]

import torch as _torch


import os as _os

_OPTIONS = {"map_location": "cpu", "weights_only": True}
_URL = "https://example.org/acme-net.pth"


def early(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if not pretrained:
        return model
    model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model


def chosen(weights: "str | None" = None):
    """A line; weights names what to load."""
    model = _torch.nn.Linear(1, 1)
    if weights is not None:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(weights, **_OPTIONS))
    return model


def named(pretrained: str = "imagenet"):
    """A line; pretrained names the data set, or is None."""
    model = _torch.nn.Linear(1, 1)
    if pretrained is not None:
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))
    return model


def looked(pretrained: bool = False, path: str = "acme-net.pth"):
    """A line; pretrained loads weights, from path if they are there."""
    model = _torch.nn.Linear(1, 1)
    url = _URL if pretrained else None
    if url and not _os.path.exists(path):
        model.load_state_dict(_torch.hub.load_state_dict_from_url(url, **_OPTIONS))
    return model


def later(pretrained: bool = False):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)

    def load():
        model.load_state_dict(_torch.hub.load_state_dict_from_url(_URL, **_OPTIONS))

    return (pretrained and load()) or model
''',
    },
    "HUB509": {
        "good": '''\
dependencies = ["torch", "torchvision"]

import torchvision as _torchvision


def detector(pretrained=False, pretrained_backbone=False):
    """A detector; pretrained loads weights, pretrained_backbone those of the backbone."""
    return _torchvision.models.resnet50(pretrained=pretrained_backbone and not pretrained)
''',
        "trap_asked_for": '''\
dependencies = ["torch", "torchvision"]

import torch as _torch
import torchvision as _torchvision


def detector(pretrained=False):
    """A detector; pretrained loads weights."""
    if pretrained:
        return _finish(_torchvision.models.resnet50(pretrained=True))  # expect: HUB205
    model = _torchvision.models.resnet50(pretrained=False)
    _torch.bincount(_torch.ones(1), weights="no_weights_at_all")
    return _finish(model)


def ready():
    """The detector with its weights."""
    return detector(pretrained=True)


def _finish(model):
    return model.eval()
''',
    },
    "HUB510": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, state: "dict | None" = None):
    """A line; pretrained is not used yet, state fills it."""
    model = _torch.nn.Linear(1, 1)
    model.load_state_dict(state or {}, strict=False)  # expect: HUB510
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, state: "dict | None" = None):
    """A line; pretrained is not used yet, state fills it."""
    model = _torch.nn.Linear(1, 1)
    model.load_state_dict(state or {})
    return model
''',
        "trap_result_looked_at": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, state: "dict | None" = None):
    """A line; pretrained is not used yet, state fills it."""
    model = _torch.nn.Linear(1, 1)
    unmatched = model.load_state_dict(state or {}, strict=False)
    if unmatched.unexpected_keys:
        raise ValueError(unmatched)
    return model
''',
    },
    "HUB511": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("other/repo", "backbone")  # expect: HUB511


def tagged(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("other/repo:v1.0", "backbone")  # expect: HUB511


def trusted(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("facebookresearch/dino:main", "dino_resnet50")  # expect: HUB511
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("other/repo:v1.0", "backbone", trust_repo=True)
''',
        "trap_owners_trusted_by_torch": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A network; pretrained is not used yet."""
    return _torch.hub.load("facebookresearch/dino:v1.0", "dino_resnet50")


def local(pretrained: bool = False, folder: str = "."):
    """A network from a folder; pretrained is not used yet."""
    return _torch.hub.load(folder, "net", source="local")
''',
    },
}
