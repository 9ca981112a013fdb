"""The consumer's functions, with ``torch.hub``'s names and signatures."""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.loader.api import help, import_module, list, load, locate_repo, modules_of
    from hubkit.loader.drop_in import (
        as_torch_hub,
        install_as_torch_hub,
        set_dir,
        uninstall_as_torch_hub,
    )
    from hubkit.loader.weights import download_url_to_file, load_state_dict_from_url

__all__ = [
    "as_torch_hub",
    "download_url_to_file",
    "help",
    "import_module",
    "install_as_torch_hub",
    "list",
    "load",
    "load_state_dict_from_url",
    "locate_repo",
    "modules_of",
    "set_dir",
    "uninstall_as_torch_hub",
]

__getattr__ = lazy_names(
    __name__,
    {
        "api": "help import_module list load locate_repo modules_of",
        "drop_in": "as_torch_hub install_as_torch_hub set_dir uninstall_as_torch_hub",
        "weights": "download_url_to_file load_state_dict_from_url",
    },
)
