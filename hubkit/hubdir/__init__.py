"""The hub dir: what it holds, how that gets there over the network, and who may run it.

This package knows nothing of hubconfs. The names below are imported when they are first used, so
looking up the hub dir or a cached repo imports no network library.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.hubdir.checkpoints import (
        download_url_to_file,
        fetch_checkpoint,
        find_checkpoint,
        hash_prefix_of,
        key_of,
        read_requested_urls,
        require_url,
    )
    from hubkit.hubdir.download import sha256_of, sniff_content
    from hubkit.hubdir.inventory import (
        fetch_states,
        find_damage,
        quarantine,
        read_inventory,
        remove_checkpoint,
        remove_leftover,
        remove_tree,
        select_named,
        select_unused,
    )
    from hubkit.hubdir.layout import bytecode_folder, get_dir, get_own_dir, set_dir
    from hubkit.hubdir.locks import hold_tree
    from hubkit.hubdir.manifest import digest_of_tree, require_digest_of, require_unchanged
    from hubkit.hubdir.repos import (
        adopt_commit,
        ensure_folder,
        fetch_repo,
        fetch_resolved,
        find_cached,
        find_commit,
        resolve_ref,
    )
    from hubkit.hubdir.spec import parse_repo
    from hubkit.hubdir.torch_folders import find_folder, glance_at, is_changing
    from hubkit.hubdir.trust import (
        add_trust,
        ensure_trusted_list,
        find_legacy_folders,
        is_trusted,
        matches_pattern,
        read_trust,
        record_trust,
        remove_trust,
        require_moved_trust,
        require_trust,
    )

__all__ = [
    "add_trust",
    "adopt_commit",
    "bytecode_folder",
    "digest_of_tree",
    "download_url_to_file",
    "ensure_folder",
    "ensure_trusted_list",
    "fetch_checkpoint",
    "fetch_repo",
    "fetch_resolved",
    "fetch_states",
    "find_cached",
    "find_checkpoint",
    "find_commit",
    "find_damage",
    "find_folder",
    "find_legacy_folders",
    "get_dir",
    "get_own_dir",
    "glance_at",
    "hash_prefix_of",
    "hold_tree",
    "is_changing",
    "is_trusted",
    "key_of",
    "matches_pattern",
    "parse_repo",
    "quarantine",
    "read_inventory",
    "read_requested_urls",
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
    "sniff_content",
]

__getattr__ = lazy_names(
    __name__,
    {
        "checkpoints": "download_url_to_file fetch_checkpoint find_checkpoint hash_prefix_of key_of read_requested_urls require_url",
        "download": "sha256_of sniff_content",
        "inventory": "fetch_states find_damage quarantine read_inventory remove_checkpoint remove_leftover remove_tree select_named select_unused",
        "layout": "bytecode_folder get_dir get_own_dir set_dir",
        "locks": "hold_tree",
        "manifest": "digest_of_tree require_digest_of require_unchanged",
        "repos": "adopt_commit ensure_folder fetch_repo fetch_resolved find_cached find_commit resolve_ref",
        "spec": "parse_repo",
        "torch_folders": "find_folder glance_at is_changing",
        "trust": "add_trust ensure_trusted_list find_legacy_folders is_trusted matches_pattern read_trust record_trust remove_trust require_moved_trust require_trust",
    },
)


def __dir__() -> list[str]:
    return __all__
