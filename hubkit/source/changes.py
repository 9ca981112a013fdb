"""How a work tree differs from its commit."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.source.blobs import Blobs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hubkit.source.git import Git

_POINTER_LIMIT = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/.*^oid sha256:([0-9a-f]{64})$", re.S | re.M
)
_PIECE = 1024 * 1024


class Changes(Struct, frozen=True):
    """Paths that differ between a work tree and its commit.

    Attributes:
        tracked: Those that git tracks, sorted as git does.
        untracked: Those that git neither tracks nor ignores.
    """

    tracked: tuple[str, ...]
    untracked: tuple[str, ...]


def read_changes(git: Git) -> Changes:
    """Compare a work tree with its commit. No filter runs: git-lfs pointers are compared here.

    Of submodules only the commit is compared: git would look into one with the submodule's own
    configuration.

    Args:
        git: The git program, in the root of the work tree.

    Raises:
        GitRepoError: git cannot compare them.
    """
    command = ("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty")
    said = git.ask(*command).decode("utf-8", "surrogateescape")
    rows = [(row[:2], row[3:]) for row in said.split("\0") if row]
    untracked = tuple(path for state, path in rows if state == "??")
    same = _find_same(git, [path for state, path in rows if state == " M"])
    tracked = (path for state, path in rows if state != "??" and path not in same)
    return Changes(tuple(tracked), untracked)


def _find_same(git: Git, paths: list[str]) -> frozenset[str]:
    """Files whose contents are those that a git-lfs pointer in the index stands for."""
    kept = _select_lfs(git, paths)
    if not kept:
        return frozenset()
    said = git.ask("ls-files", "--stage", "-z", "--", *(f":(top,literal){path}" for path in kept))
    blobs = Blobs(git)
    found = set()
    for row in said.decode("utf-8", "surrogateescape").split("\0"):
        line, _, path = row.partition("\t")
        pointer = _POINTER.match(blobs.read(line.split()[1], _POINTER_LIMIT)) if path else None
        if pointer and _digest(git.folder / path) == pointer[1].decode():
            found.add(path)
    return frozenset(found)


def _select_lfs(git: Git, paths: Iterable[str]) -> list[str]:
    given = "\0".join(paths).encode("utf-8", "surrogateescape")
    if not given:
        return []
    said = git.ask("check-attr", "-z", "--stdin", "filter", given=given)
    answers = said.decode("utf-8", "surrogateescape").split("\0")
    rows = zip(answers[::3], answers[2::3], strict=False)
    return [path for path, value in rows if value == "lfs"]


def _digest(path: Path) -> str:
    """SHA-256 of a file, "" when it is not a plain one that can be read."""
    digest = hashlib.sha256()
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as opened:
            while piece := opened.read(_PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()
