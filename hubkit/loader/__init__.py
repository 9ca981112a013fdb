"""The consumer's functions: ``torch.hub``'s names and signatures on hubkit's floors."""

from hubkit.loader.api import help, list, load, locate_repo
from hubkit.loader.weights import download_url_to_file, load_state_dict_from_url

__all__ = [
    "download_url_to_file",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "locate_repo",
]
