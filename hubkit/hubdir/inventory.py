"""What lies in the hub dir, read from its records without changing anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hubkit._util.paths import is_folder, list_folder, walk_files
from hubkit.facts import RepoRef
from hubkit.facts.hubdir import Inventory, KeptCheckpoint, KeptTree, Leftover, is_full_sha
from hubkit.hubdir.disk import read_record
from hubkit.hubdir.layout import get_dir, store, tree_folder
from hubkit.hubdir.links import is_ours
from hubkit.hubdir.manifest import read_manifest
from hubkit.hubdir.origins import read_origins
from hubkit.hubdir.partial import list_partials
from hubkit.hubdir.staging import list_orphans

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_inventory() -> Inventory:
    """All that lies in the hub dir."""
    trees = sorted(_trees(), key=lambda tree: (tree.name, tree.fetched_at or 0))
    checkpoints = sorted(_checkpoints(), key=lambda file: file.path)
    return Inventory(
        Path(get_dir()),
        (*trees, *_folders_of_torch()),
        tuple(checkpoints),
        tuple(sorted(_leftovers(), key=lambda one: one.path)),
    )


def read_asked() -> tuple[tuple[RepoRef, str], ...]:
    """Repos with the refs that they were asked for, and the commits that these were then.

    Commits are among them: those that no branch or tag led to.
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
        return 0 if path.is_symlink() else _size(path)
    return sum(_size(path / name) for name in walk_files(path) if not (path / name).is_symlink())


def find_repo_of(tree: Path) -> RepoRef | None:
    """The repo of which a folder is a tree in the hub dir, or None when it is none."""
    record = read_record(tree.with_name(f"{tree.name}.json")) or {}
    for repo in (_repo_of(record), _repo_in(tree.parent)):
        if repo is not None and tree_folder(repo, tree.name).resolve() == tree.resolve():
            return repo
    return None


def _repo_folders() -> Iterator[Path]:
    """Folders of repos; nothing below a link is one, as somebody else put it there."""
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
    """Folders ``<owner>_<name>_<ref>`` that torch.hub left."""
    root = Path(get_dir())
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if (path / "hubconf.py").is_file() and not is_ours(path):
            size, used_at = size_of(path), _used_at(path / "hubconf.py", None)
            yield KeptTree(None, "", (), path, None, size, None, used_at)


def _checkpoints() -> Iterator[KeptCheckpoint]:
    known: set[Path] = set()
    for record in read_origins():
        path = Path(record["path"])
        if path.is_file():
            known.add(path)
            yield _checkpoint(path, record)
    partials = {path for path, _ in list_partials(Path(get_dir(), "checkpoints"))}
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
        _size(path),
        at,
        _used_at(path, at),
    )


def _leftovers() -> Iterator[Leftover]:
    for path in list_folder(store() / "quarantine") if is_folder(store()) else ():
        yield Leftover(path, "damaged", size_of(path))
    for path in list_orphans():
        yield Leftover(path, "unfinished", size_of(path))
    for path, is_left in list_partials(Path(get_dir(), "checkpoints")):
        if is_left:
            yield Leftover(path, "unfinished", _size(path))


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
    """The repo whose folder that is, where no record tells."""
    host, owner, name = map(unquote, folder.parts[-3:])
    bare = host.removeprefix("git+")
    if not bare:
        return RepoRef(owner, name, None, "", "git+file")
    return RepoRef(owner, name, None, bare, "https" if bare == host else "git+https")


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _used_at(path: Path, fetched_at: float | None) -> float | None:
    try:
        read_at = path.stat().st_atime
    except OSError:
        return fetched_at
    return max(read_at, fetched_at or read_at)
