"""Running other people's code: namespaces, nested calls of torch.hub, child processes."""

from hubkit.runtime.importing import LoadedHubconf, find_hubconf, import_hubconf
from hubkit.runtime.nested import HubFunctions

__all__ = ["HubFunctions", "LoadedHubconf", "find_hubconf", "import_hubconf"]
