"""Where checkpoint files came from: one small record for each, by the file's path."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from hubkit._util.logs import log
from hubkit._util.paths import list_folder, remove_inside
from hubkit._util.urls import Url, UrlError, parse_url, redact
from hubkit.errors import UsageError
from hubkit.facts import CachedCheckpoint
from hubkit.hubdir.ages import is_since
from hubkit.hubdir.disk import read_record, write_record
from hubkit.hubdir.layout import LONGEST, encode, get_dir, store
from hubkit.hubdir.signed_urls import strip_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import RepoRef
    from hubkit.hubdir.transfer import Fetched

_SCHEMES = ("https", "http", "file")


def require_url(url: str) -> Url:
    """Insist that a text is the address of a file; gives its parts.

    Raises:
        UsageError: It is not, or it is one of a kind that nobody asks for here.
    """
    hint = "Write https://host/path/of/file, or file:///path/of/file."
    try:
        parts = parse_url(url)
    except UrlError as error:
        raise UsageError(
            f"{redact(url)!r} is not the URL of a file: it {error}.", hint=hint
        ) from error
    if parts.scheme not in _SCHEMES:
        raise UsageError(f"{redact(url)!r} is not the URL of a file.", hint=hint)
    return parts


def key_of(url: str) -> str:
    """What tells one URL from another: all of it but credentials, signatures and fragment.

    Raises:
        UsageError: It is not a URL.
    """
    parts = require_url(url)
    query = urlencode(strip_secrets(parts.host, parse_qsl(parts.query, keep_blank_values=True)))
    return f"{parts.redacted}?{query}" if query else parts.redacted


def name_of(url: str) -> str:
    """Torch's name for a URL, its last part; the part before, or the host, when that is empty."""
    parts = require_url(url)
    names = [parts.file_name, *reversed(parts.path.split("/")), parts.host]
    name = next((name for name in names if name not in ("", ".", "..")), "checkpoint")
    return name if len(name.encode()) <= LONGEST else f"{_hash(name)}{Path(name).suffix[:20]}"


def find_place(path: Path, key: str) -> Origin:
    """Where the file of a URL lies, or would lie: torch's path unless another URL has that."""
    first = Origin(path, key)
    if first.is_other():
        return Origin(path.with_name(f"{path.stem}-{_hash(key)}{path.suffix}"), key)
    return first


def find_checkpoint(url: str) -> CachedCheckpoint | None:
    """The checkpoint of a URL, wherever it was kept, or None; makes no request.

    What is known of its digest is believed: its bytes are read only where nothing is known.
    """
    key = key_of(url)
    kept = [Path(record["path"]) for record in read_origins() if record.get("url") == key]
    for path in [Path(get_dir(), "checkpoints", name_of(url)), *kept]:
        origin = find_place(path, key)
        if origin.exists():
            return CachedCheckpoint(origin.path, origin.sha256(), origin.path.stat().st_size)
    return None


def asked_for_by(repo: RepoRef) -> tuple[str, ...]:
    """URLs of the checkpoints that a repo's code has asked for, without what only signs them."""
    mine = (record for record in read_origins() if repo.full_name in record.get("repos", ()))
    return tuple(sorted(str(record["url"]) for record in mine))


def remove_origin(path: Path) -> None:
    """Forget where a checkpoint file came from, when it goes."""
    remove_inside(get_dir(), _folder() / f"{encode(_inside(path))}.json")


def forget_checkpoints(repo: RepoRef, before: float) -> None:
    """Have the checkpoints that a repo's code asked for fetched afresh when next asked for.

    The files stay until then, and for good if that fails.

    Args:
        repo: Whose code asked.
        before: Those that came later stay, in Unix time.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    for path in list_folder(_folder()):
        record = read_record(path) or {}
        is_old = not is_since(record.get("fetched_at"), before)
        if is_old and repo.full_name in record.get("repos", ()):
            write_record(path, {**record, "stale": True})


class Origin:
    """A checkpoint file and what is written down about it.

    Attributes:
        path: The file.
        stale: Whether it is to be fetched afresh.
        fetched_at: Unix time in seconds when it came, 0 when unknown.
        asked_at: When the host last said that it is what is at the URL, 0 when unknown.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self._key = key
        self._file = _folder() / f"{encode(_inside(path))}.json"
        self._record = read_record(self._file) or {}
        self.stale = bool(self._record.get("stale")) or self._is_previous()
        self.fetched_at = float(self._record.get("fetched_at", 0))
        self.asked_at = float(self._record.get("asked_at", self.fetched_at))

    def exists(self) -> bool:
        """Whether there is a file."""
        return self.path.is_file()

    def is_other(self) -> bool:
        """Whether the file there is known to be another URL's."""
        return self._record.get("url", self._key) != self._key and self.exists()

    def is_sound(self, hash_prefix: str | None) -> bool:
        """Whether the file is as it came, and what a hash asks for.

        Size and time of change are compared; only if these differ, or nothing is known, and then
        only if a hash is asked for, is the file read.
        """
        versions = self._versions()
        known = next((old.get("sha256") for old in versions if self._is_untouched(old)), None)
        if known is None and (versions or hash_prefix):
            known = _digest(self.path)
            if versions and known not in [old.get("sha256") for old in versions]:
                return False
            if known.startswith(hash_prefix or ""):
                self._remember(sha256=known, **_measure(self.path))
        return str(known or "").startswith((hash_prefix or "").lower())

    def sha256(self) -> str:
        """The digest of the file: what is known of it, or what reading it gives."""
        known = (old["sha256"] for old in self._versions() if self._is_untouched(old))
        return next(known, None) or _digest(self.path)

    def note_repo(self, repo: RepoRef | None) -> None:
        """Remember that a repo's code asked for it."""
        if repo is not None and self._record and repo.full_name not in self._repos():
            self._remember(repos=[*self._repos(), repo.full_name])

    def conditions(self) -> dict[str, str]:
        """Headers that ask for the file only if it is not this one; none when nothing tells."""
        if self.stale or not self.exists() or not self._is_untouched(self._record):
            return {}
        marks = {
            "If-None-Match": self._record.get("etag"),
            "If-Modified-Since": self._record.get("last_modified"),
        }
        return {name: mark for name, mark in marks.items() if mark}

    def note_asked(self) -> None:
        """Remember that the host has just said that the file is what is at the URL."""
        self._remember(asked_at=time.time())

    def settle(self, path: Path, fetched: Fetched, repo: RepoRef | None) -> None:
        """Write down where the file came from, just before it is put in place.

        What is known of the file that it replaces is kept along: whoever looks in between, or
        after we were killed in between, finds either and knows it.

        Args:
            path: Where the file still lies.
            fetched: What is known of it.
            repo: Whose code asked for it.

        Raises:
            CacheWriteError: The hub dir cannot be written.
        """
        repos = dict.fromkeys([*self._repos(), *([repo.full_name] if repo else [])])
        record: dict[str, Any] = {"url": self._key, "path": str(self.path)}
        record |= {"sha256": fetched.sha256, "etag": fetched.etag}
        record |= {"last_modified": fetched.last_modified}
        record |= {"repos": list(repos), "fetched_at": time.time()}
        found = [old for old in self._versions() if self.exists() and self._is_untouched(old)]
        if found:
            record["previous"] = {key: found[0][key] for key in ("sha256", "size", "mtime_ns")}
        write_record(self._file, record | _measure(path))

    def _versions(self) -> list[dict[str, Any]]:
        """What is known of the file, and of the one before it."""
        found = (self._record, self._record.get("previous") or {})
        return [old for old in found if "sha256" in old]

    def _is_previous(self) -> bool:
        """Whether the file that was to be replaced is still there."""
        previous = self._record.get("previous")
        return previous is not None and self.exists() and self._is_untouched(previous)

    def _repos(self) -> list[str]:
        return list(self._record.get("repos", ()))

    def _is_untouched(self, version: dict[str, Any]) -> bool:
        now = _measure(self.path)
        # Some ways to copy a cache, such as image layers, keep whole seconds only.
        whole = now["mtime_ns"] % 10**9 == 0
        then = int(version.get("mtime_ns", 0))
        same_time = now["mtime_ns"] in (then, then // 10**9 * 10**9 if whole else then)
        return same_time and now["size"] == version.get("size")

    def _remember(self, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        self._record |= facts
        try:
            write_record(self._file, self._record)
        except OSError as error:
            log.debug("Not remembered about %s: %s", self.path, error)


def _measure(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _digest(path: Path) -> str:
    from hubkit.hubdir.digest import sha256_of

    return sha256_of(path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _folder() -> Path:
    return store() / "checkpoints"


def read_origins() -> Iterator[dict[str, Any]]:
    """The records of all checkpoints, wherever they were kept."""
    for path in list_folder(_folder()):
        record = read_record(path)
        if record and "url" in record and "path" in record:
            yield record


def _inside(path: Path) -> str:
    """A path as the records spell it: from the hub dir on when it lies in there."""
    try:
        return path.absolute().relative_to(Path(get_dir()).absolute()).as_posix()
    except ValueError:
        return str(path.absolute())
