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
        as_torch_hub,
        download_url_to_file,
        help,
        install_as_torch_hub,
        list,
        load,
        load_state_dict_from_url,
        uninstall_as_torch_hub,
    )

__version__ = "0.1.0"
__all__ = [
    "HubkitError",
    "__version__",
    "as_torch_hub",
    "download_url_to_file",
    "get_dir",
    "help",
    "install_as_torch_hub",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
    "uninstall_as_torch_hub",
]

_HOMES = {
    "HubkitError": "hubkit.errors",
    "as_torch_hub": "hubkit.loader",
    "download_url_to_file": "hubkit.loader",
    "get_dir": "hubkit.hubdir",
    "help": "hubkit.loader",
    "install_as_torch_hub": "hubkit.loader",
    "list": "hubkit.loader",
    "load": "hubkit.loader",
    "load_state_dict_from_url": "hubkit.loader",
    "set_dir": "hubkit.hubdir",
    "uninstall_as_torch_hub": "hubkit.loader",
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
