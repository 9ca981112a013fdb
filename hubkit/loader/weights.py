"""Checkpoints from a URL to a state dict."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hubkit import hubdir
from hubkit.errors import CheckpointError, UsageError
from hubkit.facts import FetchPolicy
from hubkit.loader.dependencies import no_torch

if TYPE_CHECKING:
    from hubkit.facts import RepoRef


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
    path = hubdir.fetch_checkpoint(
        url,
        model_dir=None if model_dir is None else Path(model_dir),
        file_name=file_name,
        hash_prefix=hash_prefix,
        policy=FetchPolicy(progress=progress),
    )
    return read_checkpoint(path, map_location, weights_only=weights_only)


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
) -> dict[str, Any]:
    """The same for a repo's own code, which was written for torch.hub's defaults.

    Its checkpoints may hold objects of its own classes, and ``check_hash`` with a name that has
    no hash checks nothing. Its code is trusted already, so is what it loads. ``repo`` is whose
    code asks, so that fetching it afresh takes its checkpoints along.
    """
    hash_prefix = hubdir.hash_prefix_of(file_name or _name_in(url)) if check_hash else None
    path = hubdir.fetch_checkpoint(
        url,
        model_dir=None if model_dir is None else Path(model_dir),
        file_name=file_name,
        hash_prefix=hash_prefix,
        policy=FetchPolicy(progress=progress),
        repo=repo,
    )
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
    try:
        import torch
    except ModuleNotFoundError as error:
        raise no_torch("Loading weights needs torch") from error
    source = _unzip_legacy(path) or path
    try:
        state: dict[str, Any] = torch.load(
            source, map_location=map_location, weights_only=weights_only
        )
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise _explain(path, error, weights_only=weights_only) from error
    return state


def _name_in(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


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


def _explain(path: Path, error: Exception, *, weights_only: bool) -> Exception:
    """The error to raise for what ``torch.load`` has raised."""
    first_line = str(error).strip().partition("\n")[0] or type(error).__name__
    impostor = hubdir.find_impostor(path)
    if impostor:
        return CheckpointError(
            f"{path} is {impostor}, not a checkpoint.",
            hint="Delete it, and ask for the file itself: on GitHub its address has /raw/ where "
            "that of the page has /blob/.",
        )
    if isinstance(error, RuntimeError) and "PytorchStreamReader" not in first_line:
        return error  # about a device, say: the file is as it should be
    if weights_only and "weights" in first_line.lower():
        return CheckpointError(
            f"{path} holds more than weights: {first_line}",
            hint="If you trust whoever made it to run code here, pass weights_only=False.",
        )
    return CheckpointError(
        f"{path} cannot be read as a checkpoint: {first_line}",
        hint="If it should be one, delete it so that it is fetched again.",
    )
