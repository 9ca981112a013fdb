"""Running other people's code: namespaces, nested calls of torch.hub, child processes."""

from hubkit.runtime.context import redirect, redirect_all
from hubkit.runtime.finder import install_finder
from hubkit.runtime.importing import LoadedHubconf, find_hubconf, import_hubconf
from hubkit.runtime.inherited import find_inherited
from hubkit.runtime.nested import HubFunctions, wrap_torch
from hubkit.runtime.policy import FOLDER, NO_BYTECODE, CodePolicy

__all__ = [
    "FOLDER",
    "NO_BYTECODE",
    "CodePolicy",
    "HubFunctions",
    "LoadedHubconf",
    "find_hubconf",
    "find_inherited",
    "import_hubconf",
    "install_finder",
    "redirect",
    "redirect_all",
    "wrap_torch",
]
