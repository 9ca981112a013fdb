"""Checkpoints of a repo: files in its tree, and URLs in its documents and its source."""

from __future__ import annotations

import io
import pickletools
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit._util.urls import try_parse
from hubkit._util.zips import find_pickles, open_zip, read_as_torch
from hubkit.analysis.documents import find_documents
from hubkit.analysis.pickles import find_globals
from hubkit.scaffold.model_sources import FOREIGN
from hubkit.source.tracked import is_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Files

_ENDINGS = r"(?:pth|pt|th|ckpt|bin|safetensors|pth\.tar)"
_FILE = re.compile(rf".*\.{_ENDINGS}", re.IGNORECASE)
_URL = re.compile(
    rf"https?://[^\s\"'<>()\[\]`]{{1,2000}}?\.{_ENDINGS}(?=[\s\"'<>()\[\]`?#]|$)", re.IGNORECASE
)
# Pages about a file rather than the file.
_PAGES = ("drive.google.com", "pan.baidu.com", "/blob/", "onedrive.live.com", "sharepoint.com")
_PLAIN = re.compile(
    r"collections\.(?:OrderedDict|defaultdict)|_codecs\.encode|torch\._utils\.\w+|torch\.\w+Storage"
    r"|torch\.(?:Size|device|\w*(?:float|int)\d+|float|half|double|long|int)"
    r"|numpy(?:\._core|\.core)\.multiarray\.\w+|numpy\.(?:dtype|ndarray)|torch\.nn\.parameter\.\w+"
)
_KEYS = frozenset(
    {"state_dict", "model_state_dict", "model", "net", "params", "params_ema", "weights", "ema"}
)


class WeightsFile(Struct, frozen=True):
    """A checkpoint that lies in a repo.

    Attributes:
        path: POSIX path from the repo's root.
        size: In bytes; of an LFS pointer, those of the pointer.
        is_pointer: Whether it is only the pointer that git LFS keeps.
        is_plain: Whether it holds tensors and plain values alone; False when that source does not show.
        key: The key of its dict that holds the state dict; "" when it is the state dict itself.
        prefix: What the state dict's names start with beyond the model's own, such as "module.".
    """

    path: str
    size: int
    is_pointer: bool = False
    is_plain: bool = False
    key: str = ""
    prefix: str = ""


def read_weights(files: Files) -> tuple[WeightsFile, ...]:
    """The checkpoints that lie in a repo; what they hold is read from their opcodes."""
    paths = [p for p in files.paths() if _FILE.fullmatch(p) and not FOREIGN.search(p)]
    return tuple(
        found
        for path in paths[: limits.PROPOSED_CHECKPOINTS.most]
        if (found := _read_file(files, path))
    )


def read_urls(files: Files) -> tuple[tuple[str, str], ...]:
    """Addresses of checkpoints in a repo's documents, then in its source, each with its file."""
    paths = [p for p in files.paths() if p.endswith(".py") and not FOREIGN.search(p)]
    found: dict[str, str] = {}
    for path in (*find_documents(files), *paths[: limits.DOCUMENTS.most]):
        for match in _URL.finditer(files.read_text(path)):
            if try_parse(match[0]) and not any(page in match[0] for page in _PAGES):
                found.setdefault(match[0], path)
    return tuple(found.items())


def _read_file(files: Files, path: str) -> WeightsFile | None:
    entry = files.entry(path)
    if entry is None or entry.kind != "file":
        return None
    if is_pointer(path, files.read):
        return WeightsFile(path, entry.size, is_pointer=True)
    if path.lower().endswith(".safetensors"):
        return WeightsFile(path, entry.size, is_plain=True)
    if entry.size > limits.BUNDLED_BYTES.most:
        return WeightsFile(path, entry.size)
    try:
        data = files.read(path, limits.BUNDLED_BYTES.most)
    except OSError:
        return None
    found = find_globals(data)
    is_plain = (
        found is not None
        and found.is_complete
        and bool(found.names)
        and all(map(_PLAIN.fullmatch, found.names))
    )
    key, prefix = _layout(data) if is_plain else ("", "")
    return WeightsFile(path, entry.size, is_plain=is_plain, key=key, prefix=prefix)


def _layout(data: bytes) -> tuple[str, str]:
    """The key that the state dict lies under, and what its names begin with."""
    texts = list(_texts(data))
    keys = dict.fromkeys(text for text in texts if text in _KEYS)
    names = [text for text in texts if text.rpartition(".")[2] in ("weight", "bias")]
    first = texts.index(names[0]) if names else 0
    key = next((one for one in keys if texts.index(one) < first), "")
    prefixed = bool(names) and all(name.startswith("module.") for name in names)
    return key, "module." if prefixed else ""


def _texts(data: bytes) -> Iterator[str]:
    stream = io.BytesIO(data)
    if data.startswith(b"PK\x03\x04"):
        with open_zip(io.BytesIO(data), limits.CHECKPOINT_INDEX) as archive:
            pickled = find_pickles(archive)[0]
            stream = io.BytesIO(read_as_torch(archive, pickled, limits.PICKLE_BYTES.most))
    try:
        # Before torch 1.6 three pickles came before the object.
        for _ in range(4):
            for opcode, argument, _ in pickletools.genops(stream):
                if isinstance(argument, str) and "UNICODE" in opcode.name:
                    yield argument
    except (ValueError, IndexError, EOFError, OverflowError):
        return
