"""Weights by URL: ``torch.hub``'s functions, for users and for the code of repos."""

from __future__ import annotations

import contextlib
import functools
import re
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit import hubdir
from hubkit.errors import HashMismatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import RepoRef
    from hubkit.lockfile import Lockfile

_max_age: ContextVar[float | None] = ContextVar("hubkit_max_age", default=None)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,  # noqa: ANN401
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
    *,
    sha256: str | None = None,
    max_age: float | None = None,
) -> dict[str, Any]:
    """Load a checkpoint, downloaded if necessary.

    Like ``torch.hub.load_state_dict_from_url``, with three differences: code in a checkpoint runs
    only with ``weights_only=False``, ``check_hash`` requires a hash in the name, and safetensors
    files are supported.

    Args:
        url: URL of the checkpoint.
        model_dir: Folder for the file; ``checkpoints`` in the hub dir by default.
        map_location: As for ``torch.load``.
        progress: Show on standard error how far the download is: a bar on a terminal or in a
            notebook, elsewhere a line every few seconds.
        check_hash: Compare the file with the hash in its name, ``-<start of its sha256>.<suffix>``.
        file_name: Its name in ``model_dir``; the name in the URL by default.
        weights_only: Refuse anything that is not a tensor or a plain container.
        sha256: The expected sha256, 64 hexadecimal digits. A cached file is checked too.
        max_age: Check whether the file has changed if the last check is older than this many
            seconds; 0 always checks, None never does. ``$HUBKIT_MAX_AGE`` by default. If the host
            cannot be reached, the cached copy is used. A file with a known hash needs no check.

    Raises:
        FetchError: It cannot be downloaded, or does not match the hash.
        CheckpointError: It is not a checkpoint, or contains more than weights.
        UsageError: The name has no hash for ``check_hash``, or ``sha256`` is invalid.
    """
    from hubkit._util.urls import redact
    from hubkit.lockfile import find_lockfile

    hash_prefix = _hash_in_name(url, file_name) if check_hash else None
    if check_hash and hash_prefix is None:
        raise UsageError(
            f"check_hash=True, but the name of {redact(url)} contains no hash.",
            hint="Remove check_hash, or use a name such as net-1a2b3c4d.pt.",
        )
    if sha256 is not None:
        hash_prefix = _require_sha256(sha256, hash_prefix or "")
    pin = _pin(url, hash_prefix, find_lockfile(None))
    return _load(
        url,
        model_dir,
        file_name,
        pin,
        map_location=map_location,
        weights_only=weights_only,
        progress=progress,
        max_age=max_age,
    )


def load_nested_state_dict(  # noqa: D417 - the others are those of load_state_dict_from_url
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,  # noqa: ANN401
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
    *,
    repo: RepoRef | None = None,
    lockfile: Lockfile | None = None,
) -> dict[str, Any]:
    """Load a checkpoint for a repo's own code, with torch.hub's defaults.

    Its checkpoints may contain objects of its own classes, and ``check_hash`` with a name that has
    no hash checks nothing. Its code is trusted already, so what it loads is too.

    Args:
        url: As for `load_state_dict_from_url`, like all arguments that are not listed here.
        repo: The repo whose code loads it. Fetching the repo again fetches its checkpoints again.
        lockfile: The lock file that the repo was loaded with.
    """
    hash_prefix = _hash_in_name(url, file_name) if check_hash else None
    pin = _pin(url, hash_prefix, lockfile)
    return _load(
        url,
        model_dir,
        file_name,
        pin,
        map_location=map_location,
        weights_only=weights_only,
        progress=progress,
        max_age=_max_age.get(),
        repo=repo,
    )


@contextlib.contextmanager
def nested_max_age(max_age: float) -> Iterator[None]:
    """Set ``max_age`` for the checkpoints that a repo's code loads in this context.

    Repos that are loaded in it without a ``max_age`` of their own inherit it.
    """
    token = _max_age.set(max_age)
    try:
        yield
    finally:
        _max_age.reset(token)


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Download a file.

    Args:
        url: URL of the file.
        dst: The path to write. The file appears complete or not at all.
        hash_prefix: The start of its sha256, if known.
        progress: As for `load_state_dict_from_url`.

    Raises:
        FetchError: It cannot be downloaded, or does not match the hash.
    """
    from hubkit.lockfile import find_lockfile

    download_nested_file(url, dst, hash_prefix, progress, lockfile=find_lockfile(None))


def download_nested_file(
    url: str,
    dst: str,
    hash_prefix: str | None = None,
    progress: bool = True,
    *,
    lockfile: Lockfile | None = None,
) -> None:
    """Download a file for a repo's own code; ``lockfile`` is the one that the repo uses."""
    hubdir.download_url_to_file(url, dst, _pin(url, hash_prefix, lockfile), progress)


def _load(
    url: str,
    model_dir: str | None,
    file_name: str | None,
    pin: str | None,
    *,
    map_location: Any,  # noqa: ANN401
    weights_only: bool,
    progress: bool,
    max_age: float | None,
    repo: RepoRef | None = None,
) -> dict[str, Any]:
    from hubkit.facts import FetchPolicy
    from hubkit.loader.checkpoint_files import read_checkpoint
    from hubkit.loader.locate import find_max_age

    fetch = functools.partial(
        hubdir.fetch_checkpoint,
        url,
        model_dir=None if model_dir is None else Path(model_dir),
        file_name=file_name,
        hash_prefix=pin,
        policy=FetchPolicy(progress=progress, max_age=find_max_age(max_age)),
        repo=repo,
    )
    try:
        return read_checkpoint(fetch(), map_location, weights_only=weights_only)
    except FileNotFoundError:  # another process removed it just after we found it
        return read_checkpoint(fetch(), map_location, weights_only=weights_only)


def _pin(url: str, hash_prefix: str | None, lockfile: Lockfile | None) -> str | None:
    """The required start of a checkpoint's sha256, by the lock file if there is one."""
    if lockfile is None:
        return hash_prefix
    key = hubdir.key_of(url)
    pinned = lockfile.checkpoint(key).sha256
    if not pinned.startswith((hash_prefix or "").lower()):
        raise HashMismatchError(
            f"{lockfile.path} pins a different sha256 for {key} than {hash_prefix}.",
            expected=pinned,
            actual=hash_prefix or "",
            url=key,
            hint="To pin the new file, run hubkit lock again.",
        )
    return pinned


def _hash_in_name(url: str, file_name: str | None) -> str | None:
    return hubdir.hash_prefix_of(file_name or hubdir.require_url(url).file_name)


def _require_sha256(text: str, prefix: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise UsageError(f"{text!r} is not a sha256.", hint="Pass 64 hexadecimal digits.")
    if not text.lower().startswith(prefix):
        raise UsageError(
            f"The file name contains the sha256 {prefix}, but sha256={text!r}.",
            hint="One of the two is wrong. Correct sha256, or remove check_hash.",
        )
    return text.lower()
