"""Points about weights: named by their hash, recorded as what they are, and where they are said to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.paths import is_inside
from hubkit._util.text import plural
from hubkit.hubdir import sha256_of
from hubkit.publish.card.files import agree, find_checkpoints
from hubkit.publish.release.points import Point
from hubkit.rules.weights import hash_digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import Hubconf
    from hubkit.publish.card.files import Checkpoint
    from hubkit.publish.release.situation import Situation

_ASSET = re.compile(r"https://github\.com/([^/]+/[^/]+)/releases/download/([^/]+)/[^/]+")
_FEWEST = 6  # digits; torch.hub compares what there are
_SHOWN = 8
# Where files wait to be uploaded.
_FOLDERS = ("", "dist", "weights", "checkpoints", "release", "releases", "build", "models")


class Asset(Struct, frozen=True):
    """A file that the release is to have.

    Attributes:
        name: Its name.
        path: Where it lies, relative to the repo; "" when it is nowhere to be seen.
    """

    name: str
    path: str


def weights(now: Situation) -> Iterator[Point]:
    """Checkpoints are what their names and the configuration say."""
    found = [one for one in _checkpoints(now) if one.url or one.path]
    problems = [point for one in found for point in _wrong_with(one, now)]
    yield from dict.fromkeys(problems)
    if not problems:
        are = "is what it is said to be" if len(found) == 1 else "are what they are said to be"
        what = f"{plural(len(found), 'checkpoint')} {are}"
        yield Point("weights", "ok", what if found else "source tells of none")


def assets(now: Situation) -> tuple[Asset, ...]:
    """Files that code expects at the release that is to be made."""
    found: dict[str, Asset] = {}
    for one in _checkpoints(now):
        asset = _ASSET.fullmatch(one.url)
        if asset and asset[2] == now.tag and asset[1].lower() == now.repo.lower():
            local = _find_local(now.root, one.name)
            path = local.relative_to(now.root).as_posix() if local else ""
            found[one.name] = Asset(one.name, path)
    return tuple(found.values())


def _checkpoints(now: Situation) -> tuple[Checkpoint, ...]:
    hubconf: Hubconf | None = now.facts.hubconf
    return tuple(find_checkpoints(now.facts, hubconf, now.config)) if hubconf else ()


def _wrong_with(one: Checkpoint, now: Situation) -> Iterator[Point]:
    yield from _recorded_otherwise(one, now)
    digits = hash_digits(one.name) or ""
    is_named = len(digits) >= _FEWEST
    asset = _ASSET.fullmatch(one.url)
    is_ours = bool(asset and asset[1].lower() == now.repo.lower())
    if one.url and not is_named:
        yield Point(
            "weights",
            "missing" if is_ours else "note",
            f"the name of {one.name} holds no hash, so torch.hub cannot check it",
            f"{_add(one)}, and publish that",
        )
    if asset and is_ours:
        yield from _misplaced(one, asset[2], now)
    if one.path and is_named and not agree(one.sha256, digits):
        yield Point(
            "weights",
            "missing",
            f"{one.path} is not the file that its name says: its sha256 starts with "
            f"{one.sha256[:_SHOWN]}",
            "rename it, or restore it",
        )


def _recorded_otherwise(one: Checkpoint, now: Situation) -> Iterator[Point]:
    """Records of the entrypoint that are of no file that it loads."""
    said = now.config.entrypoint(one.entrypoint)
    records = [case.weights for case in (said, *said.cases.values()) if case.weights]
    digests = [record.sha256 for record in records if record.sha256]
    if one.sha256 and len(digests) == 1 and not agree(one.sha256, digests[0]):
        yield Point(
            "weights",
            "missing",
            f"{one.path or one.name} has the sha256 {one.sha256[:_SHOWN]}…, and "
            f"{now.config.path} records {digests[0][:_SHOWN]}… for {one.entrypoint}",
            f"{_add(one)}, or correct the code",
        )
    sizes = [record.bytes for record in records if record.bytes is not None]
    if one.path and one.size is not None and len(sizes) == 1 and one.size != sizes[0]:
        yield Point(
            "weights",
            "missing",
            f"{one.path} has {one.size:,} bytes, and {now.config.path} records {sizes[0]:,}",
            _add(one),
        )


def _misplaced(one: Checkpoint, tag: str, now: Situation) -> Iterator[Point]:
    """What is wrong with where a release file is said to be."""
    if now.tag and tag != now.tag and tag not in now.tags:
        yield Point(
            "weights",
            "missing",
            f"{one.name} is said to be at the release {tag}, which is no tag of this repo",
            f"correct the URL, or --tag {tag}",
        )
    if tag != now.tag:
        return
    local = _find_local(now.root, one.name)
    digits = hash_digits(one.name) or ""
    if local is None:
        yield Point(
            "weights",
            "note",
            f"{one.name} is to be attached to {tag}, and lies in none of the usual folders",
            "have it at hand",
        )
    elif digits and not agree(sha256_of(local), digits):
        yield Point(
            "weights",
            "missing",
            f"{local.relative_to(now.root).as_posix()} is not the file that its name says",
            f"{_add(one)} names a file rightly",
        )


def _add(one: Checkpoint) -> str:
    whose = f" --entrypoint {one.entrypoint}" if one.entrypoint else ""
    return f"hubkit weights add {one.path or 'FILE'}{whose}"


def _find_local(root: Path, name: str) -> Path | None:
    places = (root / folder / name for folder in _FOLDERS)
    return next((path for path in places if path.is_file() and is_inside(root, path)), None)
