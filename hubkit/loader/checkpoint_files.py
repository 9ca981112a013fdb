"""Read checkpoint files, in every format that torch has written, and safetensors."""

from __future__ import annotations

import io
import os
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hubkit import hubdir, limits
from hubkit.errors import CheckpointError, MissingExtraError
from hubkit.loader.dependencies import torch_is_missing

if TYPE_CHECKING:
    from types import ModuleType

MAPPED_FROM = 1 << 20  # bytes; mapping a smaller file is no faster than reading it


def read_checkpoint(path: Path, map_location: Any = None, *, weights_only: bool) -> dict[str, Any]:  # noqa: ANN401
    """Read a checkpoint file.

    A large file of the hub dir is mapped into memory instead of read, if its format allows that. Then
    tensors take memory, and time, only once they are used.

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
        warnings.warn(
            f"{path.name} is a checkpoint of torch before 1.6 in a zip archive. torch.hub's support of"
            " such files will be deprecated in favor of default zipfile format: save it again with"
            " torch.save().",
            FutureWarning,
            stacklevel=2,
        )
    mapped = {"mmap": True} if _is_mappable(path, members) else {}
    try:
        state: dict[str, Any] = torch.load(
            source, map_location=map_location, weights_only=weights_only, **mapped
        )
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        explained = _explain(path, error, weights_only=weights_only)
        if explained is None:
            raise
        raise explained from None
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
    except ModuleNotFoundError:
        raise torch_is_missing("Loading weights needs torch") from None
    return torch


def _read_safetensors(path: Path, map_location: Any, torch: ModuleType) -> dict[str, Any]:  # noqa: ANN401
    try:
        import safetensors.torch
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"{path} is a safetensors file, and safetensors is not installed.",
            hint="Install it: pip install safetensors",
        ) from None
    try:
        state = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise _unreadable(path, str(error)) from None
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
        raise _unreadable(path, str(error)) from None
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
        raise _unreadable(path, str(error)) from None
    _members_of(path, content)
    content.seek(0)
    return content


def _is_mappable(path: Path, members: list[zipfile.ZipInfo]) -> bool:
    """Whether to map a file: writing to it would change the tensors in use.

    Hubkit and torch.hub replace the files of the hub dir and do not write to them. Those elsewhere
    are the user's, who may.
    """
    kept = path.is_relative_to(Path(hubdir.get_dir(), "checkpoints"))
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    large = len(members) > 1 and path.stat().st_size >= MAPPED_FROM
    # Windows does not allow replacing a file that is mapped.
    return os.name != "nt" and kept and stored and large


def _explain(path: Path, error: Exception, *, weights_only: bool) -> CheckpointError | None:
    """A better error for one of ``torch.load``; None to raise that itself."""
    text = re.sub(r"\x1b\[[\d;]*m", "", str(error)).strip()
    first_line = text.partition("\n")[0] or type(error).__name__
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
        refused = _find_refused(text) or first_line
        if refused.startswith("Unsupported operand"):  # not a pickle, or not one that torch makes
            return _unreadable(path, f"{refused}.")
        return CheckpointError(
            f"{path} contains more than weights: {refused}",
            hint="If you trust its author to run code here, pass weights_only=False.",
        )
    return _unreadable(path, first_line)


def _find_refused(text: str) -> str:
    """What else a checkpoint holds, by the message of ``torch.load``; "" if that does not say."""
    names = re.findall(r"GLOBAL (\S+)", text)
    reason = re.search(r"WeightsUnpickler error:\s*([^\n]*?)\.?(?: Please|\n|$)", text)
    return f"{', '.join(dict.fromkeys(names))}." if names else reason[1] if reason else ""


def _unreadable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a checkpoint: {reason}",
        hint="If it should be one, delete it, so that it is downloaded again.",
    )
