"""Checkpoints from a URL to a state dict."""

from __future__ import annotations

import contextlib
import re
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit import hubdir
from hubkit._util.urls import redact
from hubkit.errors import HashMismatchError, UsageError
from hubkit.facts import FetchPolicy
from hubkit.loader.formats import read_checkpoint
from hubkit.lockfile import find_lockfile

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
    """Load a checkpoint, downloaded if it is not there yet.

    As ``torch.hub.load_state_dict_from_url``, except that no code is run that a checkpoint may
    hold unless ``weights_only=False`` says so, and that a ``check_hash`` which cannot check
    anything is refused. Files of safetensors are read as well.

    Args:
        url: Where the checkpoint is.
        model_dir: Where to keep it; the hub dir's ``checkpoints`` by default.
        map_location: As for ``torch.load``.
        progress: Show a bar on a terminal while downloading.
        check_hash: The name ends in ``-<start of its sha256>.<suffix>``: compare.
        file_name: Its name in ``model_dir``; that in the URL by default.
        weights_only: Refuse anything that is not a tensor or a plain container.
        sha256: What its sha256 must be, 64 hexadecimal digits; checked also when the file is
            there already.
        max_age: Ask the host whether the file has changed when it was last asked longer ago than
            this, in seconds; 0 asks each time, None never. A copy that is there is used when the
            host cannot be reached, and one that a hash is given for needs no asking.

    Raises:
        FetchError: It cannot be downloaded, or is not what was promised.
        CheckpointError: It is no checkpoint, or holds more than weights.
        UsageError: ``check_hash`` is asked for and the name has no hash, or ``sha256`` is none.
    """
    hash_prefix = _hash_in_name(url, file_name) if check_hash else None
    if check_hash and hash_prefix is None:
        raise UsageError(
            f"There is no hash in the name of {redact(url)}, so there is nothing to check.",
            hint="Leave check_hash out, or use a name such as net-1a2b3c4d.pt.",
        )
    if sha256 is not None:
        hash_prefix = _require_sha256(sha256, hash_prefix or "")
    pin = _pin(url, hash_prefix, find_lockfile(None))
    policy = FetchPolicy(progress=progress, max_age=max_age)
    asked = _Asked(url, model_dir, file_name, pin, policy)
    return asked.read(map_location, weights_only=weights_only)


def load_nested_state_dict(
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
    """The same for a repo's own code, which was written for torch.hub's defaults.

    Its checkpoints may hold objects of its own classes, and ``check_hash`` with a name that has
    no hash checks nothing. Its code is trusted already, so is what it loads. ``repo`` is whose
    code asks, so that fetching it afresh takes its checkpoints along; ``lockfile`` is the one that
    the repo was loaded with.
    """
    hash_prefix = _hash_in_name(url, file_name) if check_hash else None
    pin = _pin(url, hash_prefix, lockfile)
    policy = FetchPolicy(progress=progress, max_age=_max_age.get())
    asked = _Asked(url, model_dir, file_name, pin, policy, repo)
    return asked.read(map_location, weights_only=weights_only)


@contextlib.contextmanager
def asking_again(max_age: float | None) -> Iterator[None]:
    """Have weights that a repo's code asks for meanwhile no older than this, in seconds.

    None leaves it as it is: a repo that is loaded by another one's code goes by what that was
    loaded with.
    """
    if max_age is None:
        yield
        return
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
        url: Where it is.
        dst: The path to write, which appears complete or not at all.
        hash_prefix: What its sha256 starts with, if known.
        progress: Show a bar on a terminal.

    Raises:
        FetchError: It cannot be downloaded, or is not what was promised.
    """
    download_nested_file(url, dst, hash_prefix, progress, lockfile=find_lockfile(None))


def download_nested_file(
    url: str,
    dst: str,
    hash_prefix: str | None = None,
    progress: bool = True,
    *,
    lockfile: Lockfile | None = None,
) -> None:
    """The same for a repo's own code; ``lockfile`` is the one that the repo was loaded with."""
    hubdir.download_url_to_file(url, dst, _pin(url, hash_prefix, lockfile), progress)


class _Asked(Struct, frozen=True):
    """A checkpoint that is asked for."""

    url: str
    model_dir: str | None
    file_name: str | None
    hash_prefix: str | None
    policy: FetchPolicy
    repo: RepoRef | None = None

    def read(self, map_location: Any, *, weights_only: bool) -> dict[str, Any]:  # noqa: ANN401
        try:
            return read_checkpoint(self._fetch(), map_location, weights_only=weights_only)
        except FileNotFoundError:  # somebody removed it just after we had found it
            return read_checkpoint(self._fetch(), map_location, weights_only=weights_only)

    def _fetch(self) -> Path:
        return hubdir.fetch_checkpoint(
            self.url,
            model_dir=None if self.model_dir is None else Path(self.model_dir),
            file_name=self.file_name,
            hash_prefix=self.hash_prefix,
            policy=self.policy,
            repo=self.repo,
        )


def _pin(url: str, hash_prefix: str | None, lockfile: Lockfile | None) -> str | None:
    """What the sha256 of a checkpoint must start with, given the lock file in force."""
    if lockfile is None:
        return hash_prefix
    key = hubdir.key_of(url)
    pinned = lockfile.checkpoint(key).sha256
    if not pinned.startswith((hash_prefix or "").lower()):
        raise HashMismatchError(
            f"{lockfile.path} pins another sha256 for {key} than {hash_prefix}.",
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
        raise UsageError(f"{text!r} is no sha256.", hint="It has 64 hexadecimal digits.")
    if not text.lower().startswith(prefix):
        raise UsageError(
            f"The name of the file says that its sha256 starts with {prefix}, not as {text}.",
            hint="One of the two is wrong.",
        )
    return text.lower()
