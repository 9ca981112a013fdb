"""What checkpoint files are written in, told by their content, and how each is read."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from typing import TYPE_CHECKING, Any, cast

from hubkit import hubdir, limits
from hubkit._util.zips import DAMAGED, open_zip, read_pieces
from hubkit.errors import CheckpointError, MissingExtraError
from hubkit.loader.dependencies import no_torch

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

MAPPED_FROM = 1 << 20  # bytes: a smaller file is read as quickly as it is mapped


def read_checkpoint(path: Path, map_location: Any = None, *, weights_only: bool) -> dict[str, Any]:  # noqa: ANN401
    """Read a checkpoint file.

    A large one that nobody may write to is mapped into memory instead of read, where its format
    allows: tensors then take memory, and time, only once they are used.

    Args:
        path: The file, in any format that ``torch.save`` ever wrote, a zip archive that holds
            just such a file, or safetensors.
        map_location: As for ``torch.load``.
        weights_only: Refuse anything that is not a tensor or a plain container.

    Raises:
        CheckpointError: It is no checkpoint, or holds more than weights.
        MissingExtraError: torch, or safetensors for a file of that format, is not installed.
    """
    torch = _import_torch()
    if is_safetensors(path):
        return _read_safetensors(path, map_location, torch)
    members = _members_of(path, path)
    source: Path | io.BytesIO = path
    if len(members) == 1:
        # Before torch wrote zip archives itself, people packed checkpoints to save space, and
        # torch.hub unpacks them to this day. Torch's own archives have many members.
        source = _unpack_one(path, members[0])
    mapped = {"mmap": True} if _is_mappable(path, members) else {}
    try:
        state: dict[str, Any] = torch.load(
            source, map_location=map_location, weights_only=weights_only, **mapped
        )
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        better = _explain(path, error, weights_only=weights_only)
        if better is None:
            raise
        raise better from error
    return state


def is_safetensors(path: Path) -> bool:
    """Whether a file is written in safetensors: the length of a JSON header, then the header."""
    with path.open("rb") as file:
        head = file.read(9)
    length = int.from_bytes(head[:8], "little")
    fits = length <= min(limits.SAFETENSORS_HEADER.most, path.stat().st_size - 8)
    return len(head) == 9 and fits and head[8:] == b"{"


def _import_torch() -> ModuleType:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise no_torch("Loading weights needs torch") from error
    return torch


def _read_safetensors(path: Path, map_location: Any, torch: ModuleType) -> dict[str, Any]:  # noqa: ANN401
    try:
        import safetensors.torch
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path} is written in safetensors, which is not installed.",
            hint="Install it: pip install safetensors",
        ) from error
    try:
        state = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise _unreadable(path, str(error)) from error
    device = _device_for(map_location, torch)
    return {name: tensor.to(device) for name, tensor in state.items()}


def _device_for(map_location: Any, torch: ModuleType) -> str:  # noqa: ANN401
    """Where ``torch.load`` would put a tensor that was saved from the CPU."""
    if callable(map_location):
        storage = map_location(torch.empty(0).untyped_storage(), "cpu")
        return "cpu" if storage is None else str(storage.device)
    if isinstance(map_location, dict):
        map_location = map_location.get("cpu")
    return str(map_location or "cpu")


def _members_of(path: Path, source: Path | io.BytesIO) -> list[zipfile.ZipInfo]:
    """The files in a zip archive; none when it is something else.

    Raises:
        CheckpointError: It is damaged, or would unpack to far more than its size.
    """
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
    """The only member of an archive, in memory."""
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
    """Whether to map a file: a write to it would change the tensors that somebody works with."""
    stat = path.stat()
    # Windows does not let go of a file that is mapped, not even to replace it.
    protected = os.name != "nt" and not stat.st_mode & 0o222
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    return protected and stored and len(members) > 1 and stat.st_size >= MAPPED_FROM


def _explain(path: Path, error: Exception, *, weights_only: bool) -> CheckpointError | None:
    """The error to raise for what ``torch.load`` has raised; None to raise that itself."""
    first_line = str(error).strip().partition("\n")[0] or type(error).__name__
    impostor = hubdir.sniff_content(path)
    if impostor:
        return CheckpointError(
            f"{path} is {impostor}, not a checkpoint.",
            hint="Delete it, and ask for the file itself: on GitHub its address has /raw/ where "
            "that of the page has /blob/.",
        )
    if isinstance(error, RuntimeError) and "PytorchStreamReader" not in first_line:
        return None  # about a device, say: the file is as it should be
    if weights_only and "weights" in first_line.lower():
        return CheckpointError(
            f"{path} holds more than weights: {first_line}",
            hint="If you trust whoever made it to run code here, pass weights_only=False.",
        )
    return _unreadable(path, first_line)


def _unreadable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a checkpoint: {reason}",
        hint="If it should be one, delete it so that it is fetched again.",
    )
