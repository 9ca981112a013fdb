"""Run other people's code: in a namespace of its own, or in a child process."""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.runtime.hubconf import LoadedHubconf, find_hubconf, import_hubconf
    from hubkit.runtime.import_hook import FINDER, install_finder
    from hubkit.runtime.namespace import (
        FOLDER,
        NO_BYTECODE,
        PREFIX,
        AllowedTree,
        CodePolicy,
        import_own,
        name_repo,
        read_allowed,
        read_folder_name,
        read_repo_name,
        strip_edition,
    )
    from hubkit.runtime.torch_patches import (
        HubFunctions,
        after_hub_import,
        patch_torch,
        redirect,
        redirect_all,
    )

__all__ = [
    "FINDER",
    "FOLDER",
    "NO_BYTECODE",
    "PREFIX",
    "AllowedTree",
    "CodePolicy",
    "HubFunctions",
    "LoadedHubconf",
    "after_hub_import",
    "find_hubconf",
    "import_hubconf",
    "import_own",
    "install_finder",
    "name_repo",
    "patch_torch",
    "read_allowed",
    "read_folder_name",
    "read_repo_name",
    "redirect",
    "redirect_all",
    "strip_edition",
]

__getattr__ = lazy_names(
    __name__,
    {
        "hubconf": "LoadedHubconf find_hubconf import_hubconf",
        "import_hook": "FINDER install_finder",
        "namespace": "FOLDER NO_BYTECODE PREFIX AllowedTree CodePolicy read_allowed import_own name_repo read_folder_name read_repo_name strip_edition",
        "torch_patches": "HubFunctions after_hub_import patch_torch redirect redirect_all",
    },
)
