"""hubkit: publish and consume PyTorch Hub models.

A drop-in for ``torch.hub``::

    import hubkit

    hubkit.list("owner/name:v1.0")
    print(hubkit.help("owner/name:v1.0", "unet"))
    model = hubkit.load("owner/name:v1.0", "unet", pretrained=True)

Publishers use the command line (``hubkit init``, ``hubkit check``) and ``pytest --hubconf``.
Names are imported when first used: ``import hubkit`` itself costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins

    from hubkit.errors import HubkitError
    from hubkit.hubdir import get_dir, set_dir
    from hubkit.loader import (
        download_url_to_file,
        help,
        list,
        load,
        load_state_dict_from_url,
    )

__version__ = "0.1.0"
__all__ = [
    "HubkitError",
    "__version__",
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]

_HOMES = {
    "HubkitError": "hubkit.errors",
    "download_url_to_file": "hubkit.loader",
    "get_dir": "hubkit.hubdir",
    "help": "hubkit.loader",
    "list": "hubkit.loader",
    "load": "hubkit.loader",
    "load_state_dict_from_url": "hubkit.loader",
    "set_dir": "hubkit.hubdir",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'hubkit' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> "builtins.list[str]":
    return __all__
