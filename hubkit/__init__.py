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
    from hubkit.hubdir import get_dir
    from hubkit.loader import (
        as_torch_hub,
        download_url_to_file,
        help,
        import_module,
        install_as_torch_hub,
        list,
        load,
        load_state_dict_from_url,
        modules_of,
        set_dir,
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
    "import_module",
    "install_as_torch_hub",
    "list",
    "load",
    "load_state_dict_from_url",
    "modules_of",
    "set_dir",
    "uninstall_as_torch_hub",
]

_HOMES = {
    "errors": "HubkitError",
    "hubdir": "get_dir",
    "loader": (
        "as_torch_hub download_url_to_file help import_module install_as_torch_hub list load "
        "load_state_dict_from_url modules_of set_dir uninstall_as_torch_hub"
    ),
}


def __getattr__(name: str) -> object:
    from hubkit.lazy import lazy_names  # here, because `import hubkit` imports nothing

    return lazy_names(__name__, _HOMES)(name)


def __dir__() -> "builtins.list[str]":
    return __all__
