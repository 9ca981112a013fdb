"""What an entrypoint gives back, as far as source tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Returns

if TYPE_CHECKING:
    from hubkit.hubconf.resolve import Defined, Resolver


def find_returns(resolver: Resolver, found: Defined) -> Returns:
    """What calling a function or class of the repo gives back."""
    return Returns("unknown")
