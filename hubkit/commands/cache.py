"""``hubkit cache``: list, verify and clean up the hub dir."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import click

from hubkit._util.colors import paint
from hubkit._util.console import echo, note
from hubkit._util.text import align_columns, plural
from hubkit.commands.base import print_answer, subgroup
from hubkit.commands.complete import complete_cached

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from hubkit.facts.hubdir import Inventory, KeptCheckpoint, KeptTree, Leftover

    Item: TypeAlias = KeptTree | KeptCheckpoint | Leftover

VERSION = 1  # the former name of `schema`
_HEAD = ("SIZE", "LAST USED", "DIGEST", "WHAT", "FROM")
_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@subgroup()
def command() -> None:
    """Manage the hub dir, which is shared with torch.hub."""


@command.command("dir", answers=True)
def dir_(*, as_json: bool) -> None:
    """Print the path of the hub dir."""
    from hubkit.hubdir import get_dir

    if as_json:
        print_answer({"dir": get_dir()})
    else:
        echo(get_dir())


@command.command(answers=True)
def ls(*, as_json: bool) -> None:
    """List the contents of the hub dir: code, weights and leftovers.

    LAST USED is the access time of the file system, which many update once a day.
    """
    from hubkit.hubdir import read_inventory

    inventory = read_inventory()
    if as_json:
        print_answer(_as_json(inventory))
        return
    rows = [
        (
            _size(tree.size),
            _age(tree.used_at),
            tree.sha[:10] or "-",
            tree.name,
            ", ".join(tree.refs),
        )
        for tree in inventory.trees
    ]
    rows += [
        (
            _size(file.size),
            _age(file.used_at),
            file.sha256[:10] or "-",
            _display_path(file, inventory),
            _origin(file),
        )
        for file in inventory.checkpoints
    ]
    rows += [
        (_size(left.size), "-", "-", str(left.path), left.kind) for left in inventory.leftovers
    ]
    head = [paint(text, "bold") for text in _HEAD]
    for line in align_columns([head, *rows]) if rows else ():
        echo(line)
    note(f"{plural(len(rows), 'item')}, {_size(inventory.size)}, in {inventory.root}")


@command.command(answers=True)
@click.argument(
    "targets", nargs=-1, required=True, metavar="TARGET...", shell_complete=complete_cached
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed without removing it.")
def rm(targets: tuple[str, ...], *, dry_run: bool, as_json: bool) -> int:
    """Remove code or weights.

    TARGET is owner/name, owner/name:ref, the first digits of a commit, or the name, path or URL of
    a checkpoint. Files that a running program uses are kept.
    """
    from hubkit.hubdir import read_inventory, select_named

    inventory = read_inventory()
    items = dict.fromkeys(item for text in targets for item in select_named(inventory, text))
    return _remove_all(items, dry_run=dry_run, as_json=as_json)


@command.command(answers=True)
@click.option(
    "--older-than",
    metavar="AGE",
    help="Also remove data that was not used for this long, such as 12h, 30d or 8w.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed without removing it.")
def prune(older_than: str | None, *, dry_run: bool, as_json: bool) -> int:
    """Remove unused data.

    Removes code that no branch or tag points to, leftovers of killed processes, and damaged files
    that were set aside.
    """
    from hubkit.hubdir import read_inventory, select_unused

    inventory = read_inventory()
    age = None if older_than is None else _read_age(older_than)
    items = (*inventory.leftovers, *select_unused(inventory, age))
    return _remove_all(items, dry_run=dry_run, as_json=as_json)


@command.command(answers=True)
@click.option("--fix", is_flag=True, help="Set damaged files aside, so they are fetched again.")
def verify(*, fix: bool, as_json: bool) -> int:
    """Read every file in the hub dir and report damage."""
    from hubkit.hubdir import find_damage, read_inventory

    inventory = read_inventory()
    damages = list(find_damage(inventory))
    if not as_json:
        for one in damages:
            echo(paint(one.kind, "failed"), f": {one.path}")
    items = dict.fromkeys(one.item for one in damages) if fix else ()
    kept = sum(not _put_aside(item) for item in items)
    if as_json:
        rows = [{"path": str(one.path), "kind": one.kind} for one in damages]
        print_answer({"version": VERSION, "damaged": rows})
    count = len(inventory.trees) + len(inventory.checkpoints)
    bad = f"{plural(len(damages), 'file')} damaged" if damages else "no damage found"
    note(f"Verified {plural(count, 'item')}: {bad}.")
    return 1 if kept or (damages and not fix) else 0


def _put_aside(item: KeptTree | KeptCheckpoint) -> bool:
    """Move something damaged out of the way; returns whether that worked."""
    from hubkit.errors import CacheWriteError, InUseError
    from hubkit.hubdir import quarantine

    try:
        note(f"Set aside: {quarantine(item)}")
    except (InUseError, CacheWriteError) as error:
        echo(f"skipped: {error.message}", err=True)
        return False
    return True


def _remove(item: Item) -> str:
    """Remove an item; returns why it was kept, or ""."""
    from hubkit.errors import CacheWriteError, InUseError
    from hubkit.facts.hubdir import KeptTree, Leftover
    from hubkit.hubdir import remove_checkpoint, remove_leftover, remove_tree

    try:
        if isinstance(item, KeptTree):
            remove_tree(item)
        elif isinstance(item, Leftover):
            remove_leftover(item)
        else:
            remove_checkpoint(item)
    except (InUseError, CacheWriteError) as error:
        return error.message
    return ""


def _remove_all(items: Iterable[Item], *, dry_run: bool, as_json: bool) -> int:
    """Remove items, and print which were removed and which were kept; returns the exit code."""
    removed: list[dict[str, object]] = []
    kept: list[dict[str, object]] = []
    freed = 0
    verb = "would remove" if dry_run else "removed"
    for item in items:
        reason = "" if dry_run else _remove(item)
        if reason:
            kept.append({"path": item.path, "reason": reason})
            echo(f"skipped: {reason}", err=True)
            continue
        removed.append({"path": item.path, "bytes": item.size})
        freed += item.size
        note(f"{verb}: {item.path} ({_size(item.size)})", err=False)
    if as_json:
        print_answer({"dry_run": dry_run, "removed": removed, "kept": kept, "bytes": freed})
    note(f"{_size(freed)} {'would be ' if dry_run else ''}freed.")
    return 1 if kept else 0


def _read_age(text: str) -> float:
    from hubkit.errors import UsageError

    match = re.fullmatch(r"(\d+)([hdw])", text)
    if match is None:
        raise UsageError(f"{text!r} is not an age", hint="Use an age such as 12h, 30d or 8w.")
    return int(match[1]) * _UNITS[match[2]]


def _as_json(inventory: Inventory) -> dict[str, Any]:
    return {
        "version": VERSION,
        "dir": str(inventory.root),
        "repos": [
            {
                "repo": tree.name,
                "sha": tree.sha or None,
                "refs": list(tree.refs),
                "path": str(tree.path),
                "files": tree.files,
                "bytes": tree.size,
                "fetched_at": tree.fetched_at,
                "used_at": tree.used_at,
            }
            for tree in inventory.trees
        ],
        "checkpoints": [
            {
                "path": str(file.path),
                "url": file.url or None,
                "repos": list(file.repos),
                "sha256": file.sha256 or None,
                "bytes": file.size,
                "fetched_at": file.fetched_at,
                "used_at": file.used_at,
            }
            for file in inventory.checkpoints
        ],
        "leftovers": [
            {"path": str(left.path), "kind": left.kind, "bytes": left.size}
            for left in inventory.leftovers
        ],
    }


def _display_path(file: KeptCheckpoint, inventory: Inventory) -> str:
    folder = inventory.root / "checkpoints"
    inside = file.path.is_relative_to(folder)
    return str(file.path.relative_to(folder)) if inside else str(file.path)


def _origin(file: KeptCheckpoint) -> str:
    return " ".join(filter(None, (", ".join(file.repos), file.url)))


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _age(at: float | None) -> str:
    if at is None:
        return "-"
    seconds = max(time.time() - at, 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"
