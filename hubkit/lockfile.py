"""``hubkit.lock``: which commit each repo was, and which bytes each checkpoint.

JSON, sorted, one fact a line, so that a change reads well in a review::

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

``digest`` is over the names, modes and contents of all files, not over the archive that they came
in: hosts pack a commit anew from time to time, and the archive's bytes change with it.
"""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from hubkit import limits
from hubkit._util.atomic import write_file
from hubkit._util.parse import parse_json, read_bounded
from hubkit._util.paths import refuse
from hubkit._util.urls import UrlError, parse_url, redact
from hubkit.errors import LockfileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAME = "hubkit.lock"
VARIABLE = "HUBKIT_LOCKFILE"
VERSION = 1

_ANEW = "move it away and make it anew: hubkit lock owner/name"

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class LockedRepo(Struct, frozen=True):
    """A repo at a ref, pinned.

    Attributes:
        sha: The commit.
        digest: "sha256:" and the digest of its files.
    """

    sha: str
    digest: str


class LockedCheckpoint(Struct, frozen=True):
    """A checkpoint, pinned.

    Attributes:
        sha256: Its digest in hexadecimal digits.
        size: Its length in bytes.
    """

    sha256: str
    size: int


class Lockfile(Struct, frozen=True, eq=False):
    """What is pinned.

    Attributes:
        path: The file.
        repos: By what is asked for: "owner/name" or "owner/name:ref".
        checkpoints: By URL, without what only signs it.
    """

    path: Path
    repos: Mapping[str, LockedRepo] = field(default_factory=dict)
    checkpoints: Mapping[str, LockedCheckpoint] = field(default_factory=dict)

    def repo(self, name: str) -> LockedRepo:
        """The pin of a repo.

        Args:
            name: "owner/name" or "owner/name:ref", as it was locked.

        Raises:
            LockfileError: It has none.
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
            url: From where, without what only signs it.

        Raises:
            LockfileError: It has none.
        """
        if url not in self.checkpoints:
            raise LockfileError(
                f"The checkpoint {url} is not in the lock file {self.path}.",
                hint=f"Pin it: hubkit lock --checkpoint {url}",
            )
        return self.checkpoints[url]


def find_lockfile(path: str | os.PathLike[str] | None) -> Lockfile | None:
    """The lock file in force.

    Args:
        path: Which one; None takes what ``$HUBKIT_LOCKFILE`` says, if it says anything.

    Raises:
        LockfileError: There is none, or it cannot be read.
    """
    where = path or os.environ.get(VARIABLE)
    return read_lockfile(Path(where)) if where else None


def read_lockfile(path: Path) -> Lockfile:
    """Read a lock file.

    Raises:
        LockfileError: There is none, or it is not one.
    """
    path = path.expanduser().absolute()
    try:
        stat = path.stat()
        return _read(path, (stat.st_mtime_ns, stat.st_size))
    except OSError as error:
        raise LockfileError(
            f"The lock file {path} cannot be read: {error.strerror}.",
            hint="Make one: hubkit lock owner/name",
        ) from error


def render_lockfile(lock: Lockfile) -> str:
    """The text of a lock file; the same pins always give the same text."""
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
    """Put a lock file in place, whole.

    What a link leads to is replaced, not the link, but only if it is there: it has been read as a
    lock file then. A link in somebody's repo may lead anywhere.

    Raises:
        LockfileError: It cannot be written.
    """
    place = Path(os.path.realpath(lock.path))
    try:
        if lock.path.is_symlink() and not place.is_file():
            raise refuse(lock.path, f"it is a link to {place}, and there is no such file")
        write_file(place, render_lockfile(lock))
    except OSError as error:
        raise LockfileError(
            f"The lock file {lock.path} cannot be written: {error.strerror}.",
            hint="Say where it is to be: --output FILE",
        ) from error


@functools.lru_cache(maxsize=16)
def _read(path: Path, _version: tuple[int, int]) -> Lockfile:
    try:
        data = read_bounded(path, limits.LOCK_FILE_BYTES, follow=True)
        content = parse_json(data, _once)
        _require_version(path, content["version"])
        return Lockfile(
            path,
            _table(content["repos"], _locked_repo),
            _table(_require_urls(content["checkpoints"]), _locked_checkpoint),
        )
    except LockfileError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise LockfileError(
            f"{path} is no lock file: {what}.", hint=f"Mend it, or {_ANEW}"
        ) from error


def _require_version(path: Path, version: object) -> None:
    if version != VERSION:
        raise LockfileError(
            f"The lock file {path} is of version {version!r}; this hubkit reads {VERSION}.",
            hint=f"Upgrade hubkit, or {_ANEW}",
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the JSON. Merges leave the same name twice, and JSON would take the last."""
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise ValueError(f"{name} is in it twice")
        content[name] = value
    return content


def _require_urls(content: Any) -> Any:  # noqa: ANN401 - JSON
    """Refuse what is not a URL before anything of a stranger's lock file is fetched."""
    for url in content:
        _require_url(url)
    return content


def _require_url(url: str) -> None:
    try:
        parse_url(url)
    except UrlError as error:
        raise ValueError(f"the address {redact(url)} {error}") from error


def _table(content: Any, make: Callable[[Any], Any]) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {name: make(pin) for name, pin in content.items()}


def _locked_repo(pin: Any) -> LockedRepo:  # noqa: ANN401 - JSON
    digest = _match(_SHA256, pin["digest"].removeprefix("sha256:"))
    return LockedRepo(_match(_SHA, pin["sha"]), f"sha256:{digest}")


def _locked_checkpoint(pin: Any) -> LockedCheckpoint:  # noqa: ANN401 - JSON
    size = pin["size"]
    if type(size) is not int or not 0 <= size < 1 << 63:
        raise ValueError(f"{size!r} is no size")
    return LockedCheckpoint(_match(_SHA256, pin["sha256"]), size)


def _match(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is no digest")
    return text
