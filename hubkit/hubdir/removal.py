"""Removing from the hub dir, and putting aside what is damaged; nothing that is in use goes."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.paths import list_folder, move_inside, remove_inside
from hubkit.errors import InUseError, LockTimeoutError
from hubkit.facts.hubdir import Damage, KeptCheckpoint, KeptTree
from hubkit.hubdir.digest import sha256_of
from hubkit.hubdir.disk import move_aside, read_record, writing
from hubkit.hubdir.keeping import require_unused
from hubkit.hubdir.layout import bytecode_folder, get_dir, repo_key
from hubkit.hubdir.links import remove_links
from hubkit.hubdir.locks import hold
from hubkit.hubdir.manifest import compare_tree, manifest_file
from hubkit.hubdir.origins import remove_origin
from hubkit.hubdir.staging import staging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts.hubdir import Inventory, Leftover

PATIENCE = 0.1  # seconds: who is fetching may take minutes


def remove_tree(kept: KeptTree) -> None:
    """Remove a tree, its records, and what leads to it.

    Raises:
        InUseError: A program has loaded it, or its repo is being fetched.
        CacheWriteError: The hub dir cannot be written.
    """
    with _alone(kept), writing(kept.path):
        _forget_refs(kept)
        remove_links(kept.path)
        with staging("removed") as room:
            move_inside(get_dir(), kept.path, room / "tree")
        with contextlib.suppress(OSError):
            remove_inside(get_dir(), bytecode_folder(kept.path))
        if kept.repo is not None:
            remove_inside(get_dir(), manifest_file(kept.path))
            remove_inside(get_dir(), kept.path.with_name(f"{kept.sha}.json"))
            _remove_empty(kept.path.parent)


def remove_checkpoint(kept: KeptCheckpoint) -> None:
    """Remove a checkpoint and its record.

    Raises:
        InUseError: It is being fetched.
        CacheWriteError: The hub dir cannot be written.
    """
    with _holding(f"checkpoint {kept.path}", str(kept.path)), writing(kept.path):
        remove_inside(get_dir(), kept.path)
        remove_origin(kept.path)


def remove_leftover(left: Leftover) -> None:
    """Remove something that nobody will use again.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    with writing(left.path):
        remove_inside(get_dir(), left.path)


def find_damage(inventory: Inventory) -> Iterator[Damage]:
    """What is not as it came; every byte is read."""
    for tree in inventory.trees:
        for difference in compare_tree(tree.path):
            yield Damage(tree, tree.path / difference.path, difference.kind)
    for file in inventory.checkpoints:
        if file.sha256 and sha256_of(file.path) != file.sha256:
            yield Damage(file, file.path, "changed")


def put_aside(item: KeptTree | KeptCheckpoint) -> Path:
    """Move something out of the way, so that it is fetched afresh when next asked for.

    Returns:
        Where it lies now.

    Raises:
        InUseError: It is being used.
        CacheWriteError: The hub dir cannot be written.
    """
    root = Path(get_dir())
    if isinstance(item, KeptTree):
        with _alone(item):
            return move_aside(root, item.path)
    with _holding(f"checkpoint {item.path}", str(item.path)):
        aside = move_aside(root, item.path)
        with writing(item.path):
            remove_origin(item.path)
    return aside


def _forget_refs(kept: KeptTree) -> None:
    for path in list_folder(kept.path.parent / "refs"):
        if kept.repo is not None and (read_record(path) or {}).get("sha") == kept.sha:
            remove_inside(get_dir(), path)


def _remove_empty(repo_folder: Path) -> None:
    """Remove what is left of a repo once its last tree is gone."""
    if any(path.is_dir() and path.name != "refs" for path in repo_folder.iterdir()):
        return
    with suppress(OSError):
        remove_inside(get_dir(), repo_folder)


@contextmanager
def _alone(kept: KeptTree) -> Iterator[None]:
    if kept.repo is None:  # a folder of torch.hub's, which locks nothing
        yield
        return
    with _holding(repo_key(kept.repo), kept.name), require_unused(kept.path):
        yield


@contextmanager
def _holding(key: str, what: str) -> Iterator[None]:
    try:
        with hold(key, PATIENCE):
            yield
    except LockTimeoutError as error:
        raise InUseError(
            f"{what} is in use: it is being fetched.", hint="Try again when that is done."
        ) from error
