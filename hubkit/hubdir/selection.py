"""What of the hub dir is meant: by a name that somebody writes, or as unused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hubkit._util.text import did_you_mean
from hubkit.errors import RepoSpecError, UsageError
from hubkit.hubdir.disk import read_record
from hubkit.hubdir.names import parse_repo
from hubkit.hubdir.origins import key_of

if TYPE_CHECKING:
    from hubkit.facts.hubdir import Inventory, KeptCheckpoint, KeptTree

_SHORTEST_SHA = 7


def select_named(inventory: Inventory, text: str) -> list[KeptTree | KeptCheckpoint]:
    """What somebody means who calls it by a name, URL, path or commit.

    Raises:
        UsageError: There is nothing of that name.
    """
    found: list[KeptTree | KeptCheckpoint] = []
    found += [tree for tree in inventory.trees if _is_meant(tree, text)]
    found += [file for file in inventory.checkpoints if _is_meant_file(file, text, inventory)]
    if not found:
        raise _nothing_of_that_name(inventory, text)
    return found


def select_unused(
    inventory: Inventory, older_than: float | None
) -> tuple[KeptTree | KeptCheckpoint, ...]:
    """What may go.

    Trees that a branch or tag led to and has left behind, whatever their age; and whatever in the
    hub dir has not been used for so long. Checkpoints in other folders are their owner's.

    Args:
        inventory: What there is.
        older_than: Seconds, or None to go by age nowhere.
    """
    limit = None if older_than is None else time.time() - older_than
    trees = [
        tree for tree in inventory.trees if _is_superseded(tree) or _is_older(tree.used_at, limit)
    ]
    checkpoints = [
        file
        for file in inventory.checkpoints
        if file.path.is_relative_to(inventory.root) and _is_older(file.used_at, limit)
    ]
    return (*trees, *checkpoints)


def _is_meant(tree: KeptTree, text: str) -> bool:
    if text in (tree.name, str(tree.path)):
        return True
    if _starts(tree.sha, text):
        return True
    try:
        repo = parse_repo(text)
    except RepoSpecError:
        return False
    if tree.repo is None or repo.full_name != tree.repo.full_name:
        return False
    ref = repo.ref
    return ref is None or ref in tree.refs or _starts(tree.sha, ref)


def _starts(sha: str, digits: str) -> bool:
    return len(digits) >= _SHORTEST_SHA and sha.startswith(digits.lower())


def _is_meant_file(file: KeptCheckpoint, text: str, inventory: Inventory) -> bool:
    if text == file.path.name:  # in the user's own folders, names are the user's
        return file.path.is_relative_to(inventory.root)
    return text == str(file.path) or (bool(file.url) and _key(text) == file.url)


def _key(text: str) -> str | None:
    """The key of a URL of a file; None for other texts, such as names of repos."""
    try:
        return key_of(text)
    except UsageError:
        return None


def _nothing_of_that_name(inventory: Inventory, text: str) -> Exception:
    names = [tree.name for tree in inventory.trees]
    names += [file.path.name for file in inventory.checkpoints]
    hint = did_you_mean(text, names, most=3) or "`hubkit cache ls` lists what is there."
    return UsageError(f"There is nothing called {text} in {inventory.root}.", hint=hint)


def _is_superseded(tree: KeptTree) -> bool:
    if tree.repo is None or tree.refs:
        return False
    record = read_record(tree.path.with_name(f"{tree.sha}.json")) or {}
    return bool(record.get("led_by"))


def _is_older(used_at: float | None, limit: float | None) -> bool:
    return limit is not None and used_at is not None and used_at < limit
