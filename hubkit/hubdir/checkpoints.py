"""Checkpoints in the hub dir: under torch's names, and identified by their whole URL.

torch.hub names a file after the last part of its URL, so two URLs with the same ending share one
file. Here a record holds the URL of each file. A second URL with the same ending gets another name.
A file without a record is torch.hub's and is used as it is.

Hosts sign links anew each time, so a key with the signature would never be found again; and keys
are written to records and lock files, which must not contain credentials. A parameter that only
might be a signature, such as ``token=small``, might also distinguish two models: it is dropped only
beside the other parameters of a signature.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct

from hubkit._util.atomic import replacing
from hubkit._util.logs import log
from hubkit._util.paths import list_folder, remove_inside
from hubkit._util.urls import Url, UrlError, parse_url, redact
from hubkit.errors import (
    TEMPORARY_ERRORS,
    CacheWriteError,
    FetchError,
    HashMismatchError,
    OfflineError,
    UsageError,
)
from hubkit.facts import CachedCheckpoint, FetchPolicy
from hubkit.hubdir.layout import (
    LONGEST,
    encode,
    get_dir,
    is_between,
    is_recent,
    move_to_quarantine,
    read_record,
    store,
    write_record,
    writing,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.facts import RepoRef
    from hubkit.hubdir.download import DownloadResult

SHORTEST_HASH = 8  # digits, as torch.hub's documentation asks for


def hash_prefix_of(file_name: str) -> str | None:
    """The start of the sha256 in ``name-<hash>.ext``; None if it has fewer than 8 digits."""
    found = re.findall(r"-([0-9a-fA-F]{8,64})(?=\.)", file_name)
    return found[-1].lower() if found else None


def fetch_checkpoint(
    url: str,
    *,
    model_dir: Path | None = None,
    file_name: str | None = None,
    hash_prefix: str | None = None,
    policy: FetchPolicy,
    repo: RepoRef | None = None,
) -> Path:
    """Return the file at a URL, downloaded if it is missing.

    An existing file is used without a request if it is unchanged since its download. If it has changed, or
    does not match ``hash_prefix``, it is moved out of the way and downloaded again. If it is older than
    the policy allows and has no hash, the host is asked whether it has changed; if not, the host sends
    nothing.

    Args:
        url: The URL. A ``file:`` URL is used in place.
        model_dir: The folder, instead of ``<hub dir>/checkpoints``; may start with ``~``.
        file_name: The file's name, instead of the last part of the URL.
        hash_prefix: First digits of its sha256, at least 8.
        policy: When to use the network.
        repo: The repo whose code asks for it. Fetching the repo again includes this file.

    Raises:
        UsageError: ``url``, ``hash_prefix`` or ``file_name`` is invalid; raised before any request.
        HashMismatchError: The download does not match ``hash_prefix``.
        CheckpointError: It is a web page, or a pointer to a file elsewhere.
        OfflineError: hubkit is offline, and the file is missing.
        FetchError: It cannot be downloaded.
    """
    parts = require_url(url)
    _require_hash(hash_prefix, SHORTEST_HASH)
    name = _require_name(file_name) if file_name is not None else name_of(url)
    if parts.scheme == "file":
        return _local_file(url, hash_prefix)
    folder = Path(get_dir(), "checkpoints") if model_dir is None else model_dir.expanduser()
    request = _CheckpointRequest(url, folder / name, hash_prefix, repo)
    found = _find_sound(request)
    if found is not None and _is_fresh(found, request, policy):
        return found.path
    try:
        return _fetch(request, policy)
    except OfflineError as error:
        if found is not None:
            return found.path
        raise _offline_error(url, _explain_fetch(request), error) from None
    except (*TEMPORARY_ERRORS, CacheWriteError) as error:
        afresh = policy.refresh or (found is not None and found.stale)
        if found is None or (afresh and isinstance(error, CacheWriteError)):
            raise
        log.warning("%s Using the copy in %s.", error.message, found.path)
        return found.path


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Download a URL to a file, as ``torch.hub.download_url_to_file`` does.

    Args:
        url: The URL.
        dst: Path of the file; may start with ``~``. It is replaced when the download is complete.
        hash_prefix: First hexadecimal digits of its sha256.
        progress: Show on standard error how far it is.

    Raises:
        UsageError: ``url`` or ``hash_prefix`` is invalid.
        HashMismatchError: Its digest does not match.
        FetchError: It cannot be downloaded or written.
    """
    parts = require_url(url)
    _require_hash(hash_prefix, 0)
    path = Path(dst).expanduser()
    if parts.scheme == "file":
        source = _local_file(url, hash_prefix)
        with writing(path), source.open("rb") as content, replacing(path) as file:
            shutil.copyfileobj(content, file)
        return
    from hubkit.hubdir.download import DownloadRequest, download
    from hubkit.hubdir.http import Client

    try:
        with Client(FetchPolicy()) as client:
            download(client, DownloadRequest(url, path, hash_prefix, progress))
    except OfflineError as error:
        raise _offline_error(url, "must be downloaded", error) from None


class _CheckpointRequest(Struct, frozen=True):
    url: str
    path: Path
    hash_prefix: str | None
    repo: RepoRef | None


def _find_sound(request: _CheckpointRequest) -> CheckpointRecord | None:
    """The requested file, if it exists and is unchanged."""
    try:
        entry = find_record(request.path, key_of(request.url))
        if not entry.exists() or not entry.is_sound(request.hash_prefix):
            return None
    except FileNotFoundError:  # another process has just removed it
        return None
    entry.add_repo(request.repo)
    return entry


def _is_fresh(found: CheckpointRecord, request: _CheckpointRequest, policy: FetchPolicy) -> bool:
    """Whether an unchanged file may be used without asking its host."""
    if policy.refresh or found.stale:
        return False
    return request.hash_prefix is not None or is_recent(found.asked_at, policy.max_age)


def _fetch(request: _CheckpointRequest, policy: FetchPolicy) -> Path:
    from hubkit.hubdir.download import (
        DownloadRequest,
        NotModifiedError,
        download,
        require_checkpoint,
    )
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.locks import hold

    began = time.time()
    # The lock is on torch's name, since two URLs with the same ending compete for it.
    with Client(policy) as client, hold(f"checkpoint {request.path}", policy.lock_timeout):
        found = _find_sound(request)
        # Another process may have downloaded it, before this one held the lock.
        if found and (_is_fresh(found, request, policy) or is_between(found.asked_at, began)):
            return found.path
        entry = find_record(request.path, key_of(request.url))
        damaged = found is None and entry.exists()

        def before_placing(path: Path, fetched: DownloadResult) -> None:
            require_checkpoint(path, request.url)
            if damaged:
                _quarantine(entry.path)
            entry.write(path, fetched, request.repo)

        log.info('Downloading: "%s" to %s', redact(request.url), entry.path)
        conditions = entry.conditions() if found and not policy.refresh else {}
        wanted = DownloadRequest(
            request.url,
            entry.path,
            request.hash_prefix,
            policy.progress,
            before_placing=before_placing,
            conditions=conditions,
        )
        try:
            download(client, wanted)
        except NotModifiedError:
            entry.mark_checked()
    return entry.path


def _offline_error(url: str, lacks: str, error: OfflineError) -> OfflineError:
    shown = redact(url)
    return OfflineError(f"{shown} {lacks}, and hubkit is offline.", url=shown, hint=error.hint)


def _explain_fetch(request: _CheckpointRequest) -> str:
    entry = find_record(request.path, key_of(request.url))
    if entry.exists():
        return f"must be downloaded again, because {entry.path} has changed or does not match"
    return f"is not in the hub dir {get_dir()}"


def _quarantine(path: Path) -> None:
    """Move a changed file out of the way, without losing it."""
    if not path.exists():
        return  # another process removed it during the download
    aside = move_to_quarantine(path.parent, path)
    log.warning("%s has changed or does not match; moved it to %s", path, aside)


def _require_hash(prefix: str | None, shortest: int) -> None:
    if prefix is not None and not re.fullmatch(rf"[0-9a-fA-F]{{{shortest},64}}", prefix):
        raise UsageError(
            f"{prefix!r} is not the start of a sha256.",
            hint=f"Name the file name-<sha256>.ext, with at least {SHORTEST_HASH} digits.",
        )


def _require_name(name: str) -> str:
    parts = re.split(r"[/\\]", name)
    if not name or ".." in parts or "" in parts[:1] or re.match(r"[A-Za-z]:", name):
        raise UsageError(f"{name!r} is not a file name in the checkpoints folder.")
    return name


def _local_file(url: str, hash_prefix: str | None) -> Path:
    from urllib.request import url2pathname

    from hubkit.hubdir.download import sha256_of

    path = Path(url2pathname(require_url(url).path))
    if not path.is_file():
        raise FetchError(f"{path} does not exist.", url=url)
    if hash_prefix and not (actual := sha256_of(path)).startswith(hash_prefix.lower()):
        raise HashMismatchError(
            f'{path} has an invalid hash value (expected "{hash_prefix}", got "{actual}").',
            expected=hash_prefix,
            actual=actual,
            url=url,
        )
    return path


_FILE_SCHEMES = ("https", "http", "file")


def require_url(url: str) -> Url:
    """Require that a text is the URL of a file; return its parts.

    Raises:
        UsageError: It is not a URL, or its scheme is not supported.
    """
    hint = "Use https://host/path/of/file or file:///path/of/file."
    try:
        parts = parse_url(url)
    except UrlError as error:
        raise UsageError(
            f"{redact(url)!r} is not the URL of a file: it {error}.", hint=hint
        ) from None
    if parts.scheme not in _FILE_SCHEMES:
        raise UsageError(f"{redact(url)!r} is not the URL of a file.", hint=hint)
    return parts


def key_of(url: str) -> str:
    """The identity of a URL: all of it except credentials, signatures and fragment.

    Raises:
        UsageError: It is not a URL.
    """
    parts = require_url(url)
    query = urlencode(strip_secrets(parts.host, parse_qsl(parts.query, keep_blank_values=True)))
    return f"{parts.redacted}?{query}" if query else parts.redacted


def name_of(url: str) -> str:
    """Torch's name for a URL: its last part, or if that is empty the part before, or the host."""
    parts = require_url(url)
    names = [parts.file_name, *reversed(parts.path.split("/")), parts.host]
    name = next((name for name in names if name not in ("", ".", "..")), "checkpoint")
    # To Windows "C:net.pth" is a file in another folder, and "net.pth:x" a stream of a file.
    if len(name.encode()) <= LONGEST and ":" not in name:
        return name
    return f"{_short_hash(name)}{Path(name.replace(':', '_')).suffix[:20]}"


def find_record(path: Path, key: str) -> CheckpointRecord:
    """The record of a URL's file, at torch's path unless another URL has that path."""
    first = CheckpointRecord(path, key)
    if first.is_other():
        return CheckpointRecord(path.with_name(f"{path.stem}-{_short_hash(key)}{path.suffix}"), key)
    return first


def find_checkpoint(url: str) -> CachedCheckpoint | None:
    """Find the checkpoint of a URL in any folder, without a request; None if there is none.

    A recorded digest is trusted; the file is only read if there is none.
    """
    key = key_of(url)
    kept = [
        Path(record["path"]) for record in read_checkpoint_records() if record.get("url") == key
    ]
    for path in [Path(get_dir(), "checkpoints", name_of(url)), *kept]:
        entry = find_record(path, key)
        if entry.exists():
            return CachedCheckpoint(entry.path, entry.sha256(), entry.path.stat().st_size)
    return None


def read_requested_urls(repo: RepoRef) -> tuple[str, ...]:
    """URLs of the checkpoints that a repo's code has requested, without signatures."""
    mine = (
        record for record in read_checkpoint_records() if repo.full_name in record.get("repos", ())
    )
    return tuple(sorted(str(record["url"]) for record in mine))


def remove_checkpoint_record(path: Path) -> None:
    """Remove the record of a checkpoint file, before the file is removed."""
    remove_inside(get_dir(), _record_folder() / f"{encode(_relative_path(path))}.json")


def forget_checkpoints(repo: RepoRef, before: float) -> None:
    """Mark the checkpoints that a repo's code has requested, to be downloaded again on the next request.

    The files stay until then, and stay for good if the download fails.

    Args:
        repo: The repo.
        before: Unix time; later checkpoints are not marked.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    for path in list_folder(_record_folder()):
        record = read_record(path) or {}
        is_old = not is_between(record.get("fetched_at"), before)
        if is_old and repo.full_name in record.get("repos", ()):
            write_record(path, {**record, "stale": True})


class CheckpointRecord:
    """A checkpoint file and its record.

    Attributes:
        path: The file.
        stale: Whether it must be downloaded again.
        fetched_at: Unix time of the download in seconds, 0 if unknown.
        asked_at: Unix time in seconds when the host last confirmed it, 0 if unknown.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self._key = key
        self._file = _record_folder() / f"{encode(_relative_path(path))}.json"
        self._record = read_record(self._file) or {}
        self.stale = bool(self._record.get("stale")) or self._is_previous()
        self.fetched_at = float(self._record.get("fetched_at", 0))
        self.asked_at = float(self._record.get("asked_at", self.fetched_at))

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.is_file()

    def is_other(self) -> bool:
        """Whether the file is known to come from another URL."""
        return self._record.get("url", self._key) != self._key and self.exists()

    def is_sound(self, hash_prefix: str | None) -> bool:
        """Whether the file is unchanged since its download, and matches a hash.

        Size and modification time are compared. The file is only read if they differ, or if nothing is known
        and a hash is required.
        """
        versions = self._versions()
        known = next((old.get("sha256") for old in versions if self._is_untouched(old)), None)
        if known is None and (versions or hash_prefix):
            known = _sha256_of(self.path)
            if versions and known not in [old.get("sha256") for old in versions]:
                return False
            if known.startswith(hash_prefix or ""):
                self._update(sha256=known, **_size_and_time(self.path))
        return str(known or "").startswith((hash_prefix or "").lower())

    def sha256(self) -> str:
        """The recorded digest of the file, or the digest from reading it."""
        known = (old["sha256"] for old in self._versions() if self._is_untouched(old))
        return next(known, None) or _sha256_of(self.path)

    def add_repo(self, repo: RepoRef | None) -> None:
        """Record that a repo's code has requested the file."""
        if repo is not None and self._record and repo.full_name not in self._repos():
            self._update(repos=[*self._repos(), repo.full_name])

    def conditions(self) -> dict[str, str]:
        """Headers that request the file only if it has changed; none if unknown."""
        if self.stale or not self.exists() or not self._is_untouched(self._record):
            return {}
        marks = {
            "If-None-Match": self._record.get("etag"),
            "If-Modified-Since": self._record.get("last_modified"),
        }
        return {name: mark for name, mark in marks.items() if mark}

    def mark_checked(self) -> None:
        """Record that the host has just confirmed the file."""
        self._update(asked_at=time.time())

    def write(self, path: Path, fetched: DownloadResult, repo: RepoRef | None) -> None:
        """Write the record, just before the file is put in place.

        The previous version stays in the record: whoever reads it before the file is in place, or after a
        crash at that point, finds either file and knows it.

        Args:
            path: The file's temporary path.
            fetched: The download.
            repo: The repo whose code has requested it.

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
        write_record(self._file, record | _size_and_time(path))

    def _versions(self) -> list[dict[str, Any]]:
        """What is recorded of the file, and of the one before it."""
        found = (self._record, self._record.get("previous") or {})
        return [old for old in found if "sha256" in old]

    def _is_previous(self) -> bool:
        """Whether the file that was to be replaced is still there."""
        previous = self._record.get("previous")
        return previous is not None and self.exists() and self._is_untouched(previous)

    def _repos(self) -> list[str]:
        return list(self._record.get("repos", ()))

    def _is_untouched(self, version: dict[str, Any]) -> bool:
        now = _size_and_time(self.path)
        # Some copies of a cache, such as image layers, keep only whole seconds.
        whole = now["mtime_ns"] % 10**9 == 0
        then = int(version.get("mtime_ns", 0))
        same_time = now["mtime_ns"] in (then, then // 10**9 * 10**9 if whole else then)
        return same_time and now["size"] == version.get("size")

    def _update(self, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        self._record |= facts
        try:
            write_record(self._file, self._record)
        except OSError as error:
            log.debug("The record of %s cannot be written: %s", self.path, error)


def _size_and_time(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _sha256_of(path: Path) -> str:
    from hubkit.hubdir.download import sha256_of

    return sha256_of(path)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _record_folder() -> Path:
    return store() / "checkpoints"


def read_checkpoint_records() -> Iterator[dict[str, Any]]:
    """The records of all checkpoints, in all folders."""
    for path in list_folder(_record_folder()):
        record = read_record(path)
        if record and "url" in record and "path" in record:
            yield record


def _relative_path(path: Path) -> str:
    """A path as records spell it: relative to the hub dir if it lies in there."""
    try:
        return path.absolute().relative_to(Path(get_dir()).absolute()).as_posix()
    except ValueError:
        return str(path.absolute())


Pair = tuple[str, str]


class _SigningScheme(Struct, frozen=True):
    """A way to sign a link: the parameters that identify it, and all that belong to it."""

    marks: frozenset[str]
    names: frozenset[str]
    prefix: str = ""


def _signing_scheme(marks: str, names: str = "", prefix: str = "") -> _SigningScheme:
    return _SigningScheme(frozenset(marks.split()), frozenset(f"{marks} {names}".split()), prefix)


_SIGNING_SCHEMES = (
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, and 2 before it
    _signing_scheme("x-amz-signature", prefix="x-amz-"),
    _signing_scheme("awsaccesskeyid signature", "expires x-amz-security-token"),
    # https://cloud.google.com/storage/docs/authentication/signatures
    _signing_scheme("x-goog-signature", prefix="x-goog-"),
    _signing_scheme("googleaccessid signature", "expires"),
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide, signed URLs
    _signing_scheme("key-pair-id signature", "policy expires hash-algorithm"),
    # https://learn.microsoft.com/rest/api/storageservices/create-service-sas
    _signing_scheme(
        "sig sv",
        "sr se sp st si sip spr ss srt sdd ses scid skoid sktid skt ske sks skv saoid suoid",
    ),
    # https://help.aliyun.com/document_detail/31952.html
    _signing_scheme("ossaccesskeyid signature", "expires security-token"),
)
_AKAMAI = ("hdnea", "hdnts", "__token__")
# Hosts that sign with a single parameter.
_TOKEN_HOSTS = ("raw.githubusercontent.com", "codeload.github.com", "media.githubusercontent.com")
_CREDENTIAL = (
    r"((x|private|personal|access|auth|oauth2?|api|app|job|id|refresh|session|bearer|deploy|user"
    r"|gitlab|github|gh|hf|ci)[-_]?)+(token|key)|(client|api|app)[-_]?secret|secret([-_]?key)?"
    r"|passw(or)?d|passphrase|pwd|authorization|credentials?|jwt|bearer|[-_.a-z0-9]*signature"
)
_MAYBE_SECRET = ("token", "auth", "key", "sig")
# Generated secrets: long, with random letters and digits.
_RANDOM = r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_+/=.~-]{20,}"


def strip_secrets(host: str, query: Sequence[Pair]) -> list[Pair]:
    """The parameters of a query that identify the file.

    Signatures and credentials are dropped. A parameter such as ``token`` whose value looks like a secret
    is replaced by a digest, which still distinguishes two values.

    Args:
        host: The host of the URL.
        query: The parameters, decoded.
    """
    names = {name.lower() for name, _ in query}
    signed = [scheme for scheme in _SIGNING_SCHEMES if scheme.marks <= names]
    left = [pair for pair in query if not _is_secret(host, pair, signed)]
    return [(name, _mask(name, value)) for name, value in left]


def _is_secret(host: str, pair: Pair, signed: list[_SigningScheme]) -> bool:
    name, value = pair[0].lower(), pair[1]
    if any(
        name in scheme.names or (scheme.prefix and name.startswith(scheme.prefix))
        for scheme in signed
    ):
        return True
    if name in _AKAMAI and "hmac=" in value:
        return True
    if name == "token" and host in _TOKEN_HOSTS:
        return True
    return re.fullmatch(_CREDENTIAL, name) is not None


def _mask(name: str, value: str) -> str:
    if name.lower() not in _MAYBE_SECRET or not re.fullmatch(_RANDOM, value):
        return value
    return f"sha256-{hashlib.sha256(value.encode()).hexdigest()[:16]}"
