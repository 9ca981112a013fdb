"""Reuse the report of an earlier run if nothing that it depends on has changed.

A check reads its repo through ``Files``. ``Recorder`` records each call and a hash of its result.
If the same calls have the same results in the next run, the report is the same. Reports are kept in
``$XDG_CACHE_HOME/hubkit/check``.

A cached report is not trusted: unpickling it can create the classes of reports and nothing else,
and a damaged, large or outdated one is ignored. It is not an error if the folder is not writable.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.atomic import write_file
from hubkit._util.paths import read_file
from hubkit.facts.files import WrappedFiles
from hubkit.facts.findings import (
    BaselineEntry,
    Edit,
    Finding,
    Fix,
    Report,
    RuleFacts,
    SuppressedFinding,
)
from hubkit.facts.hubconf import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.facts import Files

    Call = tuple[str | int | tuple[str, ...], ...]
    from collections.abc import Iterator


def cached_report(files: Files, settings: object, check: Callable[[Files], Report]) -> Report:
    """Return the report of an earlier run if it is still valid, or a new one.

    Args:
        files: The files of the repo.
        settings: All else that the report depends on, as a value with a complete ``repr``.
        check: Makes the report. It may depend on the files that it gets and on the settings only.

    Raises:
        HubkitError: ``check`` raised it.
    """
    key = key_of(files, settings)
    cached = find_cached(key)
    if cached is not None and has_same_results(files, cached.results):
        return cached.report
    recorder = Recorder(files)
    report = check(recorder)
    if not report.crashes:
        write_cached(key, recorder.results, report)
    return report


@dataclass(frozen=True, slots=True)
class Recorder(WrappedFiles):
    """Files that record the calls of their methods.

    Attributes:
        results: The calls in order, each with a hash of its result.
    """

    results: dict[Call, bytes] = field(default_factory=dict)

    def call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401 - any method's
        """Call a method of the files, and record the call."""
        call = (method, *arguments)
        try:
            result = getattr(self.files, method)(*arguments)
        except (OSError, ValueError) as error:
            self.results.setdefault(call, _digest(error))
            raise
        if call not in self.results:
            self.results[call] = _digest(result)
        return result


def has_same_results(files: Files, results: Mapping[Call, bytes]) -> bool:
    """Whether calls have the same results as in an earlier run."""
    for (method, *arguments), digest in results.items():
        try:
            result: object = getattr(files, str(method))(*arguments)
        except (OSError, ValueError) as error:
            result = error
        if _digest(result) != digest:
            return False
    return True


def _digest(result: object) -> bytes:
    if isinstance(result, bytes):
        data = b"bytes" + result
    elif isinstance(result, frozenset):
        data = repr(sorted(result)).encode("utf-8", "surrogatepass")
    else:
        data = repr(result).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()


_CLASSES = (Finding, BaselineEntry, SuppressedFinding, Report, RuleFacts, Edit, Fix, Location)
_READERS = ("docstring_parser", "yaml")  # libraries that the facts depend on
_MAX_REPORTS = 64
# Bytes of the hash in front of the data: pickle may allocate gigabytes for damaged data.
_DIGEST_SIZE = 16


class CachedReport(Struct, frozen=True):
    """The report of an earlier run.

    Attributes:
        results: The calls of the run, each with a hash of its result.
        report: The report.
    """

    results: Mapping[Call, bytes]
    report: Report


def key_of(files: Files, settings: object) -> str:
    """The cache key of a run: the place of the files, the settings, hubkit and Python."""
    kind = f"{type(files).__name__} {files.root.absolute()} {files.root} {files.ref}"
    parts = (kind, repr(settings), sys.version, sys.platform, __version__, *_installed())
    return _digest_bytes("\0".join(parts).encode("utf-8", "surrogatepass")).hex()


def find_cached(key: str) -> CachedReport | None:
    """Return the cached report of a key, or None."""
    try:
        data = read_file(_folder() / key, limits.REPORT_BYTES.most + 1, own=True)
        digest, data = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
        if len(data) > limits.REPORT_BYTES.most - _DIGEST_SIZE or digest != _digest_bytes(data):
            return None
        results, report = _Reader(io.BytesIO(data)).load()
    except Exception:  # noqa: BLE001 - damaged pickles raise anything
        return None
    return CachedReport(results, report) if _is_sound(results, report) else None


def write_cached(key: str, results: Mapping[Call, bytes], report: Report) -> None:
    """Cache a report, in place of an earlier one with the same key."""
    data = pickle.dumps((dict(results), report), protocol=5)
    with contextlib.suppress(OSError):
        folder = _folder()
        if len(data) > limits.REPORT_BYTES.most - _DIGEST_SIZE:
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(folder / key, _digest_bytes(data) + data)
        _prune(folder)


def _prune(folder: Path) -> None:
    """Delete the oldest reports if there are too many."""
    found = sorted(os.scandir(folder), key=lambda one: one.stat(follow_symlinks=False).st_mtime_ns)
    for old in found[:-_MAX_REPORTS]:
        Path(old.path).unlink(missing_ok=True)


def _digest_bytes(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE).digest()


def _folder() -> Path:
    """The folder of the reports.

    Raises:
        FileNotFoundError: The user has no home folder, as in some containers.
    """
    import platformdirs

    try:
        return platformdirs.user_cache_path("hubkit", appauthor=False) / "check"
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None


def _installed() -> Iterator[str]:
    """The modification times of hubkit and of the libraries that the facts depend on."""
    pending = [os.path.dirname(os.path.dirname(__file__))]  # noqa: PTH120 - faster than paths
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
    """Unpickles the classes of reports and nothing else, so that it cannot run code."""

    def find_class(self, module: str, name: str) -> type:
        """Return one of those classes."""
        for found in _CLASSES:
            if (found.__module__, found.__qualname__) == (module, name):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a report")


def _is_sound(results: object, report: object) -> bool:
    return isinstance(results, dict) and isinstance(report, Report)
