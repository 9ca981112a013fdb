"""KEEP: the hub dir. What lies in it, how it gets there over the network, and who may use it.

Knows nothing of hubconfs. The names below are imported when first used, so that asking for the
hub dir, or for a repo that is there, costs no network library.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hubkit.hubdir.checkpoints import (
        download_url_to_file,
        fetch_checkpoint,
        find_impostor,
        forget_checkpoints,
        hash_prefix_of,
    )
    from hubkit.hubdir.layout import get_dir, set_dir
    from hubkit.hubdir.names import parse_repo
    from hubkit.hubdir.repos import fetch_repo, find_cached
    from hubkit.hubdir.trust import add_trust, read_trust, record_trust, remove_trust, require_trust

__all__ = [
    "add_trust",
    "download_url_to_file",
    "fetch_checkpoint",
    "fetch_repo",
    "find_cached",
    "find_impostor",
    "forget_checkpoints",
    "get_dir",
    "hash_prefix_of",
    "parse_repo",
    "read_trust",
    "record_trust",
    "remove_trust",
    "require_trust",
    "set_dir",
]

_HOMES = {
    "add_trust": "trust",
    "download_url_to_file": "checkpoints",
    "fetch_checkpoint": "checkpoints",
    "fetch_repo": "repos",
    "find_cached": "repos",
    "find_impostor": "checkpoints",
    "forget_checkpoints": "checkpoints",
    "get_dir": "layout",
    "hash_prefix_of": "checkpoints",
    "parse_repo": "names",
    "read_trust": "trust",
    "record_trust": "trust",
    "remove_trust": "trust",
    "require_trust": "trust",
    "set_dir": "layout",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'hubkit.hubdir' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"hubkit.hubdir.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    return __all__
