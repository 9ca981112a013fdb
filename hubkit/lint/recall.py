"""RECALL: the report of an earlier run, where all that it was made from is as it was.

Judging a repo asks its files some hundred questions: what lies in this folder, what stands in that
file. The same answers make the same report. ``questions`` notes them while a repo is judged and
asks them again, ``store`` keeps them with the report in the user's cache folder.
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
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from hubkit import __version__, limits
from hubkit._util.atomic import write_file
from hubkit._util.paths import read_file
from hubkit.facts.files import Files
from hubkit.facts.findings import Edit, Finding, Fix, KnownFinding, LeftOut, Report, RuleFacts
from hubkit.facts.hubconf import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.facts import Entry, EntryKind, Gap, Refs

    Question = tuple[str | int | tuple[str, ...], ...]
    from collections.abc import Iterator


def recall_report(files: Files, settings: object, judge: Callable[[Files], Report]) -> Report:
    """The report on a repo, from an earlier run where nothing changed that it came from.

    Args:
        files: The repo's files.
        settings: All else that the report depends on, as a value whose ``repr`` tells it whole.
        judge: Makes the report. It may depend on nothing but what it asks the files it is given,
            and on the settings.

    Raises:
        HubkitError: What ``judge`` raises; such a run is not kept.
    """
    key = key_of(files, settings)
    record = find_record(key)
    if record is not None and has_same_answers(files, record.answers):
        return record.report
    witness = Witness(files)
    report = judge(witness)
    if not report.stopped:
        write_record(key, witness.answers, report)
    return report


@dataclass(frozen=True, slots=True)
class Witness(Files):
    """Files that note what they are asked.

    Attributes:
        files: Who answers.
        answers: A digest of each answer, in the order of the questions.
    """

    files: Files
    answers: dict[Question, bytes] = field(default_factory=dict)

    def _ask(self, method: str, *arguments: str | int | tuple[str, ...]) -> Any:  # noqa: ANN401 - any method's
        question = (method, *arguments)
        try:
            answer = getattr(self.files, method)(*arguments)
        except (OSError, ValueError) as error:
            self.answers.setdefault(question, _digest(error))
            raise
        if question not in self.answers:
            self.answers[question] = _digest(answer)
        return answer

    @property
    def root(self) -> Path:
        """The folder that paths start from."""
        return self.files.root

    @property
    def ref(self) -> str:
        """The commit that was asked for."""
        return self.files.ref

    @property
    def is_tracked(self) -> bool:
        """Whether git tells what is in the tree."""
        return self.files.is_tracked

    def paths(self) -> tuple[str, ...]:
        """Every file, link and submodule."""
        return cast("tuple[str, ...]", self._ask("paths"))

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the paths that end in one of the suffixes."""
        return cast("tuple[str, ...]", self._ask("paths_ending", suffixes))

    def entry(self, path: str) -> Entry | None:
        """What lies at a path."""
        return cast("Entry | None", self._ask("entry", path))

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        return cast("frozenset[str]", self._ask("names", folder))

    def strays(self, folder: str) -> frozenset[str]:
        """Names in a folder that the tree lacks."""
        return cast("frozenset[str]", self._ask("strays", folder))

    def all_names(self, folder: str) -> frozenset[str]:
        """Names in a folder, in the tree or beside it."""
        return cast("frozenset[str]", self._ask("all_names", folder))

    def detour(self, path: str) -> Gap | None:
        """The link or the submodule on the way to a path."""
        return cast("Gap | None", self._ask("detour", path))

    def gap(self, path: str) -> Gap | None:
        """Why consumers lack a file."""
        return cast("Gap | None", self._ask("gap", path))

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every link, or every submodule."""
        return cast("tuple[str, ...]", self._ask("of_kind", kind))

    def pointers(self) -> frozenset[str]:
        """Files of which archives hold an LFS pointer."""
        return cast("frozenset[str]", self._ask("pointers"))

    def refs(self) -> Refs | None:
        """The repo's branches and tags."""
        return cast("Refs | None", self._ask("refs"))

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return cast("bool", self._ask("is_file", path))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return cast("bool", self._ask("is_folder", path))

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        return cast("bytes", self._ask("read", path, limit))


def has_same_answers(files: Files, answers: Mapping[Question, bytes]) -> bool:
    """Whether files answer as they did, to as many questions as it takes to tell.

    Args:
        files: The files.
        answers: The questions, and a digest of each answer.
    """
    for (method, *arguments), digest in answers.items():
        try:
            answer: object = getattr(files, str(method))(*arguments)
        except (OSError, ValueError) as error:
            answer = error
        if _digest(answer) != digest:
            return False
    return True


def _digest(answer: object) -> bytes:
    if isinstance(answer, bytes):
        data = b"bytes" + answer
    elif isinstance(answer, frozenset):
        data = repr(sorted(answer)).encode("utf-8", "surrogatepass")
    else:
        data = repr(answer).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()


_CLASSES = (Finding, KnownFinding, LeftOut, Report, RuleFacts, Edit, Fix, Location)
_READERS = ("docstring_parser", "yaml")  # what else tells how files are understood
_MAX_RECORDS = 64
# Bytes in front of a record: damage must not reach pickle, which may ask for gigabytes.
_DIGEST_SIZE = 16


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
    return _digest_bytes("\0".join(parts).encode("utf-8", "surrogatepass")).hex()


def find_record(key: str) -> Record | None:
    """The run kept under a key, or None.

    Args:
        key: What ``key_of`` gave.
    """
    try:
        data = read_file(_folder() / key, limits.REPORT_BYTES.most + 1, own=True)
        digest, data = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
        if len(data) > limits.REPORT_BYTES.most - _DIGEST_SIZE or digest != _digest_bytes(data):
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
        if len(data) > limits.REPORT_BYTES.most - _DIGEST_SIZE:
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(folder / key, _digest_bytes(data) + data)
        _prune(folder)


def _prune(folder: Path) -> None:
    """Delete the oldest records where there are too many."""
    found = sorted(os.scandir(folder), key=lambda one: one.stat(follow_symlinks=False).st_mtime_ns)
    for old in found[:-_MAX_RECORDS]:
        Path(old.path).unlink(missing_ok=True)


def _digest_bytes(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE).digest()


def _folder() -> Path:
    """The folder of the records.

    Raises:
        FileNotFoundError: The user has no home, as in containers with a made-up user ID.
    """
    import platformdirs

    try:
        return platformdirs.user_cache_path("hubkit", appauthor=False) / "check"
    except RuntimeError as error:
        raise FileNotFoundError(str(error)) from None


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
