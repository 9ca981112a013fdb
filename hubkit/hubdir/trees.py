"""The code of one commit: fetched as one zip, unpacked to a staging folder, placed by a rename.

The zip comes from the host, or from the git program for ``git+...`` addresses.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.atomic import place_folder, write_file
from hubkit._util.paths import move_inside, remove_inside, require_no_link_above
from hubkit.errors import AccessDeniedError, NotThereError, UnsafeArchiveError
from hubkit.facts import ResolvedRef
from hubkit.facts.hubdir import GITHUB
from hubkit.hubdir.addresses import base_url
from hubkit.hubdir.archive import is_same, read_commit, unpack
from hubkit.hubdir.download import DownloadRequest, download
from hubkit.hubdir.layout import (
    bytecode_folder,
    encode,
    get_dir,
    read_record,
    repo_identity,
    staging,
    tree_folder,
    tree_record,
    write_record,
    writing,
)
from hubkit.hubdir.manifest import manifest_file, read_manifest, require_digest
from hubkit.hubdir.refs import address_of, fetch_move, find_move
from hubkit.hubdir.repos import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import FetchPolicy, RepoRef
    from hubkit.hubdir.download import DownloadResult
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.manifest import Manifest

_ARCHIVE = "archive.zip"


def fetch_tree(client: Client, resolved: ResolvedRef, policy: FetchPolicy) -> Path:
    """Return the folder of a commit, fetched if it is missing or if the policy says so.

    An existing tree is never changed. A fresh copy replaces it only if the tree differs, because somebody
    edited or damaged it, or if it has lost its hubconf.py.

    Raises:
        HashMismatchError: Its files do not match the digest of the policy.
        FetchError: It cannot be fetched, unpacked or written; nothing is left behind but what has
            arrived of an archive that can be resumed.
    """
    repo, sha = resolved.repo, resolved.sha
    tree = tree_folder(repo, sha)
    if is_whole(tree) and not policy.refresh:
        return tree
    with staging(encode(repo.full_name)) as room:
        source = _fetch_archive(client, resolved, room / _ARCHIVE, policy)
        _unpack_tree(room, resolved, source, policy)
    return tree


def fetch_branch(client: Client, repo: RepoRef, policy: FetchPolicy) -> ResolvedRef | None:
    """Fetch the tree of a branch without asking for its commit first, which the zip names.

    Args:
        client: Sends the requests.
        repo: A repo on GitHub whose ref is probably a branch.
        policy: As for `fetch_tree`.

    Returns:
        What the branch resolved to; None if there is no such branch, or if the zip does not name
        its commit.

    Raises:
        FetchError: As for `fetch_tree`.
    """
    full_name = f"refs/heads/{repo.ref}"
    with staging(encode(repo.full_name)) as room:
        wanted = DownloadRequest(
            f"{base_url(repo)}/archive/{full_name}.zip",
            room / _ARCHIVE,
            progress=policy.progress,
            label=str(repo),
            most=limits.ARCHIVE_BYTES.most,
        )
        try:
            result = download(client, wanted)
            sha = read_commit(room / _ARCHIVE)
        except (NotThereError, AccessDeniedError, UnsafeArchiveError):
            return None
        if sha is None:
            return None
        resolved = ResolvedRef(repo, full_name, sha, find_move(repo, result.hops))
        _unpack_tree(room, resolved, {"archive_sha256": result.sha256}, policy)
    return resolved


def _unpack_tree(
    room: Path, resolved: ResolvedRef, source: dict[str, str], policy: FetchPolicy
) -> None:
    """Put the archive of a commit in its place, with its records, unless that is there already."""
    repo, sha = resolved.repo, resolved.sha
    archive, tree = room / _ARCHIVE, tree_folder(repo, sha)
    exists = tree.is_dir()
    is_unchanged = exists and is_same(archive, tree)
    if is_unchanged and read_record(tree_record(repo, sha)) and read_manifest(tree):
        return
    # git's archive is of the commit, and locked files are identified by their digest.
    is_known = repo.uses_git or policy.digest is not None
    manifest = unpack(archive, room / "tree", sha, must_name_commit=not is_known)
    digest = manifest.digest
    require_digest(resolved, digest, policy.digest)
    record: dict[str, object] = {
        **repo_identity(repo),
        "sha": sha,
        "led_by": resolved.full_name,
    }
    record |= {"files": len(manifest.entries), "digest": digest}
    record |= {**source, **_move_fields(resolved.moved_to), "fetched_at": time.time()}
    _write_manifest(room, tree, manifest)
    write_record(tree_record(repo, sha), record)
    if not is_unchanged:
        _place_tree(room, tree, replace=exists)


def _write_manifest(room: Path, tree: Path, manifest: Manifest) -> None:
    new, place = room / "files", manifest_file(tree)
    with writing(place):
        require_no_link_above(get_dir(), place)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_file(place, manifest.render(), temporary=new)


def _place_tree(room: Path, tree: Path, *, replace: bool) -> None:
    with writing(tree):
        remove_inside(get_dir(), bytecode_folder(tree))  # perhaps of other files
        if replace:
            move_inside(get_dir(), tree, room / "old")
        try:
            place_folder(room / "tree", tree)
        except OSError:
            # Without working locks, another process may have placed the same content.
            if not tree.is_dir():
                raise


def _fetch_archive(
    client: Client, resolved: ResolvedRef, path: Path, policy: FetchPolicy
) -> dict[str, str]:
    """Fetch the zip; return fields for the record."""
    if resolved.repo.uses_git:
        from hubkit.hubdir.git import fetch_archive

        moved = fetch_move(client, resolved.repo)
        fetch_archive(resolved, path, policy)
        return _move_fields(moved)
    result = _download_archive(client, resolved, path, policy)
    moved = find_move(resolved.repo, result.hops)
    return {"archive_sha256": result.sha256, **_move_fields(moved)}


def _move_fields(moved: RepoRef | None) -> dict[str, str]:
    return {} if moved is None else {"moved_to": address_of(moved)}


def _download_archive(
    client: Client, resolved: ResolvedRef, path: Path, policy: FetchPolicy
) -> DownloadResult:
    *others, last = (
        DownloadRequest(
            url,
            path,
            progress=policy.progress,
            label=str(resolved.repo),
            most=limits.ARCHIVE_BYTES.most,
            beside=path.parent.with_name(f"{resolved.sha}.zip"),
        )
        for url in _archive_urls(resolved.repo, resolved.sha)
    )
    for wanted in others:
        # Hosts keep archives in different places; any error but 404 is final.
        with contextlib.suppress(NotThereError):
            return download(client, wanted)
    return download(client, last)


def _archive_urls(repo: RepoRef, sha: str) -> Iterator[str]:
    base = base_url(repo)
    shapes = [f"{base}/archive/{sha}.zip"]  # GitHub, Gitea, Forgejo
    if repo.host != GITHUB:
        shapes.append(f"{base}/-/archive/{sha}/{repo.name}-{sha}.zip")  # GitLab
        shapes.append(f"{base}/get/{sha}.zip")  # Bitbucket
    if "gitlab" in repo.host:
        shapes[:2] = reversed(shapes[:2])
    yield from shapes
