"""``hubkit.lock``: the commit of each repo, and the hash of each checkpoint.

The file is sorted JSON, so that changes are readable in a review::

    {
      "version": 1,
      "repos": {
        "acme/shapes:v0.1.0": {
          "sha": "6f1c...",
          "digest": "sha256:9b0d..."
        }
      },
      "checkpoints": {
        "https://github.com/acme/shapes/releases/download/v0.1.0/shapes-1a2b3c4d.pt": {
          "sha256": "1a2b3c4d...",
          "size": 102400
        }
      }
    }

``digest`` covers the names, modes and contents of all files, not the archive: hosts recreate archives
of the same commit from time to time, with other bytes.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from msgspec import Meta, Struct, ValidationError, convert, field

from hubkit import limits
from hubkit._util.atomic import write_file
from hubkit._util.notebook import html_code, html_table
from hubkit._util.parse import parse_json, read_bounded
from hubkit._util.paths import refuse
from hubkit._util.urls import UrlError, parse_url, redact
from hubkit.errors import LockfileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.facts import Files

Pin = TypeVar("Pin", bound=Struct)

NAME = "hubkit.lock"
VARIABLE = "HUBKIT_LOCKFILE"
VERSION = 1

_RECREATE = "move it away and create it again: hubkit lock owner/name"

_Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class LockedRepo(Struct, frozen=True):
    """A pinned repo.

    Attributes:
        sha: The commit.
        digest: "sha256:" and the digest of its files.
    """

    sha: Annotated[str, Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})\Z")]
    digest: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z")]


class LockedCheckpoint(Struct, frozen=True):
    """A pinned checkpoint.

    Attributes:
        sha256: Its digest in hexadecimal digits.
        size: Its length in bytes.
    """

    sha256: _Sha256
    size: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class _Content(Struct, frozen=True):
    """The JSON object, before its pins are validated one by one."""

    version: Any
    repos: dict[str, Any]
    checkpoints: dict[str, Any]


class Lockfile(Struct, frozen=True, eq=False):
    """The contents of a lock file.

    Attributes:
        path: The file.
        repos: Pinned repos, by "owner/name" or "owner/name:ref".
        checkpoints: Pinned checkpoints, by URL without signature.
    """

    path: Path
    repos: Mapping[str, LockedRepo] = field(default_factory=dict)
    checkpoints: Mapping[str, LockedCheckpoint] = field(default_factory=dict)

    def repo(self, name: str) -> LockedRepo:
        """The pin of a repo.

        Args:
            name: "owner/name" or "owner/name:ref", as it was locked.

        Raises:
            LockfileError: It is not pinned.
        """
        if name not in self.repos:
            raise LockfileError(
                f"{name} is not in the lock file {self.path}.",
                hint=f"Pin it: hubkit lock {name}",
            )
        return self.repos[name]

    def checkpoint(self, url: str) -> LockedCheckpoint:
        """The pin of a checkpoint.

        Args:
            url: Its URL, without signature.

        Raises:
            LockfileError: It is not pinned.
        """
        if url not in self.checkpoints:
            raise LockfileError(
                f"The checkpoint {url} is not in the lock file {self.path}.",
                hint=f"Pin it: hubkit lock --checkpoint {url}",
            )
        return self.checkpoints[url]

    def _repr_html_(self) -> str:
        repos = [
            (html_code(name), html_code(pin.sha[:12]), html_code(pin.digest))
            for name, pin in self.repos.items()
        ]
        files = [
            (html_code(url), f"{pin.size:,} bytes", html_code(pin.sha256))
            for url, pin in self.checkpoints.items()
        ]
        return html_table(str(self.path), ("repo", "commit", "digest"), repos) + html_table(
            "Checkpoints", ("URL", "size", "SHA-256"), files
        )


def find_lockfile(path: str | os.PathLike[str] | None) -> Lockfile | None:
    """The lock file to use.

    Args:
        path: Its path; None for that in ``$HUBKIT_LOCKFILE``, if set.

    Raises:
        LockfileError: It does not exist, or cannot be read.
    """
    where = path or os.environ.get(VARIABLE)
    return read_lockfile(Path(where)) if where else None


def read_lockfile(path: Path) -> Lockfile:
    """Read a lock file.

    Raises:
        LockfileError: It does not exist, or is not a lock file.
    """
    path = path.expanduser().absolute()
    try:
        stat = path.stat()
        return _read(path, (stat.st_mtime_ns, stat.st_size))
    except OSError as error:
        raise LockfileError(
            f"Cannot read the lock file {path}: {error.strerror}.",
            hint="To create one: hubkit lock owner/name",
        ) from None


def read_own_pins(files: Files) -> Mapping[str, LockedCheckpoint]:
    """The checkpoints that a repo's own lock file pins, by URL; none if it has no lock file.

    Raises:
        LockfileError: It is not a lock file.
    """
    return read_lockfile(files.root / NAME).checkpoints if files.is_file(NAME) else {}


def render_lockfile(lock: Lockfile) -> str:
    """The text of a lock file. The same pins always have the same text."""
    content = {
        "version": VERSION,
        "repos": {
            name: {"sha": repo.sha, "digest": repo.digest}
            for name, repo in sorted(lock.repos.items())
        },
        "checkpoints": {
            url: {"sha256": checkpoint.sha256, "size": checkpoint.size}
            for url, checkpoint in sorted(lock.checkpoints.items())
        },
    }
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n"


def write_lockfile(lock: Lockfile) -> None:
    """Write a lock file.

    If it is a link, its target is replaced, but only if it exists: then it was read as a lock file
    before. A link in a foreign repo may lead anywhere.

    Raises:
        LockfileError: It cannot be written.
    """
    place = Path(os.path.realpath(lock.path))
    try:
        if lock.path.is_symlink() and not place.is_file():
            raise refuse(lock.path, f"it is a link to {place}, which does not exist")
        write_file(place, render_lockfile(lock))
    except OSError as error:
        raise LockfileError(
            f"Cannot write the lock file {lock.path}: {error.strerror}.",
            hint="Choose another file: --output FILE",
        ) from None


@functools.lru_cache(maxsize=16)
def _read(path: Path, _version: tuple[int, int]) -> Lockfile:
    try:
        data = read_bounded(path, limits.LOCK_FILE_BYTES, follow=True)
        content = convert(parse_json(data, _unique), _Content)
        _require_version(path, content.version)
        for url in content.checkpoints:
            _require_url(url)
        return Lockfile(
            path,
            {name: _convert_pin(name, pin, LockedRepo) for name, pin in content.repos.items()},
            {
                url: _convert_pin(url, pin, LockedCheckpoint)
                for url, pin in content.checkpoints.items()
            },
        )
    except LockfileError:
        raise
    except ValueError as error:
        raise LockfileError(
            f"{path} is not a lock file: {error}.", hint=f"Fix it, or {_RECREATE}"
        ) from None


def _require_version(path: Path, version: object) -> None:
    if version != VERSION:
        raise LockfileError(
            f"The lock file {path} has version {version!r}. This version of hubkit reads {VERSION}.",
            hint=f"Upgrade hubkit, or {_RECREATE}",
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object without duplicate names, which merges leave behind.

    Raises:
        ValueError: It has duplicate names.
    """
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"duplicate entry {name}")
        content[name] = value
    return content


def _require_url(url: str) -> None:
    """Reject an invalid URL before anything is fetched.

    Raises:
        ValueError: It is invalid.
    """
    try:
        parse_url(url)
    except UrlError as error:
        raise ValueError(f"the URL {redact(url)} {error}") from None


def _convert_pin(name: str, pin: object, kind: type[Pin]) -> Pin:
    try:
        return convert(pin, kind)
    except ValidationError as error:
        raise ValueError(f"{name}: {error}") from None
