"""Running other people's code: namespaces, nested calls of torch.hub, child processes."""

from hubkit.runtime.context import redirect, redirect_all
from hubkit.runtime.finder import install_finder
from hubkit.runtime.importing import LoadedHubconf, find_hubconf, import_hubconf
from hubkit.runtime.nested import HubFunctions, wrap_torch

__all__ = [
    "HubFunctions",
    "LoadedHubconf",
    "find_hubconf",
    "import_hubconf",
    "install_finder",
    "redirect",
    "redirect_all",
    "wrap_torch",
]
