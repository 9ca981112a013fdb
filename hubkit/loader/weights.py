"""Checkpoints: from a URL to a file, and from a file in any format to a state dict."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import re
import zipfile
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from hubkit import hubdir, limits
from hubkit.errors import CheckpointError, HashMismatchError, MissingExtraError, UsageError
from hubkit.loader.dependencies import torch_is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from hubkit.facts import FetchPolicy, RepoRef
    from hubkit.lockfile import Lockfile

MAPPED_FROM = 1 << 20  # bytes; mapping a smaller file is no faster than reading it

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
        progress: Show a progress bar on a terminal while downloading.
        check_hash: Compare the file with the hash in its name, ``-<start of its sha256>.<suffix>``.
        file_name: Its name in ``model_dir``; the name in the URL by default.
        weights_only: Refuse anything that is not a tensor or a plain container.
        sha256: The expected sha256, 64 hexadecimal digits. A cached file is checked too.
        max_age: Check whether the file has changed if the last check is older than this many
            seconds; 0 always checks, None never does. If the host cannot be reached, the cached
            copy is used. A file with a known hash needs no check.

    Raises:
        FetchError: It cannot be downloaded, or does not match the hash.
        CheckpointError: It is not a checkpoint, or contains more than weights.
        UsageError: The name has no hash for ``check_hash``, or ``sha256`` is invalid.
    """
    from hubkit._util.urls import redact
    from hubkit.facts import FetchPolicy
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
    policy = FetchPolicy(progress=progress, max_age=max_age)
    checkpoint = _Checkpoint(url, model_dir, file_name, pin, policy)
    return checkpoint.read(map_location, weights_only=weights_only)


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
    from hubkit.facts import FetchPolicy

    hash_prefix = _hash_in_name(url, file_name) if check_hash else None
    pin = _pin(url, hash_prefix, lockfile)
    policy = FetchPolicy(progress=progress, max_age=_max_age.get())
    checkpoint = _Checkpoint(url, model_dir, file_name, pin, policy, repo)
    return checkpoint.read(map_location, weights_only=weights_only)


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
        progress: Show a progress bar on a terminal.

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


class _Checkpoint(Struct, frozen=True):
    """A checkpoint to load."""

    url: str
    model_dir: str | None
    file_name: str | None
    hash_prefix: str | None
    policy: FetchPolicy
    repo: RepoRef | None = None

    def read(self, map_location: Any, *, weights_only: bool) -> dict[str, Any]:  # noqa: ANN401
        try:
            return read_checkpoint(self._fetch(), map_location, weights_only=weights_only)
        except FileNotFoundError:  # another process removed it just after we found it
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


# Files


def read_checkpoint(path: Path, map_location: Any = None, *, weights_only: bool) -> dict[str, Any]:  # noqa: ANN401
    """Read a checkpoint file.

    A large write-protected file is mapped into memory instead of read, if its format allows that.
    Then tensors take memory, and time, only once they are used.

    Args:
        path: The file, in any format that ``torch.save`` ever wrote, a zip archive that contains
            one such file, or safetensors.
        map_location: As for ``torch.load``.
        weights_only: Refuse anything that is not a tensor or a plain container.

    Raises:
        CheckpointError: It is not a checkpoint, or contains more than weights.
        MissingExtraError: torch is not installed, or safetensors for a file of that format.
    """
    torch = _import_torch()
    if is_safetensors(path):
        return _read_safetensors(path, map_location, torch)
    members = _members_of(path, path)
    source: Path | io.BytesIO = path
    if len(members) == 1:
        # Before torch wrote zip archives itself, people zipped checkpoints to save space, and
        # torch.hub still unpacks them. Torch's own archives have many members.
        source = _unpack_one(path, members[0])
    mapped = {"mmap": True} if _is_mappable(path, members) else {}
    try:
        state: dict[str, Any] = torch.load(
            source, map_location=map_location, weights_only=weights_only, **mapped
        )
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        explained = _explain(path, error, weights_only=weights_only)
        if explained is None:
            raise
        raise explained from error
    return state


def is_safetensors(path: Path) -> bool:
    """Whether a file is in safetensors: the length of a JSON header, then the header."""
    with path.open("rb") as file:
        head = file.read(9)
    length = int.from_bytes(head[:8], "little")
    fits = length <= min(limits.SAFETENSORS_HEADER.most, path.stat().st_size - 8)
    return len(head) == 9 and fits and head[8:] == b"{"


def _import_torch() -> ModuleType:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise torch_is_missing("Loading weights needs torch") from error
    return torch


def _read_safetensors(path: Path, map_location: Any, torch: ModuleType) -> dict[str, Any]:  # noqa: ANN401
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path} is a safetensors file, and safetensors is not installed.",
            hint="Install it: pip install safetensors",
        ) from error
    try:
        state = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise _unreadable(path, str(error)) from error
    device = _device_for(map_location, torch)
    return {name: tensor.to(device) for name, tensor in state.items()}


def _device_for(map_location: Any, torch: ModuleType) -> str:  # noqa: ANN401
    """The device on which ``torch.load`` would put a tensor that was saved from the CPU."""
    if callable(map_location):
        storage = map_location(torch.empty(0).untyped_storage(), "cpu")
        return "cpu" if storage is None else str(storage.device)
    if isinstance(map_location, dict):
        map_location = map_location.get("cpu")
    return str(map_location or "cpu")


def _members_of(path: Path, source: Path | io.BytesIO) -> list[zipfile.ZipInfo]:
    """The files in a zip archive; none if the file is something else.

    Raises:
        CheckpointError: It is damaged, or would unpack to far more than its size.
    """
    from hubkit._util.zips import DAMAGED, open_zip

    if not zipfile.is_zipfile(source):
        return []
    try:
        with open_zip(source, limits.CHECKPOINT_INDEX, limits.CHECKPOINT_MEMBERS) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except DAMAGED as error:
        raise _unreadable(path, str(error)) from error
    total = sum(member.file_size for member in members)
    size = path.stat().st_size if source is path else len(cast("io.BytesIO", source).getbuffer())
    if total > max(limits.CHECKPOINT_RATIO_FROM.most, limits.CHECKPOINT_RATIO.most * size):
        raise _unreadable(path, f"it would unpack to {total >> 20} MiB from {size >> 10} KiB.")
    return members


def _unpack_one(path: Path, member: zipfile.ZipInfo) -> io.BytesIO:
    """Unpack the only member of an archive into memory."""
    from hubkit._util.zips import DAMAGED, open_zip, read_pieces

    if member.file_size > limits.CHECKPOINT_UNPACKED.most:
        raise _unreadable(path, f"it would unpack to {member.file_size >> 20} MiB in memory.")
    content = io.BytesIO()
    try:
        with open_zip(path, limits.CHECKPOINT_INDEX, limits.CHECKPOINT_MEMBERS) as archive:
            for piece in read_pieces(archive, member):
                content.write(piece)
    except DAMAGED as error:
        raise _unreadable(path, str(error)) from error
    _members_of(path, content)
    content.seek(0)
    return content


def _is_mappable(path: Path, members: list[zipfile.ZipInfo]) -> bool:
    """Whether to map a file. A write to it would change the tensors in use."""
    stat = path.stat()
    # Windows does not allow replacing a file that is mapped.
    protected = os.name != "nt" and not stat.st_mode & 0o222
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    return protected and stored and len(members) > 1 and stat.st_size >= MAPPED_FROM


def _explain(path: Path, error: Exception, *, weights_only: bool) -> CheckpointError | None:
    """A better error for one of ``torch.load``; None to raise that itself."""
    first_line = str(error).strip().partition("\n")[0] or type(error).__name__
    content = hubdir.sniff_content(path)
    if content:
        return CheckpointError(
            f"{path} is {content}, not a checkpoint.",
            hint="Delete it, and use the URL of the file itself: on GitHub, it has /raw/ instead of"
            " /blob/.",
        )
    if isinstance(error, RuntimeError) and "PytorchStreamReader" not in first_line:
        return None  # about a device, for example: the file is fine
    if weights_only and "weights" in first_line.lower():
        return CheckpointError(
            f"{path} contains more than weights: {first_line}",
            hint="If you trust its author to run code here, pass weights_only=False.",
        )
    return _unreadable(path, first_line)


def _unreadable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a checkpoint: {reason}",
        hint="If it should be one, delete it, so that it is downloaded again.",
    )
