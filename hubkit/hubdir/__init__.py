"""KEEP: the hub dir. What lies in it, how it gets there over the network, and who may use it.

Knows nothing of hubconfs. The names below are imported when first used, so that asking for the
hub dir, or for a repo that is there, costs no network library.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hubkit.hubdir.checkpoints import (
        download_url_to_file,
        fetch_checkpoint,
        forget_checkpoints,
        hash_prefix_of,
    )
    from hubkit.hubdir.digest import sha256_of
    from hubkit.hubdir.freshness import fetch_states
    from hubkit.hubdir.impostors import find_impostor
    from hubkit.hubdir.inventory import find_repo_of, read_inventory
    from hubkit.hubdir.keeping import keep_tree
    from hubkit.hubdir.layout import bytecode_folder, get_dir, set_dir
    from hubkit.hubdir.links import keep_link
    from hubkit.hubdir.manifest import digest_of_tree
    from hubkit.hubdir.names import parse_repo
    from hubkit.hubdir.origins import asked_for_by, find_checkpoint, key_of, require_url
    from hubkit.hubdir.removal import (
        find_damage,
        put_aside,
        remove_checkpoint,
        remove_leftover,
        remove_tree,
    )
    from hubkit.hubdir.repos import (
        fetch_repo,
        find_cached,
        require_digest_of,
        require_unchanged,
        resolve_ref,
    )
    from hubkit.hubdir.selection import select_named, select_unused
    from hubkit.hubdir.trust import (
        add_trust,
        is_trusted,
        read_trust,
        record_trust,
        remove_trust,
        require_moved_trust,
        require_trust,
    )

__all__ = [
    "add_trust",
    "asked_for_by",
    "bytecode_folder",
    "digest_of_tree",
    "download_url_to_file",
    "fetch_checkpoint",
    "fetch_repo",
    "fetch_states",
    "find_cached",
    "find_checkpoint",
    "find_damage",
    "find_impostor",
    "find_repo_of",
    "forget_checkpoints",
    "get_dir",
    "hash_prefix_of",
    "is_trusted",
    "keep_link",
    "keep_tree",
    "key_of",
    "parse_repo",
    "put_aside",
    "read_inventory",
    "read_trust",
    "record_trust",
    "remove_checkpoint",
    "remove_leftover",
    "remove_tree",
    "remove_trust",
    "require_digest_of",
    "require_moved_trust",
    "require_trust",
    "require_unchanged",
    "require_url",
    "resolve_ref",
    "select_named",
    "select_unused",
    "set_dir",
    "sha256_of",
]

_HOMES = {
    "add_trust": "trust",
    "asked_for_by": "origins",
    "bytecode_folder": "layout",
    "digest_of_tree": "manifest",
    "download_url_to_file": "checkpoints",
    "fetch_checkpoint": "checkpoints",
    "fetch_repo": "repos",
    "fetch_states": "freshness",
    "find_cached": "repos",
    "find_checkpoint": "origins",
    "find_damage": "removal",
    "find_impostor": "impostors",
    "find_repo_of": "inventory",
    "forget_checkpoints": "checkpoints",
    "get_dir": "layout",
    "hash_prefix_of": "checkpoints",
    "is_trusted": "trust",
    "keep_link": "links",
    "keep_tree": "keeping",
    "key_of": "origins",
    "parse_repo": "names",
    "put_aside": "removal",
    "read_inventory": "inventory",
    "read_trust": "trust",
    "record_trust": "trust",
    "remove_checkpoint": "removal",
    "remove_leftover": "removal",
    "remove_tree": "removal",
    "remove_trust": "trust",
    "require_moved_trust": "trust",
    "require_digest_of": "repos",
    "require_trust": "trust",
    "require_unchanged": "repos",
    "require_url": "origins",
    "resolve_ref": "repos",
    "select_named": "selection",
    "select_unused": "selection",
    "set_dir": "layout",
    "sha256_of": "digest",
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
