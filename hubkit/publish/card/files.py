"""The checkpoints of a repo's entrypoints: where they are, how large, and what their digest is."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.paths import resolve_inside
from hubkit.analysis import read_weights
from hubkit.lockfile import NAME as LOCKFILE
from hubkit.lockfile import read_lockfile
from hubkit.rules.weights import file_name, hash_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hubkit.config import Config, WeightsConfig
    from hubkit.facts import CheckpointUse, Hubconf, RepoFacts
    from hubkit.lockfile import LockedCheckpoint

_SUFFIX = re.compile(
    r".*\.(?:pth?|th|ckpt|bin|pkl|pickle|safetensors|npz|onnx)(?:\.tar)?", re.IGNORECASE
)
_POINTER = re.compile(rb"oid sha256:([0-9a-f]{64})\nsize (\d+)")
_POINTER_START = b"version https://git-lfs.github.com/spec/"
_POINTER_LENGTH = 1024
# As many as could still be somebody's prefix.
_FEWEST_DIGITS = 6


class Checkpoint(Struct, frozen=True):
    """A checkpoint of an entrypoint.

    Attributes:
        entrypoint: Whose; "" where source does not tell.
        name: The file's name.
        url: Where it is downloaded from; "" for a file of the repo.
        path: The file in the repo; "" for what is downloaded.
        sha256: Its digest, or the digits of it that its name holds; "" when unknown.
        size: Its length in bytes, or None when unknown.
        params: How many parameters the model has that it is for, as declared, or None.
    """

    entrypoint: str
    name: str
    url: str = ""
    path: str = ""
    sha256: str = ""
    size: int | None = None
    params: int | None = None


def find_checkpoints(facts: RepoFacts, hubconf: Hubconf, config: Config) -> Iterator[Checkpoint]:
    """The checkpoints that calling the entrypoints may load, as far as source tells.

    Digests and sizes come from the files of the repo, from what the configuration and the repo's
    lock file say, and from hashes in names; nothing is asked over the network.

    Args:
        facts: The repo.
        hubconf: Its hubconf.
        config: Its configuration.
    """
    locked = _read_locked(facts)
    told: set[str] = set()
    names = [entrypoint.name for entrypoint in hubconf.entrypoints]
    weights = read_weights(facts.files, hubconf, names)
    for entrypoint in hubconf.entrypoints:
        said = config.entrypoint(entrypoint.name)
        records = [one.weights for one in (said, *said.cases.values()) if one.weights]
        found = [
            *_downloaded(entrypoint.name, weights[entrypoint.name].downloads, locked),
            *_own(facts, entrypoint.name, weights[entrypoint.name].files),
        ]
        told.update(one.url for one in found)
        for one in found:
            yield _with_record(one, records, is_only=len(found) == 1)
        if not found and records:
            yield _with_record(Checkpoint(entrypoint.name, ""), records, is_only=True)
    for one in _downloaded("", hubconf.checkpoints, locked):
        if one.url not in told and (one.url or not told):
            yield one


def _downloaded(
    name: str, uses: Iterable[CheckpointUse], locked: Mapping[str, LockedCheckpoint]
) -> Iterator[Checkpoint]:
    seen: set[str | None] = set()
    for use in uses:
        if use.url in seen:
            continue
        seen.add(use.url)
        if use.url is None:
            yield Checkpoint(name, "")
            continue
        file, pin = file_name(use) or use.url, locked.get(use.url)
        digits = hash_digits(file) or ""
        yield Checkpoint(
            name,
            file,
            url=use.url,
            sha256=pin.sha256 if pin else digits if len(digits) >= _FEWEST_DIGITS else "",
            size=pin.size if pin else None,
        )


def _own(facts: RepoFacts, name: str, paths: Iterable[str]) -> Iterator[Checkpoint]:
    for path in paths:
        gap = facts.files.gap(path) if _SUFFIX.fullmatch(path) else None
        # What is only not added yet will be; what is ignored reaches nobody.
        if _SUFFIX.fullmatch(path) and (gap is None or gap.kind == "untracked"):
            sha256, size = _measure(facts, path)
            yield Checkpoint(name, path.rpartition("/")[2], path=path, sha256=sha256, size=size)


def _measure(facts: RepoFacts, path: str) -> tuple[str, int | None]:
    """Digest and size of a file of the repo; of a Git LFS pointer, what it points to."""
    from hubkit.hubdir import sha256_of

    try:
        head = facts.files.read(path, _POINTER_LENGTH)
        pointer = _POINTER.search(head) if head.startswith(_POINTER_START) else None
        if pointer:
            return pointer[1].decode(), int(pointer[2])
        if facts.files.ref:
            data = facts.files.read(path)
            return hashlib.sha256(data).hexdigest(), len(data)
        file = resolve_inside(facts.root, path)
        return sha256_of(file), file.stat().st_size
    except OSError:
        return "", None


def _with_record(one: Checkpoint, records: list[WeightsConfig], *, is_only: bool) -> Checkpoint:
    """A checkpoint with what the configuration says of it.

    A record is a checkpoint's by its digest; where there is one of each, they belong together.
    """
    from msgspec import structs

    fitting = [record for record in records if agree(one.sha256, record.sha256)]
    if not fitting and is_only and len(records) == 1 and not one.sha256:
        fitting = records
    if not fitting:
        return one
    record = fitting[0]
    return structs.replace(
        one,
        sha256=max(one.sha256, record.sha256, key=len),
        size=record.bytes if one.size is None else one.size,
        params=record.params,
    )


def agree(one: str, other: str) -> bool:
    """Whether two digests, or starts of digests, may be of one file."""
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _read_locked(facts: RepoFacts) -> Mapping[str, LockedCheckpoint]:
    if not facts.files.is_file(LOCKFILE):
        return {}
    return read_lockfile(facts.root / LOCKFILE).checkpoints
