"""``hubkit cache``: what lies in the hub dir, and what may go."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts.hubdir import Inventory, KeptCheckpoint, KeptTree

VERSION = 1  # of the JSON
_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@click.group()
def command() -> None:
    """Look after the hub dir, which torch.hub shares."""


@command.command("dir")
def dir_() -> None:
    """Print where the hub dir is."""
    from hubkit.hubdir import get_dir

    click.echo(get_dir())


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def ls(as_json: bool) -> None:
    """List what is in the hub dir: code, weights, and what nobody will use again.

    "Last used" is when the file system last saw it read, which many file systems note once a day.
    """
    from hubkit.hubdir import read_inventory

    inventory = read_inventory()
    if as_json:
        click.echo(json.dumps(_as_json(inventory), indent=2))
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
            _shown(file, inventory),
            _origin(file),
        )
        for file in inventory.checkpoints
    ]
    rows += [
        (_size(left.size), "-", "-", str(left.path), left.kind) for left in inventory.leftovers
    ]
    for line in _columns([("SIZE", "LAST USED", "DIGEST", "WHAT", "FROM"), *rows]):
        click.echo(line)
    click.echo(f"{len(rows)} items, {_size(inventory.size)}, in {inventory.root}", err=True)


@command.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def rm(targets: tuple[str, ...], dry_run: bool) -> int:
    """Remove code or weights.

    A TARGET is owner/name, owner/name:ref, the first digits of a commit, or the name, path or URL
    of a checkpoint. What a running program has loaded stays.
    """
    from hubkit.hubdir import read_inventory, select_named

    inventory = read_inventory()
    items = dict.fromkeys(item for text in targets for item in select_named(inventory, text))
    return _remove(list(items), dry_run=dry_run)


@command.command()
@click.option(
    "--older-than", metavar="AGE", help="Also what was not used for so long: 12h, 30d, 8w."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def prune(older_than: str | None, dry_run: bool) -> int:
    """Remove what nobody will use again.

    That is code that a branch or tag has left behind, what killed processes left, and what was put
    aside as damaged.
    """
    from hubkit.hubdir import read_inventory, remove_leftover, select_unused

    inventory = read_inventory()
    age = None if older_than is None else _read_age(older_than)
    for left in inventory.leftovers:
        if not dry_run:
            remove_leftover(left)
        _tell("would remove" if dry_run else "removed", left.path, left.size)
    return _remove(list(select_unused(inventory, age)), dry_run=dry_run)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--fix", is_flag=True, help="Put aside what is damaged: it is fetched afresh.")
def verify(as_json: bool, fix: bool) -> int:
    """Read every byte in the hub dir and say what is not as it came."""
    from hubkit.hubdir import find_damage, put_aside, read_inventory

    inventory = read_inventory()
    damages = list(find_damage(inventory))
    if as_json:
        rows = [{"path": str(one.path), "kind": one.kind} for one in damages]
        click.echo(json.dumps({"version": VERSION, "damaged": rows}, indent=2))
    else:
        for one in damages:
            click.echo(f"{one.kind}: {one.path}")
    if fix:
        for item in dict.fromkeys(one.item for one in damages):
            click.echo(f"Put aside: {put_aside(item)}", err=True)
    count = len(inventory.trees) + len(inventory.checkpoints)
    click.echo(f"Verified {count} items: {len(damages)} files are not as they came.", err=True)
    return 1 if damages and not fix else 0


def _remove(items: list[KeptTree | KeptCheckpoint], *, dry_run: bool) -> int:
    from hubkit.errors import InUseError
    from hubkit.facts.hubdir import KeptTree
    from hubkit.hubdir import remove_checkpoint, remove_tree

    in_use = freed = 0
    for item in items:
        try:
            if dry_run:
                pass
            elif isinstance(item, KeptTree):
                remove_tree(item)
            else:
                remove_checkpoint(item)
        except InUseError as error:
            click.echo(f"left: {error.message}", err=True)
            in_use += 1
            continue
        _tell("would remove" if dry_run else "removed", item.path, item.size)
        freed += item.size
    click.echo(f"{_size(freed)} {'would be ' if dry_run else ''}freed.", err=True)
    return 1 if in_use else 0


def _read_age(text: str) -> float:
    from hubkit.errors import UsageError

    match = re.fullmatch(r"(\d+)([hdw])", text)
    if match is None:
        raise UsageError(f"{text!r} is no age.", hint="Write 12h, 30d or 8w.")
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


def _tell(verb: str, path: Path, size: int) -> None:
    click.echo(f"{verb}: {path} ({_size(size)})")


def _shown(file: KeptCheckpoint, inventory: Inventory) -> str:
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


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
