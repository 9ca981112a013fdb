"""Folders ``<owner>_<name>_<ref>``, where torch.hub keeps repos: copies of trees.

Plain torch.hub uses them, published hubconfs contain such paths, and people edit and remove them. So
they are folders with files of their own: no change of them reaches the tree that hubkit verified and
runs. A file in each names its tree, since different repos and refs (``own/ab_c:main``,
``own/ab:c_main``) share one such name. A record outside remembers that hubkit made it: if it is gone, or
torch.hub has replaced it, the user wants the repo fetched again.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.logs import log
from hubkit.hubdir.layout import (
    COPY_MARK,
    folder_record,
    get_dir,
    has_mark,
    is_made_by_hubkit,
    move_to_quarantine,
    read_record,
    repo_folder,
    staging,
    store,
    torch_folder,
    tree_folder,
    write_record,
)

if TYPE_CHECKING:
    from hubkit.facts import CachedRepo, RepoRef

_TICK = 20_000_000  # nanoseconds by which times of files may be behind the clock


def find_folder(cached: CachedRepo) -> Path:
    """The copy that hubkit made for torch.hub of a repo; its tree if there is none."""
    path = torch_folder(cached.repo, cached.ref) if cached.ref else None
    mark = {} if path is None else _read_mark(path)
    return path if path and mark.get("repo") == cached.repo.full_name else cached.path


class Glance(Struct, frozen=True):
    """When a folder was looked at, and which folder it was."""

    time: int
    inode: int


def glance_at(path: Path) -> Glance:
    """Note the time, in Unix nanoseconds, and the inode of a folder, 0 if it is not there."""
    time_ns = time.time_ns()
    try:
        return Glance(time_ns, path.stat().st_ino)
    except OSError:
        return Glance(time_ns, 0)


def is_changing(path: Path, before: Glance) -> bool:
    """Whether torch.hub has removed or replaced one of its folders since a glance, or is doing so.

    Nothing else in the hub dir changes.
    """
    if path.parent != Path(get_dir()):
        return False
    try:
        times = [os.stat(folder).st_mtime_ns for folder, _, _ in os.walk(path)]  # noqa: PTH116
        return path.stat().st_ino != before.inode or max(times) > before.time - _TICK
    except FileNotFoundError:
        return True


def write_folder(repo: RepoRef, ref: str, sha: str, *, refresh: bool) -> None:
    """Copy a commit's tree to torch.hub's folder for a repo at a ref.

    A folder of another repo stays, and so does one that torch.hub made or the user has edited, unless
    the repo is fetched again. If it cannot be written, a warning is logged: hubkit does not need it.

    Args:
        repo: The repo.
        ref: Branch, tag or commit in the spelling of torch.hub's argument.
        sha: The commit.
        refresh: Whether to replace what torch.hub or the user has made of it.
    """
    path = torch_folder(repo, ref)
    if path is None:
        return
    mark, tree = _read_mark(path), tree_folder(repo, sha)
    is_there = mark.get("sha") == sha and mark.get("repo") == repo.full_name
    if is_there and not (refresh and _is_edited(path, tree)):
        return
    try:
        if _may_replace(path, repo, mark, refresh=refresh):
            made = {"repo": repo.full_name, "ref": ref, "sha": sha}
            write_record(folder_record(path), made)
            _place_copy(tree, path, {**made, "path": path.name})
        elif not mark:
            forget_folder(repo, ref)
    except OSError as error:
        if not os.path.lexists(path):  # else another process has made it meanwhile
            log.warning("The folder %s cannot be written for torch.hub: %s", path, error)


def forget_folder(repo: RepoRef, ref: str) -> None:
    """Forget that hubkit made torch.hub's folder of a repo, unless it is still there."""
    from hubkit._util.paths import remove_inside

    path = torch_folder(repo, ref)
    if path is None or has_mark(path):
        return
    record = folder_record(path)
    if (read_record(record) or {}).get("repo") == repo.full_name:
        remove_inside(get_dir(), record)


def remove_folders(tree: Path) -> None:
    """Remove torch.hub's folders that hubkit made of a tree, before the tree is removed.

    What the user has edited goes to the quarantine.
    """
    from hubkit._util.paths import list_folder, remove_inside

    for record in list_folder(store() / "links"):
        path = Path(get_dir(), record.stem)
        if path.is_symlink():  # older versions made links
            is_of_tree = path.resolve() == tree.resolve()
        else:
            made = _read_mark(path) or read_record(record) or {}
            is_of_tree = made.get("sha") == tree.name
        if not is_of_tree:
            continue
        if _is_edited(path, tree):
            move_to_quarantine(Path(get_dir()), path)
        elif is_made_by_hubkit(path):
            remove_inside(get_dir(), path)
        remove_inside(get_dir(), record)


def _read_mark(path: Path) -> dict[str, object]:
    """The mark in a copy; empty for folders that hubkit has not made."""
    mark = read_record(path / COPY_MARK) or {}
    return mark if mark.get("path") == path.name and not path.is_symlink() else {}


def _may_replace(path: Path, repo: RepoRef, mark: dict[str, object], *, refresh: bool) -> bool:
    if not os.path.lexists(path):
        return True
    if path.is_symlink():
        return is_made_by_hubkit(path) and path.resolve().parent == repo_folder(repo).resolve()
    if mark and mark.get("repo") != repo.full_name:
        log.debug("%s belongs to %s and is not replaced", path, mark["repo"])
        return False
    if refresh or not mark:
        return refresh
    if _is_edited(path, tree_folder(repo, str(mark.get("sha")))):
        log.warning(
            "%s was edited, so it is not updated for torch.hub. force_reload=True replaces it.",
            path,
        )
        return False
    return True


def _is_edited(path: Path, tree: Path) -> bool:
    """Whether a copy differs from its tree."""
    if not has_mark(path) or path.is_symlink():
        return False
    from hubkit.hubdir.manifest import compare_tree

    return any(one.path != COPY_MARK for one in compare_tree(tree, path))


def _place_copy(tree: Path, path: Path, mark: dict[str, object]) -> None:
    import json

    from hubkit._util.atomic import copy_folder, create_file, place_folder
    from hubkit._util.paths import move_inside

    with staging("links") as room:
        new = room / "new"
        copy_folder(tree, new)
        (new / COPY_MARK).unlink(missing_ok=True)  # a repo may have such a file
        create_file(new / COPY_MARK, json.dumps(mark, indent=1))
        if os.path.lexists(path):
            move_inside(get_dir(), path, room / "old")
        place_folder(new, path)
