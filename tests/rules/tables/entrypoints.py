"""Cases of one file for the rules HUB2xx. ``# expect: CODE`` marks the line of a finding."""

CASES: dict[str, dict[str, str]] = {
    "HUB201": {
        "fixed": '''\
dependencies = ["torch"]

from functools import partial as _partial  # expect: HUB201

import torch as _torch
from torch.hub import load_state_dict_from_url as _load_state_dict_from_url  # expect: HUB201

from unet_parts import UNet as _UNet  # expect: HUB201


def unet(pretrained: bool = False):
    """A network; pretrained loads weights."""
    model = _partial(_UNet, 1)()
    if pretrained:
        state = _load_state_dict_from_url(
            "https://example.org/unet-0123abcd.pth",
            map_location="cpu",
            check_hash=True,
            weights_only=True,
        )
        model.load_state_dict(state)
    return model
''',
        "trap_names_in_capitals_are_published": '''\
dependencies = ["torch"]

import torch as _torch


def DPT_Large(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB203": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


class Net(_torch.nn.Module):  # expect: HUB203, HUB402
    """A network; width says how wide."""

    def __init__(self, width: int = 1):
        super().__init__()


async def line(pretrained: bool = False):  # expect: HUB203
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


relu = _torch.nn.ReLU()  # expect: HUB203
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


async def _chunks(count):
    for number in range(count):
        yield _torch.full((4,), float(number))


def live(count: int = 3):
    """A source of audio; count is how many chunks."""
    return _chunks(count)  # expect: HUB401


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
    },
    "HUB204": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(width: int):  # expect: HUB204
    """A line; width says how wide."""
    return _torch.nn.Linear(width, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(width: int = 1, *sizes: int, **options: bool):
    """A line; width says how wide, more sizes and options go to the layer."""
    return _torch.nn.Linear(width, *sizes, **options)
''',
        "trap_keywords_with_defaults": '''\
dependencies = ["torch"]

import torch as _torch


def net(*shape, pretrained: bool = False, **options):
    """A line; pretrained is not used yet, shape and options are the layer's."""
    return _torch.nn.Linear(*(shape or (1, 1)), **options)
''',
    },
    "HUB205": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net():
    """A line."""
    model = _torch.nn.Linear(1, 1)
    state = _torch.hub.load_state_dict_from_url(  # expect: HUB205
        "https://example.org/acme-net.pth", **_OPTIONS
    )
    model.load_state_dict(state)
    return model
''',
        "bad_after_checks": '''\
dependencies = ["torch"]

import torch as _torch

_SIZES = {"small": [8, 16], "large": [32, 64]}


def net(size: str = "small", width: int = 8):
    """A line on size and width."""
    if size not in _SIZES:
        raise ValueError(size)
    try:
        width = int(width)
    except TypeError:
        raise ValueError(width) from None
    if width not in _SIZES[size]:
        raise ValueError(width)
    model = _torch.nn.Linear(width, 1)
    model.load_state_dict(
        _torch.hub.load_state_dict_from_url(  # expect: HUB205
            f"https://example.org/acme-{size}.pth", map_location="cpu", weights_only=True
        )
    )
    return model
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


_OPTIONS = {"map_location": "cpu", "weights_only": True}


def net(pretrained: bool = True):
    """A line; pretrained loads weights."""
    model = _torch.nn.Linear(1, 1)
    if pretrained:
        state = _torch.hub.load_state_dict_from_url(
            "https://example.org/acme-net.pth", **_OPTIONS
        )
        model.load_state_dict(state)
    return model
''',
        "trap_may_end_before": '''\
dependencies = ["torch"]

import torch as _torch


def _download(url):
    return _torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)


def net(width: int = 8, bare: bool = False):
    """A line on width and bare."""
    model = _torch.nn.Linear(width, 1)
    if width > 8:
        return model
    model.load_state_dict(_download("https://example.org/acme-net.pth"))
    return model


def offline(origin: str = ""):
    """A line on origin."""
    model = _torch.nn.Linear(1, 1)
    try:
        if origin not in ("ours", "theirs"):
            raise KeyError(origin)
        model.load_state_dict(_download(origin))
    except KeyError:
        pass
    return model
''',
        "trap_transform": '''\
dependencies = ["torch"]

import torch as _torch


def transform(size: int = 224):
    """What images go through; size is their width."""
    return _torch.nn.Upsample(size)
''',
    },
    "HUB206": {
        "bad_passed_on": '''\
dependencies = ["torch"]

import torch as _torch


def _build(width, **options):
    return _torch.nn.Linear(width, 1)


def net(pretrained: bool = False, **kwargs: int):  # expect: HUB206
    """A line; pretrained and kwargs are not used yet."""
    return _build(1, **kwargs)
''',
        "trap_passed_on_and_used": '''\
dependencies = ["torch"]

import torch as _torch


def _ignore(width, **options):
    return _torch.nn.Linear(width, 1)


def _use(width, **options):
    return _torch.nn.Linear(width, options.get("out", 1))


def net(pretrained: bool = False, **kwargs: int):
    """A line; pretrained is not used yet, kwargs says how wide."""
    return _use(1, **kwargs)


def both(pretrained: bool = False, **kwargs: int):
    """Lines; pretrained is not used yet, kwargs says how wide."""
    return _torch.nn.Sequential(_ignore(1, **kwargs), _use(1, **kwargs))


def read(pretrained: bool = False, **kwargs: int):
    """A line as wide as kwargs says; pretrained is not used yet."""
    return _ignore(kwargs["width"], **kwargs)
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, **kwargs):  # expect: HUB206
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, **kwargs):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, **kwargs)
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):  # expect: HUB206
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_passed_on_in_other_ways": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, **kwargs):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, len(locals()))


def ignoring(pretrained: bool = False, **_kwargs):
    """A line; pretrained is not used yet, and other keywords are ignored on purpose."""
    return _torch.nn.Linear(1, 1)


def planned(pretrained: bool = False, **kwargs):
    """A line; pretrained is not used yet."""
    raise NotImplementedError  # expect: HUB211
''',
    },
    "HUB207": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, verbose: bool = True):  # expect: HUB207
    """A line; pretrained and verbose are not used yet."""
    return _torch.nn.Linear(1, 1)


def other(model: str = "small"):  # expect: HUB207
    """A line; model is its size."""
    return _torch.nn.Linear(len(model), 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, log: bool = True):
    """A line; pretrained and log are not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_positional_only": '''\
dependencies = ["torch"]

import torch as _torch


def net(model: str = "small", /, pretrained: bool = False):
    """A line; model is its size, pretrained is not used yet."""
    return _torch.nn.Linear(len(model), 1)
''',
    },
    "HUB208": {
        "bad_kwargs": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, **kwargs: bool):
    """A line; pretrained is not used yet, kwargs may have useGPU."""
    model = _torch.nn.Linear(1, 1)
    if kwargs.get("useGPU", True):
        model.cuda()  # expect: HUB208
    return model


def other(pretrained: bool = False, **kwargs: str):
    """A line; pretrained is not used yet, kwargs may have a device."""
    kwargs["size"] = "1"
    return _torch.nn.Linear(1, 1).to(kwargs.pop("device", "cuda"))  # expect: HUB208
''',
        "trap_kwargs": '''\
dependencies = ["torch"]

import torch as _torch


def _fill(options):
    options["device"] = "cpu"


def net(pretrained: bool = False, **kwargs: bool):
    """A line; pretrained is not used yet, kwargs may have useGPU."""
    model = _torch.nn.Linear(1, 1)
    if kwargs.get("useGPU", False) or "device" in kwargs:
        model.cuda()
    return model


def chosen(pretrained: bool = False, **kwargs: str):
    """A line; pretrained is not used yet, kwargs may have a device."""
    kwargs.setdefault("device", "cpu")
    return _torch.nn.Linear(1, 1).to(kwargs.get("device", "cuda"))


def filled(pretrained: bool = False, **kwargs: str):
    """A line; pretrained is not used yet, kwargs may have a device."""
    _fill(kwargs)
    return _torch.nn.Linear(1, 1).to(kwargs.get("device", "cuda"))


def _move(**options):
    return _torch.nn.Linear(1, 1).to(options.get("device", "cuda"))


def passed(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _move(device="cpu")
''',
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, device: str = "cuda"):  # expect: HUB208
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, device: str = "cpu"):
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
''',
        "fixed": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, device: str = "cpu"):  # expect: HUB208
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
''',
        "bad_two_parameters": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, map_location: str = "cuda:0", device: str = "cuda"):  # expect: HUB208
    """A line on device, then map_location; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device).to(map_location)
''',
        "fixed_two_parameters": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False, map_location: str = "cpu", device: str = "cpu"):  # expect: HUB208
    """A line on device, then map_location; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device).to(map_location)
''',
        "trap_variable": '''\
dependencies = ["torch"]

import torch as _torch

cuda = _torch.device("cpu")


def net(pretrained: bool = False, device: _torch.device = cuda):
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
''',
        "trap_where_available": '''\
dependencies = ["torch"]

import torch as _torch


_DEVICE = "cuda" if _torch.cuda.is_available() else "cpu"


def net(pretrained: bool = False, device: str = _DEVICE):
    """A line on device; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1, device=device)
''',
    },
    "HUB210": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)

for _name in dir(_torch.nn):
    globals()[_name] = net  # expect: HUB210
''',
        "good": '''\
dependencies = ["torch"]

from functools import partial as _partial

import torch as _torch


def net(pretrained: bool = False, width: int = 1):
    """A line as wide as width; pretrained is not used yet."""
    return _torch.nn.Linear(width, 1)


for _width in range(2, 5):
    globals()[f"net{_width}"] = _partial(net, width=_width)  # expect: HUB305
''',
        "trap_only_read": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    options = locals()
    options["pretrained"] = True
    return _torch.nn.Linear(len(options), len(globals().get("_WIDTHS", (1,))))
''',
    },
    "HUB211": {
        "trap_caught_or_not_certain": '''\
dependencies = ["torch"]

import os as _os

import torch as _torch


def net(kind="line", size=None, layers: int = 4):
    """A line; kind, size and layers say which."""
    if kind not in ("line", "plane") or layers not in (1, 4):
        raise ValueError(kind)
    try:
        if size is None:
            raise KeyError("size")
    except KeyError:
        size = 1
    if not _os.path.exists(_os.path.join(_os.path.dirname(__file__), "net.cfg")):
        raise FileNotFoundError("net.cfg")
    return _torch.nn.Linear(size, 1)


def must(config=None, *, size):
    """A line of a size; config may say more."""
    assert config is not None
    return _torch.nn.Linear(size, 1)
''',
    },
    "HUB213": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch

__all__ = ["net", "net_small"]  # expect: HUB213


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch

__all__ = ["net"]


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)
''',
        "trap_made_at_run_time": '''\
dependencies = ["torch"]

import torch as _torch

__all__ = ["net", "net_small"]


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _torch.nn.Linear(1, 1)


globals().update(vars(_torch.nn))  # expect: HUB210
''',
    },
    "HUB214": {
        "bad": '''\
dependencies = ["torch"]

import torch as _torch


def _build(pretrained=False, **options):
    return _torch.nn.Linear(1, 1, **options)


def net(pretrianed: bool = False):  # expect: HUB214
    """A line; pretrianed is not used yet."""
    return _build(pretraind=pretrianed)  # expect: HUB214
''',
        "good": '''\
dependencies = ["torch"]

import torch as _torch


def _build(pretrained=False, **options):
    return _torch.nn.Linear(1, 1, **options)


def net(pretrained: bool = False):
    """A line; pretrained is not used yet."""
    return _build(pretrained=pretrained)
''',
        "trap_other_words": '''\
dependencies = ["torch"]

import torch as _torch


def net(pretrain: bool = False, retrained: bool = False, pretrained_on: str = ""):
    """A line; pretrain, retrained and pretrained_on are not used yet."""
    pretraine = 1
    return _torch.nn.Linear(pretraine, 1)
''',
    },
}
