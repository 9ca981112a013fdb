"""Names that libraries import from ``torch.hub`` though it does not document them.

With these, ``import hubkit as hub`` and ``from hubkit import HASH_REGEX`` replace torch.hub's in such
code. What fetches repos is hubkit's own; the rest are torch.hub's objects.
"""

from __future__ import annotations

from hubkit.hubdir.layout import get_torch_home as _get_torch_home  # noqa: F401
from hubkit.loader.dependencies import torch_is_missing
from hubkit.loader.locate import get_cache_or_reload as _get_cache_or_reload  # noqa: F401
from hubkit.loader.locate import parse_repo_info as _parse_repo_info  # noqa: F401


def __getattr__(name: str) -> object:
    try:
        import torch.hub
    except ModuleNotFoundError as error:
        raise torch_is_missing(f"hubkit.{name} is torch.hub's, and needs torch") from error
    return getattr(torch.hub, name)
