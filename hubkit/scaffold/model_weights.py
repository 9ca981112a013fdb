"""Checkpoints of a repo, in its tree and at URLs in its files, and the models they belong to."""

from __future__ import annotations

import io
import re
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit._util.paths import walk_files
from hubkit._util.urls import try_parse
from hubkit.analysis.documents import find_documents
from hubkit.analysis.pickles import scan_checkpoint
from hubkit.scaffold.model_sources import FOREIGN
from hubkit.source import Folder
from hubkit.source.git import is_pointer
from hubkit.torchhub import CHECKPOINT_ENDING, STATE_DICT_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.facts import Files
    from hubkit.scaffold.model_discovery import ModelDiscovery

_FILE = re.compile(rf".*{CHECKPOINT_ENDING}", re.IGNORECASE)
_URL = re.compile(
    rf"https?://[^\s\"'<>()\[\]`]{{1,2000}}?{CHECKPOINT_ENDING}(?=[\s\"'<>()\[\]`?#]|$)",
    re.IGNORECASE,
)
# URLs of pages about a file, not of the file itself.
_PAGES = (
    "drive.google.com",
    "pan.baidu.com",
    "/blob/",
    "dropbox.com/s",
    "yadi.sk",
    "onedrive.live.com",
    "sharepoint.com",
)
_PLAIN = re.compile(
    r"collections\.(?:OrderedDict|defaultdict)|_codecs\.encode|torch\._utils\.\w+|torch\.\w+Storage"
    r"|torch\.(?:Size|device|\w*(?:float|int)\d+|float|half|double|long|int)"
    r"|numpy(?:\._core|\.core)\.multiarray\.\w+|numpy\.(?:dtype|ndarray)|torch\.nn\.parameter\.\w+"
)
# Words in the names of checkpoints that do not identify a model.
_NOISE = frozenset(
    [
        "best",
        "final",
        "last",
        "latest",
        "checkpoint",
        "ckpt",
        "model",
        "weights",
        "weight",
        "pretrained",
        "state",
        "dict",
        "statedict",
        "params",
        "ema",
        "epoch",
        "release",
        "torch",
        "pytorch",
        "checkpoints",
        "ckpts",
        "models",
        "saved",
        "runs",
        "logs",
        "outputs",
        "output",
        "experiments",
        "results",
        "train",
        "exp",
        "version",
        "lightning",
        "step",
    ]
)
_HASH = re.compile(r"-([0-9a-f]{8,64})$")


class WeightsFile(Struct, frozen=True):
    """A checkpoint in a repo.

    Attributes:
        path: POSIX path from the repo's root.
        size: Bytes; for a Git LFS pointer, those of the pointer.
        is_pointer: Whether it is a Git LFS pointer.
        is_plain: Whether it contains only tensors and plain values; False if unknown.
        key: The key of the state dict in the file; "" if the file is the state dict.
        prefix: A prefix of all names in the state dict, such as "module.", or "".
        is_published: Whether it is in the repo; False if it only lies in the working tree.
        is_model: Whether it is a pickled model.
        was_tried: Whether init tried to load it into the models.
        problem: Why torch does not read it; "" if it does, or if that is unknown.
        fits: Which entrypoint can load it, though it loads another file; "" if none can.
    """

    path: str
    size: int
    is_pointer: bool = False
    is_plain: bool = False
    key: str = ""
    prefix: str = ""
    is_published: bool = True
    is_model: bool = False
    was_tried: bool = False
    problem: str = ""
    fits: str = ""


def read_weights(files: Files) -> tuple[WeightsFile, ...]:
    """The checkpoints in a repo, then those that only lie in its working tree.

    Their contents are read from the opcodes.
    """
    found = [one for path in _select(files.paths()) if (one := _read_file(files, path))]
    if files.is_tracked:
        known = {one.path for one in found}
        folder = Folder(files.root)
        everything = islice(walk_files(files.root, without=".git"), limits.STRAY_FILES.most)
        strays = sorted(path for path in _select(everything) if path not in known)
        others = (_read_file(folder, path) for path in strays)
        found += [replace(one, is_published=False) for one in others if one]
    return tuple(found[: limits.PROPOSED_CHECKPOINTS.most])


def _select(paths: Iterable[str]) -> list[str]:
    chosen = [p for p in paths if _FILE.fullmatch(p) and not FOREIGN.search(p)]
    return chosen[: limits.PROPOSED_CHECKPOINTS.most]


def read_urls(files: Files) -> tuple[tuple[str, str], ...]:
    """URLs of checkpoints in a repo's documents, then in its source, each with its file."""
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
    scan = scan_checkpoint(io.BytesIO(data))
    names = scan.names if scan is not None and scan.is_complete else ()
    is_plain = bool(names) and all(map(_PLAIN.fullmatch, names))
    key, prefix = _layout(scan.texts) if scan is not None and is_plain else ("", "")
    is_model = not is_plain and scan is not None and "_modules" in scan.texts
    return WeightsFile(
        path, entry.size, is_plain=is_plain, key=key, prefix=prefix, is_model=is_model
    )


def _layout(texts: Sequence[str]) -> tuple[str, str]:
    """The key of the state dict, and the prefix of its names."""
    keys = dict.fromkeys(text for text in texts if text in STATE_DICT_KEYS)
    names = [text for text in texts if text.rpartition(".")[2] in ("weight", "bias")]
    first = texts.index(names[0]) if names else 0
    key = next((one for one in keys if texts.index(one) < first), "")
    prefixed = bool(names) and all(name.startswith("module.") for name in names)
    return key, "module." if prefixed else ""


class Checkpoint(Struct, frozen=True):
    """The weights of a model.

    Attributes:
        path: The file in the repo; "" for a download.
        url: The URL; "" for a file in the repo.
        has_hash: Whether the file's name ends in the start of its sha256.
        key: The key of the state dict in the file; "" if the file is the state dict.
        prefix: A prefix of all names in the state dict, or "".
    """

    path: str = ""
    url: str = ""
    has_hash: bool = False
    key: str = ""
    prefix: str = ""

    @property
    def is_safetensors(self) -> bool:
        """Whether it is in the repo, in the format of safetensors."""
        return self.path.lower().endswith(".safetensors")


def find_checkpoint(
    name: str, names: tuple[str, ...], discovery: ModelDiscovery
) -> Checkpoint | None:
    """Find the weights of an entrypoint: a checkpoint with its name.

    Only files from which ``weights_only`` can read a state dict count: no Git LFS pointers and no
    pickled models.

    Args:
        name: The entrypoint.
        names: All entrypoints.
        discovery: The models and weights of the repo.
    """
    for file in discovery.weights:
        usable = file.is_plain and file.is_published and not file.is_pointer
        if usable and fits_name(name, names, file.path):
            return Checkpoint(path=file.path, key=file.key, prefix=file.prefix)
    for url, _ in discovery.urls:
        if not url.endswith(".safetensors") and fits_name(name, names, url):
            return Checkpoint(url=url, has_hash=bool(_HASH.search(stem_of(url))))
    return None


def stem_of(place: str) -> str:
    """A file's name without its endings."""
    last = place.rpartition("/")[2]
    return re.sub(rf"(?:{CHECKPOINT_ENDING}|\.tar)+$", "", last, flags=re.IGNORECASE)


def fits_name(name: str, names: tuple[str, ...], place: str) -> bool:
    """Whether a checkpoint is called as an entrypoint, or lies in a folder that is.

    Args:
        name: The entrypoint.
        names: All entrypoints.
        place: The path or the URL of the checkpoint.
    """
    folders = () if "://" in place else reversed(place.split("/")[:-1])
    called = (_words(part) for part in (stem_of(place), *folders))
    words = next(filter(None, called), [])
    if not words:
        # weights/best.pt belongs to the model if there is only one.
        return len(names) == 1
    return _starts_with(words, name) and not any(
        _starts_with(words, other) for other in names if len(_words(other)) > len(_words(name))
    )


def _starts_with(words: list[str], name: str) -> bool:
    own = _words(name)
    return words[: len(own)] == own


def _words(text: str) -> list[str]:
    text = _HASH.sub("", text)
    return [word for word in re.findall(r"[a-z]+\d*|\d+", text.lower()) if word not in _NOISE]
