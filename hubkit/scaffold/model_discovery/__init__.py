"""What a repo without a hubconf has to offer: its models, how they are built, their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Offer
from hubkit.scaffold.model_discovery.examples import read_blocks
from hubkit.scaffold.model_discovery.models import find_models
from hubkit.scaffold.model_discovery.sources import read_sources
from hubkit.scaffold.model_discovery.weights import read_urls, read_weights

if TYPE_CHECKING:
    from hubkit.facts import Files


def read_offer(files: Files) -> Offer:
    """Read what a repo has to offer, from source alone.

    Nothing of the repo is imported or run.

    Args:
        files: The repo's files.
    """
    sources = read_sources(files)
    return Offer(
        models=find_models(sources, read_blocks(files)),
        weights=read_weights(files),
        urls=read_urls(files),
        unread=sources.unread,
    )
