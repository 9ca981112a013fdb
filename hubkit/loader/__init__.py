"""The consumer's functions: ``torch.hub``'s names and signatures on hubkit's floors."""

from hubkit.loader.api import help, list, load, locate_repo
from hubkit.loader.drop_in import as_torch_hub, install_as_torch_hub, uninstall_as_torch_hub
from hubkit.loader.weights import download_url_to_file, load_state_dict_from_url

__all__ = [
    "as_torch_hub",
    "download_url_to_file",
    "help",
    "install_as_torch_hub",
    "list",
    "load",
    "load_state_dict_from_url",
    "locate_repo",
    "uninstall_as_torch_hub",
]
