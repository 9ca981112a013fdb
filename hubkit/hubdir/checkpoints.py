"""Checkpoints in the hub dir: under torch's names, and keyed by their whole URL.

torch.hub keeps a file under the last part of its URL, so two URLs that end alike are one file to
it. Here a record (`origins`) says which URL a file came from; a second URL with the same ending
gets a name of its own, and a file without a record is torch.hub's, used as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import url2pathname

from msgspec import Struct

from hubkit._util.atomic import replacing
from hubkit._util.logs import log
from hubkit._util.paths import open_regular
from hubkit.errors import (
    CacheWriteError,
    FetchError,
    HashMismatchError,
    OfflineError,
    UsageError,
)
from hubkit.facts import FetchPolicy
from hubkit.hubdir.ages import is_recent, is_since
from hubkit.hubdir.disk import move_aside, writing
from hubkit.hubdir.hosts import redact
from hubkit.hubdir.impostors import require_checkpoint
from hubkit.hubdir.layout import get_dir
from hubkit.hubdir.mishaps import MISHAPS
from hubkit.hubdir.origins import (
    Origin,
    find_place,
    forget_checkpoints,
    key_of,
    name_of,
    require_url,
)

if TYPE_CHECKING:
    from hubkit.facts import RepoRef
    from hubkit.hubdir.transfer import Fetched

__all__ = [
    "download_url_to_file",
    "fetch_checkpoint",
    "forget_checkpoints",
    "hash_prefix_of",
]

SHORTEST_HASH = 8  # digits, as torch.hub's documentation asks for


def hash_prefix_of(file_name: str) -> str | None:
    """The start of the sha256 in ``name-<hash>.ext``; None when there are not 8 digits of one."""
    found = re.findall(r"-([0-9a-fA-F]{8,64})(?=\.)", file_name)
    return found[-1].lower() if found else None


def fetch_checkpoint(
    url: str,
    *,
    model_dir: Path | None = None,
    file_name: str | None = None,
    hash_prefix: str | None = None,
    policy: FetchPolicy,
    repo: RepoRef | None = None,
) -> Path:
    """The file at a URL, fetched if it is not there.

    A file that is there is used without a request if it is as it was when it came; if it is not,
    or not what ``hash_prefix`` asks for, it is put aside and fetched again. One that is older than
    the policy allows, and has no hash to go by, is only asked about: a host that says that it has
    not changed sends nothing.

    Args:
        url: From where. A ``file:`` URL is used where it is.
        model_dir: Where to, instead of ``<hub dir>/checkpoints``; may start with ``~``.
        file_name: Its name there, instead of the last part of the URL.
        hash_prefix: First digits of its sha256, 8 at least.
        policy: How far to go.
        repo: Whose code asks: fetching that afresh later takes this file along.

    Raises:
        UsageError: ``url``, ``hash_prefix`` or ``file_name`` makes no sense; said before any
            request.
        HashMismatchError: What came is not what ``hash_prefix`` asks for.
        CheckpointError: It is a web page, or a pointer to a file kept elsewhere.
        OfflineError: No socket may be opened, and it is not there.
        FetchError: It cannot be fetched, for one of the other reasons.
    """
    parts = require_url(url)
    _require_hash(hash_prefix, SHORTEST_HASH)
    name = _require_name(file_name) if file_name is not None else name_of(url)
    if parts.scheme == "file":
        return _local_file(url, hash_prefix)
    folder = Path(get_dir(), "checkpoints") if model_dir is None else model_dir.expanduser()
    wish = _Wish(url, folder / name, hash_prefix, repo)
    found = _find(wish)
    if found is not None and _is_fresh(found, wish, policy):
        return found.path
    try:
        return _fetch(wish, policy)
    except OfflineError as error:
        if found is not None:
            return found.path
        raise _offline(url, _what_lacks(wish), error) from error
    except (*MISHAPS, CacheWriteError) as error:
        afresh = policy.refresh or (found is not None and found.stale)
        if found is None or (afresh and isinstance(error, CacheWriteError)):
            raise
        log.warning("%s The copy in %s is used.", error.message, found.path)
        return found.path


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Download a URL to a file, as ``torch.hub.download_url_to_file`` does.

    Args:
        url: From where.
        dst: Path of the file; may start with ``~``. It is replaced once all is there.
        hash_prefix: First hexadecimal digits of the sha256 that it must have.
        progress: Show a bar when standard error is a terminal.

    Raises:
        UsageError: ``url`` or ``hash_prefix`` makes no sense.
        HashMismatchError: It has another digest.
        FetchError: It cannot be fetched or written.
    """
    parts = require_url(url)
    _require_hash(hash_prefix, 0)
    path = Path(dst).expanduser()
    if parts.scheme == "file":
        source = _local_file(url, hash_prefix)
        with writing(path), source.open("rb") as content, replacing(path) as file:
            shutil.copyfileobj(content, file)
        return
    from hubkit.hubdir.download import download
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.transfer import Wanted

    try:
        with Client(FetchPolicy()) as client:
            download(client, Wanted(url, path, hash_prefix, progress))
    except OfflineError as error:
        raise _offline(url, "has to be fetched", error) from error


class _Wish(Struct, frozen=True):
    url: str
    path: Path
    hash_prefix: str | None
    repo: RepoRef | None


def _find(wish: _Wish) -> Origin | None:
    """The wished-for file, if it is there and sound."""
    try:
        origin = find_place(wish.path, key_of(wish.url))
        if not origin.exists() or not origin.is_sound(wish.hash_prefix):
            return None
    except FileNotFoundError:  # somebody removes it this very moment
        return None
    origin.note_repo(wish.repo)
    return origin


def _is_fresh(found: Origin, wish: _Wish, policy: FetchPolicy) -> bool:
    """Whether a sound file may be used without asking its host."""
    if policy.refresh or found.stale:
        return False
    return wish.hash_prefix is not None or is_recent(found.asked_at, policy.max_age)


def _fetch(wish: _Wish, policy: FetchPolicy) -> Path:
    from hubkit.hubdir.download import download
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.locks import hold
    from hubkit.hubdir.transfer import NotModifiedError, Wanted

    began = time.time()
    # The lock is on torch's name, so that two URLs with one ending settle who gets it.
    with Client(policy) as client, hold(f"checkpoint {wish.path}", policy.lock_timeout):
        found = _find(wish)
        # Whoever held the lock before us may have done our work.
        if found and (_is_fresh(found, wish, policy) or is_since(found.asked_at, began)):
            return found.path
        origin = find_place(wish.path, key_of(wish.url))
        damaged = found is None and origin.exists()

        def settle(path: Path, fetched: Fetched) -> None:
            require_checkpoint(path, wish.url)
            if damaged:
                _put_aside(origin.path)
            _protect(path)
            origin.settle(path, fetched, wish.repo)

        log.info('Downloading: "%s" to %s', redact(wish.url), origin.path)
        conditions = origin.conditions() if found and not policy.refresh else {}
        wanted = Wanted(
            wish.url, origin.path, wish.hash_prefix, policy.progress, settle, conditions
        )
        try:
            download(client, wanted)
        except NotModifiedError:
            origin.note_asked()
    return origin.path


def _offline(url: str, lacks: str, error: OfflineError) -> OfflineError:
    shown = redact(url)
    return OfflineError(f"{shown} {lacks}, and hubkit is offline.", url=shown, hint=error.hint)


def _what_lacks(wish: _Wish) -> str:
    place = find_place(wish.path, key_of(wish.url))
    if place.exists():
        return f"has to be fetched again, since {place.path} is not what it was, or should be"
    return f"is not in the hub dir {get_dir()}"


def _protect(path: Path) -> None:
    """Have nobody write to a file, so that it may be mapped into memory; it can be replaced."""
    if os.name != "nt":  # which would not let it be replaced either
        with writing(path):
            descriptor = open_regular(path)
            try:
                os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o555)
            finally:
                os.close(descriptor)


def _put_aside(path: Path) -> None:
    """Move a file that is not what it should be out of the way, without losing it."""
    if not path.exists():
        return  # somebody removed it while the good one came
    aside = move_aside(path.parent, path)
    log.warning("%s is not what it was, or should be; it is moved to %s", path, aside)


def _require_hash(prefix: str | None, shortest: int) -> None:
    if prefix is not None and not re.fullmatch(rf"[0-9a-fA-F]{{{shortest},64}}", prefix):
        raise UsageError(
            f"{prefix!r} is no start of a sha256 that could be checked.",
            hint=f"Name the file name-<sha256>.ext, with {SHORTEST_HASH} or more of its digits.",
        )


def _require_name(name: str) -> str:
    parts = re.split(r"[/\\]", name)
    if not name or ".." in parts or "" in parts[:1] or re.match(r"[A-Za-z]:", name):
        raise UsageError(f"{name!r} is no name for a file below the folder of checkpoints.")
    return name


def _local_file(url: str, hash_prefix: str | None) -> Path:
    from hubkit.hubdir.digest import sha256_of

    path = Path(url2pathname(require_url(url).path))
    if not path.is_file():
        raise FetchError(f"There is no file {path}.", url=url)
    if hash_prefix and not (actual := sha256_of(path)).startswith(hash_prefix.lower()):
        raise HashMismatchError(
            f'{path} has an invalid hash value (expected "{hash_prefix}", got "{actual}").',
            expected=hash_prefix,
            actual=actual,
            url=url,
        )
    return path
