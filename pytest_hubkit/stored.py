"""Weights that are on this machine: in the repo, in folders of the user, and in the hub dir."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit._util.urls import try_parse
from hubkit.errors import HubkitError
from hubkit.torchhub import SHORTEST_HASH, hash_in_name
from pytest_hubkit.isolation import isolated_hub_dir

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# How files with weights start: a zip archive, a pickle, HDF5, and NumPy's format.
_STARTS = (b"PK\x03\x04", b"\x80", b"\x89HDF", b"\x93NUMPY")
_POINTER = b"version https://git-lfs.github.com/spec/"


class WeightsStore(Struct, frozen=True):
    """Where to look for the file of a URL.

    Attributes:
        root: The repo's folder.
        paths: Files in it that consumers get, relative to it.
        folders: Folders of files to upload or to use, which are searched by digest too.
        hub_dir: The user's hub dir.
    """

    root: str
    paths: tuple[str, ...]
    folders: tuple[str, ...]
    hub_dir: str

    def find(self, url: str, digest: str = "") -> Path | None:
        """The file for a URL: from the repo, the folders, or the hub dir; None if it is in none.

        Args:
            url: The URL.
            digest: The start of the sha256 that the configuration declares, or "".
        """
        parts = try_parse(url)
        name = parts.file_name if parts else ""
        if not name:
            return None
        named = hash_in_name(name) or ""
        digits = named if len(named) >= SHORTEST_HASH else digest.lower()
        found = _closest((one for one in self.paths if one.rpartition("/")[2] == name), url)
        inside = [Path(self.root, found)] if found else []
        candidates = (*inside, *self._in_folders(name, digits))
        return next(filter(_holds_weights, candidates), None) or self._in_hub_dir(url, name)

    def describe(self, path: Path) -> str:
        """A file for reports: relative to the repo if it is inside."""
        try:
            return path.resolve().relative_to(Path(self.root).resolve()).as_posix()
        except ValueError:
            return str(path)

    def names(self) -> set[str]:
        """Names of the files in the repo and the folders."""
        inside = (path.rpartition("/")[2] for path in self.paths)
        return {*inside, *(one.name for folder in self.folders for one in _files_in(folder))}

    def _in_folders(self, name: str, digits: str) -> Iterator[Path]:
        for folder in self.folders:
            files = _files_in(folder)
            yield from (one for one in files if one.name == name)
            if digits:
                yield from (one for one in files if digest_of(one).startswith(digits))

    def _in_hub_dir(self, url: str, name: str) -> Path | None:
        from hubkit.hubdir import find_checkpoint

        hub = Path(self.hub_dir)
        if hub.name != "hub":  # torch.hub.set_dir takes any folder
            path = hub / "checkpoints" / name
            return path if _holds_weights(path) else None
        try:
            with isolated_hub_dir(hub.parent):
                found = find_checkpoint(url)
        except (HubkitError, OSError):
            return None
        return found.path if found and _holds_weights(found.path) else None


def find_weights(paths: Iterable[str]) -> Iterator[Path]:
    """Those of some files that hold weights, by how they start."""
    for path in map(Path, paths):
        with contextlib.suppress(OSError):
            if path.is_file() and _starts_like_weights(path):
                yield path


def _starts_like_weights(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(9)
    return head.startswith(_STARTS) or (path.suffix == ".safetensors" and head[8:] == b"{")


def find_outside(paths: Iterable[Path], *allowed: Path) -> tuple[str, ...]:
    """Files that lie neither in one of some folders nor in Python's own."""
    inside = (*allowed, *map(Path, {sys.prefix, sys.base_prefix}))
    return tuple(str(one) for one in paths if not any(one.is_relative_to(two) for two in inside))


def digest_of(path: Path) -> str:
    """The sha256 of a file, which is read once."""
    found = path.stat()
    return _digest(str(path), found.st_size, found.st_mtime_ns)


@functools.lru_cache
def _digest(path: str, size: int, changed: int) -> str:
    del size, changed  # They tell versions of the file apart.
    from hubkit.hubdir import sha256_of

    return sha256_of(Path(path))


def _files_in(folder: str) -> list[Path]:
    try:
        return [Path(one.path) for one in os.scandir(folder) if one.is_file()]
    except OSError:
        return []


def _closest(paths: Iterable[str], url: str) -> str:
    """The path that shares the longest end with a URL."""
    end = url[::-1]
    same = os.path.commonprefix  # letter by letter
    return max(paths, key=lambda one: len(same([one[::-1], end])), default="")


def _holds_weights(path: Path) -> bool:
    """Whether a file exists and is more than a pointer to one in git-lfs."""
    try:
        if path.stat().st_size >= limits.POINTER_BYTES.most:
            return path.is_file()
        return not path.read_bytes().startswith(_POINTER)
    except OSError:
        return False
