"""Reports of earlier runs in the user's cache folder: ``$XDG_CACHE_HOME/hubkit/check``.

A record is trusted no further than its contents go: it can name the classes of reports and nothing
else, and one that is damaged, too large or of another version is as good as none. That nothing can
be written there is no error.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.atomic import write_file
from hubkit._util.paths import read_file
from hubkit.facts.findings import Edit, Finding, Fix, KnownFinding, LeftOut, Report, RuleFacts
from hubkit.facts.hubconf import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hubkit.facts import Files
    from hubkit.recall.questions import Question

_CLASSES = (Finding, KnownFinding, LeftOut, Report, RuleFacts, Edit, Fix, Location)
_READERS = ("docstring_parser", "yaml")  # what else tells how files are understood
_MAX_RECORDS = 64
# Bytes in front of a record: damage must not reach pickle, which may ask for gigabytes.
_DIGEST = 16


class Record(Struct, frozen=True):
    """An earlier run.

    Attributes:
        answers: What it asked, and a digest of each answer.
        report: What came of it.
    """

    answers: Mapping[Question, bytes]
    report: Report


def key_of(files: Files, settings: object) -> str:
    """What a run is kept under: where the files are, the settings, hubkit and Python.

    Args:
        files: The files that are judged.
        settings: All else that decides.
    """
    kind = f"{type(files).__name__} {files.root.absolute()} {files.root} {files.ref}"
    parts = (kind, repr(settings), sys.version, sys.platform, __version__, *_installed())
    return _digest("\0".join(parts).encode("utf-8", "surrogatepass")).hex()


def find_record(key: str) -> Record | None:
    """The run kept under a key, or None.

    Args:
        key: What ``key_of`` gave.
    """
    try:
        data = read_file(_folder() / key, limits.REPORT_BYTES.most + 1, own=True)
        digest, data = data[:_DIGEST], data[_DIGEST:]
        if len(data) > limits.REPORT_BYTES.most - _DIGEST or digest != _digest(data):
            return None
        answers, report = _Reader(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 - what damaged pickles raise is not told
        return None
    return Record(answers, report) if _is_sound(answers, report) else None


def write_record(key: str, answers: Mapping[Question, bytes], report: Report) -> None:
    """Keep a run, in place of the one under the same key.

    Args:
        key: What ``key_of`` gave.
        answers: What it asked, and a digest of each answer.
        report: What came of it.
    """
    data = pickle.dumps((dict(answers), report), protocol=5)
    with contextlib.suppress(OSError):
        folder = _folder()
        if len(data) > limits.REPORT_BYTES.most - _DIGEST:
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(folder / key, _digest(data) + data)
        _prune(folder)


def _prune(folder: Path) -> None:
    """Delete the oldest records where there are too many."""
    found = sorted(os.scandir(folder), key=lambda one: one.stat(follow_symlinks=False).st_mtime_ns)
    for old in found[:-_MAX_RECORDS]:
        Path(old.path).unlink(missing_ok=True)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()


def _folder() -> Path:
    """The folder of the records.

    Raises:
        FileNotFoundError: This user has no home, as in containers that run under a made-up id.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        # A relative one is to be ignored, says the XDG specification.
        home = cache if cache.is_absolute() else Path("~/.cache").expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None
    return home / "hubkit" / "check"


def _installed() -> Iterator[str]:
    """When hubkit and what it reads with were last changed."""
    pending = [os.path.dirname(os.path.dirname(__file__))]  # noqa: PTH120 - quicker than paths
    for folder in pending:
        for entry in os.scandir(folder):
            if entry.name.endswith(".py"):
                yield f"{entry.path} {entry.stat().st_mtime_ns}"
            elif "." not in entry.name and entry.name != "__pycache__":
                pending.append(entry.path)
    for name in _READERS:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            yield f"{spec.origin} {os.stat(spec.origin).st_mtime_ns}"  # noqa: PTH116 - as above


class _Reader(pickle.Unpickler):
    """Reads the classes of reports and no others, so that no record runs anything."""

    def find_class(self, module: str, name: str) -> type:
        """One of those classes."""
        for found in _CLASSES:
            if (found.__module__, found.__qualname__) == (module, name):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a report")


def _is_sound(answers: object, report: object) -> bool:
    return isinstance(answers, dict) and isinstance(report, Report)
