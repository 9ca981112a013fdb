"""Which of the checkpoints that were found belong to which model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from hubkit.scaffold.model_discovery import ModelDiscovery

# Words in the names of checkpoints that say nothing of the model.
_NOISE = frozenset(
    [
        "best",
        "final",
        "last",
        "latest",
        "checkpoint",
        "ckpt",
        "model",
        "weights",
        "weight",
        "pretrained",
        "state",
        "dict",
        "statedict",
        "params",
        "ema",
        "epoch",
        "release",
        "torch",
        "pytorch",
    ]
)
_HASH = re.compile(r"-([0-9a-f]{8,64})$")


class Checkpoint(Struct, frozen=True):
    """Where a model's weights are.

    Attributes:
        path: The file in the repo; "" when they are elsewhere.
        url: Their address; "" when they lie in the repo.
        has_hash: Whether the file's name ends in the beginning of its sha256.
        key: The key of the file's dict that holds the state dict; "" for none.
        prefix: What the names in it start with beyond the model's own.
    """

    path: str = ""
    url: str = ""
    has_hash: bool = False
    key: str = ""
    prefix: str = ""


def find_checkpoint(
    name: str, names: tuple[str, ...], discovery: ModelDiscovery
) -> Checkpoint | None:
    """The weights of an entrypoint: those that bear its name, and no other's.

    Only what a state dict can be read from by ``weights_only`` counts, so no LFS pointers and no
    pickled models.

    Args:
        name: The entrypoint.
        names: All entrypoints.
        discovery: What the repo has.
    """
    for file in discovery.weights:
        if file.is_plain and not file.is_pointer and _fits(name, names, file.path):
            return Checkpoint(path=file.path, key=file.key, prefix=file.prefix)
    for url, _ in discovery.urls:
        if _fits(name, names, url):
            return Checkpoint(url=url, has_hash=bool(_HASH.search(stem_of(url))))
    return None


def stem_of(place: str) -> str:
    """A file's name without its endings."""
    last = place.rpartition("/")[2]
    return re.sub(r"(?:\.(?:pth|pt|th|ckpt|bin|safetensors|tar))+$", "", last, flags=re.IGNORECASE)


def _fits(name: str, names: tuple[str, ...], place: str) -> bool:
    words = _words(stem_of(place))
    if not words:
        # weights/best.pt is the model's when there is but one.
        return len(names) == 1
    return words == _words(name) or (
        words[: len(_words(name))] == _words(name)
        and not any(
            words[: len(_words(other))] == _words(other)
            for other in names
            if len(_words(other)) > len(_words(name))
        )
    )


def _words(text: str) -> list[str]:
    text = _HASH.sub("", text)
    return [word for word in re.findall(r"[a-z]+\d*|\d+", text.lower()) if word not in _NOISE]
