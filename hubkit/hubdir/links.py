"""torch.hub's folders ``<owner>_<name>_<ref>``: kept alive as links, used where torch made them.

Published hubconfs spell these paths. A record beside each link says whose it is, since different
repos and refs (``own/ab_c:main``, ``own/ab:c_main``) share one such name; hubkit itself never
looks a repo up by it, except for folders that torch.hub left.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.atomic import place, place_folder
from hubkit._util.logs import log
from hubkit._util.paths import list_folder, move_inside, remove_inside
from hubkit.hubdir.disk import read_record, write_record
from hubkit.hubdir.layout import default_record, get_dir, store, torch_folder, tree_folder

if TYPE_CHECKING:
    from hubkit.facts import CachedRepo, RepoRef


def find_torch_folder(repo: RepoRef, ref: str) -> Path | None:
    """The folder that torch.hub, or the user, put where torch.hub looks for a repo at a ref."""
    path = torch_folder(repo, ref)
    if path is None or not path.is_dir() or is_ours(path):
        return None
    return path


def write_link(repo: RepoRef, ref: str, sha: str, *, refresh: bool) -> None:
    """Make torch.hub's path for a repo at a ref lead to a commit's tree.

    A path that belongs to another repo stays; so does a folder that torch.hub made, unless the
    repo is fetched afresh. Only warns when it cannot be written: hubkit does not need it.

    Args:
        repo: The repo.
        ref: Branch, tag or commit as torch.hub would be asked for it.
        sha: The commit.
        refresh: Whether a folder of torch.hub's is to be replaced.
    """
    path = torch_folder(repo, ref)
    if path is None:
        return
    owner = read_record(_record(path)) or {}
    if os.path.lexists(path):
        if is_ours(path):
            if owner.get("repo") not in (None, repo.full_name):
                log.debug("%s belongs to %s and stays", path, owner["repo"])
                return
        elif path.is_symlink() or not refresh:
            return
    try:
        write_record(_record(path), {"repo": repo.full_name, "ref": ref, "sha": sha})
        _replace(path, tree_folder(repo, sha))
    except OSError as error:
        log.warning("%s cannot be made to lead to %s: %s", path, repo, error)


def keep_link(cached: CachedRepo) -> None:
    """Make torch.hub's path lead to a copy whose code may run, unless there is something already.

    torch.hub trusts whatever lies at such a path, so it is made for repos that are trusted only.
    """
    repo, sha = cached.repo, cached.sha
    ref = repo.ref or (read_record(default_record(repo)) or {}).get("ref")
    if ref and sha and not has_link(repo, ref):
        write_link(repo, ref, sha, refresh=False)


def has_link(repo: RepoRef, ref: str) -> bool:
    """Whether anything lies where torch.hub looks for a repo at a ref."""
    path = torch_folder(repo, ref)
    return path is not None and os.path.lexists(path)


def _replace(path: Path, tree: Path) -> None:
    target = os.path.relpath(tree, get_dir())
    if path.is_symlink() and os.readlink(path) == target:  # noqa: PTH115 - text, not a Path
        return
    import shutil

    from hubkit.hubdir.staging import staging

    with staging("links") as room:
        new = room / "new"
        try:
            new.symlink_to(target, target_is_directory=True)
        except (OSError, NotImplementedError):
            shutil.copytree(tree, new, symlinks=True)
        if path.is_dir() and not path.is_symlink():
            move_inside(get_dir(), path, room / "old")
        if new.is_symlink():
            place(new, path)
        else:
            place_folder(new, path)


def remove_links(tree: Path) -> None:
    """Remove torch.hub's paths that lead to a tree, before it goes."""
    for record in list_folder(store() / "links"):
        path = Path(get_dir(), record.stem)
        if (read_record(record) or {}).get("sha") != tree.name:
            continue
        if path.is_symlink() and path.resolve() == tree.resolve():
            remove_inside(get_dir(), path)
            remove_inside(get_dir(), record)


def is_ours(path: Path) -> bool:
    """Whether a path where torch.hub keeps a repo was made by hubkit."""
    if path.is_symlink():
        return store().name in Path(os.readlink(path)).parts  # noqa: PTH115
    return _record(path).exists()


def _record(path: Path) -> Path:
    return store() / "links" / f"{path.name}.json"
