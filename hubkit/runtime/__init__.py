"""Running other people's code: namespaces, nested calls of torch.hub, child processes."""

from hubkit.runtime.importing import LoadedHubconf, import_hubconf
from hubkit.runtime.nested import HubFunctions

__all__ = ["HubFunctions", "LoadedHubconf", "import_hubconf"]
