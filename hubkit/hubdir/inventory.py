"""What the hub dir holds: list it, select from it, verify it and remove it."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec.structs import replace

from hubkit._util.paths import (
    file_size,
    is_folder,
    list_folder,
    move_inside,
    remove_inside,
    walk_files,
)
from hubkit._util.progress import show_progress
from hubkit._util.text import did_you_mean
from hubkit.errors import (
    HubkitError,
    InUseError,
    LockTimeoutError,
    RefNotFoundError,
    RepoNotFoundError,
    RepoSpecError,
    UsageError,
)
from hubkit.facts import FetchPolicy, RepoRef
from hubkit.facts.hubdir import (
    SHORTEST_SHA,
    Damage,
    Inventory,
    KeptCheckpoint,
    KeptTree,
    Leftover,
    RefState,
    is_full_sha,
)
from hubkit.hubdir.checkpoints import key_of, read_checkpoint_records, remove_checkpoint_record
from hubkit.hubdir.download import sha256_of
from hubkit.hubdir.layout import (
    bytecode_folder,
    get_dir,
    is_made_by_hubkit,
    list_orphans,
    move_to_quarantine,
    read_record,
    repo_key,
    staging,
    store,
    writing,
)
from hubkit.hubdir.locks import hold, require_unused
from hubkit.hubdir.manifest import compare_tree, manifest_file, read_manifest
from hubkit.hubdir.partial import list_partial_files
from hubkit.hubdir.repos import resolve_ref
from hubkit.hubdir.spec import parse_repo
from hubkit.hubdir.torch_folders import remove_folders

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_inventory() -> Inventory:
    """Read what the hub dir holds."""
    trees = sorted(_trees(), key=lambda tree: (tree.name, tree.fetched_at or 0))
    checkpoints = sorted(_checkpoints(), key=lambda file: file.path)
    return Inventory(
        Path(get_dir()),
        (*trees, *_folders_of_torch()),
        tuple(checkpoints),
        tuple(sorted(_leftovers(), key=lambda one: one.path)),
    )


def read_recorded_refs() -> tuple[tuple[RepoRef, str], ...]:
    """The refs that repos were requested with, and their commits at the last check.

    Commits that no branch or tag led to are included.
    """
    asked: dict[RepoRef, str] = {}
    for folder in _repo_folders():
        led_to = {}
        for path in list_folder(folder / "refs"):
            record = read_record(path) or {}
            repo = _repo_of(record)
            if repo is not None and "sha" in record:
                led_to[RepoRef(repo.owner, repo.name, record["ref"], repo.host, repo.scheme)] = str(
                    record["sha"]
                )
        asked |= led_to
        for tree in _trees_in(folder):
            if tree.repo and tree.sha not in led_to.values():
                repo = tree.repo
                pinned = RepoRef(repo.owner, repo.name, tree.sha, repo.host, repo.scheme)
                asked[pinned] = tree.sha
    return tuple(sorted(asked.items(), key=lambda pair: str(pair[0])))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links count as nothing."""
    if not is_folder(path):
        return 0 if path.is_symlink() else file_size(path)
    return sum(
        file_size(path / name) for name in walk_files(path) if not (path / name).is_symlink()
    )


def _repo_folders() -> Iterator[Path]:
    """Folders of repos. Links are ignored, since hubkit makes none here."""
    if is_folder(store()):
        for host in list_folder(store() / "repos"):
            for owner in list_folder(host):
                yield from filter(is_folder, list_folder(owner))


def _trees() -> Iterator[KeptTree]:
    for folder in _repo_folders():
        yield from _trees_in(folder)


def _trees_in(folder: Path) -> Iterator[KeptTree]:
    refs: dict[str, list[str]] = {}
    for path in list_folder(folder / "refs"):
        record = read_record(path) or {}
        refs.setdefault(str(record.get("sha")), []).append(str(record.get("ref")))
    for tree in (path for path in list_folder(folder) if is_full_sha(path.name)):
        record = read_record(tree.with_name(f"{tree.name}.json")) or {}
        repo = _repo_of(record) or _repo_in(folder)
        if is_folder(tree):
            yield _tree(repo, tree, tuple(refs.get(tree.name, ())), record)


def _tree(repo: RepoRef, tree: Path, refs: tuple[str, ...], record: dict[str, Any]) -> KeptTree:
    manifest = read_manifest(tree)
    size = sum(entry.size for entry in manifest.entries) if manifest else size_of(tree)
    at = float(record["fetched_at"]) if "fetched_at" in record else None
    used_at = _used_at(tree / "hubconf.py", at)
    return KeptTree(repo, tree.name, refs, tree, record.get("files"), size, at, used_at)


def _folders_of_torch() -> Iterator[KeptTree]:
    """Folders ``<owner>_<name>_<ref>`` of torch.hub."""
    root = Path(get_dir())
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if (path / "hubconf.py").is_file() and not is_made_by_hubkit(path):
            size, used_at = size_of(path), _used_at(path / "hubconf.py", None)
            yield KeptTree(None, "", (), path, None, size, None, used_at)


def _checkpoints() -> Iterator[KeptCheckpoint]:
    known: set[Path] = set()
    for record in read_checkpoint_records():
        path = Path(record["path"])
        if path.is_file():
            known.add(path)
            yield _checkpoint(path, record)
    partials = {path for path, _ in list_partial_files(Path(get_dir(), "checkpoints"))}
    for folder, _, files in os.walk(Path(get_dir(), "checkpoints")):
        for path in (Path(folder, name) for name in files):
            if path not in known and path not in partials and ".partial" not in path.suffixes:
                yield _checkpoint(path, {})


def _checkpoint(path: Path, record: dict[str, Any]) -> KeptCheckpoint:
    at = float(record["fetched_at"]) if "fetched_at" in record else None
    return KeptCheckpoint(
        path,
        str(record.get("url", "")),
        tuple(record.get("repos", ())),
        str(record.get("sha256", "")),
        file_size(path),
        at,
        _used_at(path, at),
    )


def _leftovers() -> Iterator[Leftover]:
    for path in list_folder(store() / "quarantine") if is_folder(store()) else ():
        yield Leftover(path, "damaged", size_of(path))
    for path in list_orphans():
        yield Leftover(path, "unfinished", size_of(path))
    for path, is_left in list_partial_files(Path(get_dir(), "checkpoints")):
        if is_left:
            yield Leftover(path, "unfinished", file_size(path))


def _repo_of(record: dict[str, Any]) -> RepoRef | None:
    try:
        return RepoRef(
            str(record["owner"]),
            str(record["name"]),
            None,
            str(record["host"]),
            str(record["scheme"]),
        )
    except KeyError:
        return None


def _repo_in(folder: Path) -> RepoRef:
    """The repo of a folder, by the folder's path; for trees without a record."""
    host, owner, name = map(unquote, folder.parts[-3:])
    bare = host.removeprefix("git+")
    if not bare:
        return RepoRef(owner, name, None, "", "git+file")
    return RepoRef(owner, name, None, bare, "https" if bare == host else "git+https")


def _used_at(path: Path, fetched_at: float | None) -> float | None:
    try:
        read_at = path.stat().st_atime
    except OSError:
        return fetched_at
    return max(read_at, fetched_at or read_at)


def fetch_states(wanted: tuple[RepoRef, ...] = ()) -> Iterator[RefState]:
    """Compare each ref in the hub dir with its host; one request each.

    Args:
        wanted: Only these repos; one without a ref means all of its refs. All if empty.
    """
    for repo, sha in read_recorded_refs():
        if not wanted or any(one in (repo, replace(repo, ref=None)) for one in wanted):
            yield _read_state(repo, sha)


def _read_state(repo: RepoRef, sha: str) -> RefState:
    if repo.commit is not None:
        return RefState(repo, "pinned", sha)
    try:
        latest = resolve_ref(repo, FetchPolicy()).sha
    except (RefNotFoundError, RepoNotFoundError) as error:
        return RefState(repo, "gone", sha, detail=error.message)
    except HubkitError as error:
        return RefState(repo, "unknown", sha, detail=error.message)
    return RefState(repo, "current" if latest == sha else "behind", sha, latest)


def select_named(inventory: Inventory, text: str) -> list[KeptTree | KeptCheckpoint]:
    """Select by a name, URL, path or commit.

    Raises:
        UsageError: Nothing matches.
    """
    found: list[KeptTree | KeptCheckpoint] = []
    found += [tree for tree in inventory.trees if _matches_tree(tree, text)]
    found += [file for file in inventory.checkpoints if _matches_checkpoint(file, text, inventory)]
    if not found:
        raise _not_found(inventory, text)
    return found


def select_unused(
    inventory: Inventory, older_than: float | None
) -> tuple[KeptTree | KeptCheckpoint, ...]:
    """Select what may be removed.

    That is each tree that its branch or tag has moved away from, at any age, and whatever in the hub dir
    has not been used for some time. Checkpoints in other folders are not selected.

    Args:
        inventory: The hub dir.
        older_than: Seconds without use, or None to ignore the age.
    """
    limit = None if older_than is None else time.time() - older_than
    trees = [
        tree for tree in inventory.trees if _is_superseded(tree) or _is_older(tree.used_at, limit)
    ]
    checkpoints = [
        file
        for file in inventory.checkpoints
        if file.path.is_relative_to(inventory.root) and _is_older(file.used_at, limit)
    ]
    return (*trees, *checkpoints)


def _matches_tree(tree: KeptTree, text: str) -> bool:
    if text in (tree.name, str(tree.path)):
        return True
    if _is_sha_prefix(tree.sha, text):
        return True
    try:
        repo = parse_repo(text)
    except RepoSpecError:
        return False
    if tree.repo is None or repo.full_name != tree.repo.full_name:
        return False
    ref = repo.ref
    return ref is None or ref in tree.refs or _is_sha_prefix(tree.sha, ref)


def _is_sha_prefix(sha: str, digits: str) -> bool:
    return len(digits) >= SHORTEST_SHA and sha.startswith(digits.lower())


def _matches_checkpoint(file: KeptCheckpoint, text: str, inventory: Inventory) -> bool:
    if text == file.path.name:  # in other folders, names are the user's
        return file.path.is_relative_to(inventory.root)
    return text == str(file.path) or (bool(file.url) and _try_key(text) == file.url)


def _try_key(text: str) -> str | None:
    """The key of a file's URL; None for other text, such as names of repos."""
    try:
        return key_of(text)
    except UsageError:
        return None


def _not_found(inventory: Inventory, text: str) -> Exception:
    names = [tree.name for tree in inventory.trees]
    names += [file.path.name for file in inventory.checkpoints]
    hint = did_you_mean(text, names, most=3) or "Run `hubkit cache ls` to see what is there."
    return UsageError(f"{text} not found in the hub dir {inventory.root}.", hint=hint)


def _is_superseded(tree: KeptTree) -> bool:
    if tree.repo is None or tree.refs:
        return False
    record = read_record(tree.path.with_name(f"{tree.sha}.json")) or {}
    return bool(record.get("led_by"))


def _is_older(used_at: float | None, limit: float | None) -> bool:
    return limit is not None and used_at is not None and used_at < limit


LOCK_TIMEOUT = 0.1  # seconds; a download may take minutes


def remove_tree(kept: KeptTree) -> None:
    """Remove a tree, its records, and its copies for torch.hub.

    Raises:
        InUseError: A program has loaded it, or its repo is being fetched.
        CacheWriteError: The hub dir cannot be written.
    """
    with _unused(kept), writing(kept.path):
        _forget_refs(kept)
        remove_folders(kept.path)
        with staging("removed") as room:
            move_inside(get_dir(), kept.path, room / "tree")
        with contextlib.suppress(OSError):
            remove_inside(get_dir(), bytecode_folder(kept.path))
        if kept.repo is not None:
            remove_inside(get_dir(), manifest_file(kept.path))
            remove_inside(get_dir(), kept.path.with_name(f"{kept.sha}.json"))
            _remove_empty(kept.path.parent)


def remove_checkpoint(kept: KeptCheckpoint) -> None:
    """Remove a checkpoint and its record.

    Raises:
        InUseError: It is being downloaded.
        CacheWriteError: The hub dir cannot be written.
    """
    with _locked(f"checkpoint {kept.path}", str(kept.path)), writing(kept.path):
        remove_inside(get_dir(), kept.path)
        remove_checkpoint_record(kept.path)


def remove_leftover(left: Leftover) -> None:
    """Remove a damaged or unfinished file or folder.

    Raises:
        CacheWriteError: The hub dir cannot be written.
    """
    with writing(left.path):
        remove_inside(get_dir(), left.path)


def find_damage(inventory: Inventory) -> Iterator[Damage]:
    """Find what has changed since its download; every byte is read."""
    known = [file for file in inventory.checkpoints if file.sha256]
    total = sum(tree.size for tree in inventory.trees) + sum(file.size for file in known)
    with show_progress("verify", total) as advance:
        for tree in inventory.trees:
            for difference in compare_tree(tree.path):
                yield Damage(tree, tree.path / difference.path, difference.kind)
            advance(tree.size)
        for file in known:
            if sha256_of(file.path, advance) != file.sha256:
                yield Damage(file, file.path, "changed")


def quarantine(item: KeptTree | KeptCheckpoint) -> Path:
    """Move something out of the way, so that it is downloaded again on the next request.

    Returns:
        Its new path.

    Raises:
        InUseError: It is in use.
        CacheWriteError: The hub dir cannot be written.
    """
    root = Path(get_dir())
    if isinstance(item, KeptTree):
        with _unused(item):
            return move_to_quarantine(root, item.path)
    with _locked(f"checkpoint {item.path}", str(item.path)):
        aside = move_to_quarantine(root, item.path)
        with writing(item.path):
            remove_checkpoint_record(item.path)
    return aside


def _forget_refs(kept: KeptTree) -> None:
    for path in list_folder(kept.path.parent / "refs"):
        if kept.repo is not None and (read_record(path) or {}).get("sha") == kept.sha:
            remove_inside(get_dir(), path)


def _remove_empty(repo_folder: Path) -> None:
    """Remove the folder of a repo whose last tree is gone."""
    if any(path.is_dir() and path.name != "refs" for path in repo_folder.iterdir()):
        return
    with suppress(OSError):
        remove_inside(get_dir(), repo_folder)


@contextmanager
def _unused(kept: KeptTree) -> Iterator[None]:
    if kept.repo is None:  # a folder of torch.hub, which uses no locks
        yield
        return
    with _locked(repo_key(kept.repo), kept.name), require_unused(kept.path):
        yield


@contextmanager
def _locked(key: str, what: str) -> Iterator[None]:
    try:
        with hold(key, LOCK_TIMEOUT):
            yield
    except LockTimeoutError:
        raise InUseError(
            f"{what} is in use: it is being downloaded.", hint="Try again later."
        ) from None
