"""Checkpoints from a URL to a state dict."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hubkit import hubdir
from hubkit.errors import CheckpointError, UsageError
from hubkit.facts import FetchPolicy
from hubkit.loader.dependencies import no_torch

if TYPE_CHECKING:
    from collections.abc import Iterator

# Whether the entrypoint that runs was asked for with force_reload: its weights come afresh too.
_REFRESH: ContextVar[bool] = ContextVar("hubkit_refresh", default=False)

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGE_STARTS = (b"<!doctype html", b"<html")


@contextlib.contextmanager
def refreshing(refresh: bool) -> Iterator[None]:
    """Say whether checkpoints that are asked for meanwhile are to be fetched afresh."""
    token = _REFRESH.set(refresh or _REFRESH.get())
    try:
        yield
    finally:
        _REFRESH.reset(token)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,  # noqa: ANN401
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> dict[str, Any]:
    """Load a checkpoint, downloaded if it is not there yet.

    As ``torch.hub.load_state_dict_from_url``, except that no code is run that a checkpoint may
    hold unless ``weights_only=False`` says so, and that a ``check_hash`` which cannot check
    anything is refused.

    Args:
        url: Where the checkpoint is.
        model_dir: Where to keep it; the hub dir's ``checkpoints`` by default.
        map_location: As for ``torch.load``.
        progress: Show a bar on a terminal while downloading.
        check_hash: The name ends in ``-<start of its sha256>.<suffix>``: compare.
        file_name: Its name in ``model_dir``; that in the URL by default.
        weights_only: Refuse anything that is not a tensor or a plain container.

    Raises:
        FetchError: It cannot be downloaded, or is not what was promised.
        CheckpointError: It is no checkpoint, or holds more than weights.
        UsageError: ``check_hash`` is asked for and the name has no hash.
    """
    hash_prefix = hubdir.hash_prefix_of(file_name or _name_in(url)) if check_hash else None
    if check_hash and hash_prefix is None:
        raise UsageError(
            f"There is no hash in the name of {url}, so there is nothing to check.",
            hint="Leave check_hash out, or use a name such as net-1a2b3c4d.pt.",
        )
    path = _fetch(url, model_dir, file_name, hash_prefix, progress=progress)
    return read_checkpoint(path, map_location, weights_only=weights_only)


def load_nested_state_dict(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,  # noqa: ANN401
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """The same for a repo's own code, which was written for torch.hub's defaults.

    Its checkpoints may hold objects of its own classes, and ``check_hash`` with a name that has
    no hash checks nothing. Its code is trusted already, so is what it loads.
    """
    hash_prefix = hubdir.hash_prefix_of(file_name or _name_in(url)) if check_hash else None
    path = _fetch(url, model_dir, file_name, hash_prefix, progress=progress)
    return read_checkpoint(path, map_location, weights_only=weights_only)


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
    hubdir.download_url_to_file(url, dst, hash_prefix, progress)


def read_checkpoint(path: Path, map_location: Any = None, *, weights_only: bool) -> dict[str, Any]:  # noqa: ANN401
    """Read a checkpoint file.

    Args:
        path: The file, in any format that ``torch.save`` ever wrote, or a zip archive that holds
            just such a file.
        map_location: As for ``torch.load``.
        weights_only: Refuse anything that is not a tensor or a plain container.

    Raises:
        CheckpointError: It is no checkpoint, or holds more than weights.
        MissingExtraError: torch is not installed.
    """
    _require_checkpoint(path)
    try:
        import torch
    except ModuleNotFoundError as error:
        raise no_torch("Loading weights needs torch") from error
    source = _unzip_legacy(path) or path
    try:
        state: dict[str, Any] = torch.load(
            source, map_location=map_location, weights_only=weights_only
        )
    except pickle.UnpicklingError as error:
        if not weights_only:
            raise _unreadable(path, error) from error
        raise CheckpointError(
            f"{path} holds more than weights: {_first_line(error)}",
            hint="If you trust whoever made it to run code here, pass weights_only=False.",
        ) from error
    except EOFError as error:
        raise _unreadable(path, error) from error
    return state


def _fetch(
    url: str,
    model_dir: str | None,
    file_name: str | None,
    hash_prefix: str | None,
    *,
    progress: bool,
) -> Path:
    return hubdir.fetch_checkpoint(
        url,
        model_dir=Path(model_dir).expanduser() if model_dir is not None else None,
        file_name=file_name,
        hash_prefix=hash_prefix,
        policy=FetchPolicy(refresh=_REFRESH.get(), progress=progress),
    )


def _name_in(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _require_checkpoint(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(256).lstrip().lower()
    if start.startswith(_LFS_POINTER):
        raise CheckpointError(
            f"{path} is a git LFS pointer, not the file that it stands for.",
            hint="Delete it, and ask for the file itself: on GitHub its address starts with "
            "https://media.githubusercontent.com/media/.",
        )
    if start.startswith(_PAGE_STARTS):
        raise CheckpointError(
            f"{path} is a web page, not a checkpoint.",
            hint="Delete it, and ask for the file itself: on GitHub its address has /raw/ where "
            "the page's has /blob/.",
        )


def _unzip_legacy(path: Path) -> io.BytesIO | None:
    """What the only file in a zip archive holds, or None when it is no such archive.

    Before torch wrote zip archives itself, people packed checkpoints to save space, and torch.hub
    unpacks them to this day. Its own archives have many members.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) != 1 or members[0].is_dir():
            return None
        return io.BytesIO(archive.read(members[0]))


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a checkpoint: {_first_line(error) or type(error).__name__}",
        hint="If it should be one, delete it so that it is fetched again.",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
