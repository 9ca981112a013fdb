"""The code of one commit: fetched as one zip, unpacked aside, put in place by one rename.

The zip is the host's, or made on this machine where the git program does the fetching.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from hubkit.errors import HashMismatchError, NotThereError
from hubkit.facts.hubdir import GITHUB
from hubkit.hubdir.archive import is_same, unpack
from hubkit.hubdir.disk import read_record, write_record, writing
from hubkit.hubdir.download import download
from hubkit.hubdir.hosts import base_url
from hubkit.hubdir.layout import encode, identity, tree_folder, tree_record
from hubkit.hubdir.manifest import is_whole, manifest_file, read_manifest
from hubkit.hubdir.members import MOST_BYTES
from hubkit.hubdir.staging import staging
from hubkit.hubdir.transfer import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import FetchPolicy, RepoRef, ResolvedRef
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.manifest import Manifest
    from hubkit.hubdir.transfer import Fetched


def fetch_tree(client: Client, resolved: ResolvedRef, policy: FetchPolicy) -> Path:
    """The folder of a commit, fetched unless it is there; afresh when the policy says so.

    A tree that is there is never changed: a fresh copy takes its place only if that holds
    something else, because somebody edited or damaged it; one that lost its hubconf is replaced.

    Raises:
        HashMismatchError: Its files are not those that the policy asks for.
        FetchError: It cannot be fetched, unpacked or written; nothing is left behind then.
    """
    repo, sha = resolved.repo, resolved.sha
    tree = tree_folder(repo, sha)
    if is_whole(tree) and not policy.refresh:
        return tree
    with staging(encode(repo.full_name)) as room:
        archive = room / "archive.zip"
        origin = _fetch_archive(client, resolved, archive, policy)
        there = tree.is_dir()
        same = there and is_same(archive, tree)
        if same and read_record(tree_record(repo, sha)) and read_manifest(tree):
            return tree
        manifest = unpack(archive, room / "tree", sha)
        require_digest(resolved, manifest.digest, policy)
        record: dict[str, object] = {**identity(repo), "sha": sha, "led_by": resolved.full_name}
        record |= {"files": len(manifest.entries), "digest": manifest.digest}
        record |= {**origin, "fetched_at": time.time()}
        _write_manifest(room, tree, manifest)
        write_record(tree_record(repo, sha), record)
        if not same:
            _put(room, tree, replace=there)
    return tree


def require_digest(resolved: ResolvedRef, digest: str, policy: FetchPolicy) -> None:
    """Insist that the files of a commit are those that the policy asks for.

    Raises:
        HashMismatchError: They are not.
    """
    if policy.digest not in (None, digest):
        raise HashMismatchError(
            f"The files of {resolved.repo.full_name} at {resolved.sha} are not those that were "
            f"locked: their digest is {digest}, not {policy.digest}.",
            expected=policy.digest or "",
            actual=digest,
            hint="Something on the way, or in the hub dir, has changed them. "
            "If they are as they should be, lock them again: hubkit lock.",
        )


def _write_manifest(room: Path, tree: Path, manifest: Manifest) -> None:
    new, place = room / "files", manifest_file(tree)
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(manifest.render(), encoding="utf-8", newline="\n")
        new.replace(place)


def _put(room: Path, tree: Path, *, replace: bool) -> None:
    with writing(tree):
        if replace:
            tree.rename(room / "old")
        try:
            (room / "tree").rename(tree)
        except OSError:
            # Where locks lie, somebody may have been quicker, with the same content.
            if not tree.is_dir():
                raise


def _fetch_archive(
    client: Client, resolved: ResolvedRef, path: Path, policy: FetchPolicy
) -> dict[str, str]:
    """Bring the zip to its place; gives what is to be remembered of it."""
    if resolved.repo.uses_git:
        from hubkit.hubdir.vcs import fetch_archive

        fetch_archive(resolved, path, policy)
        return {}
    return {"archive_sha256": _download_archive(client, resolved, path, policy).sha256}


def _download_archive(
    client: Client, resolved: ResolvedRef, path: Path, policy: FetchPolicy
) -> Fetched:
    *others, last = (
        Wanted(url, path, progress=policy.progress, most=MOST_BYTES)
        for url in _archive_urls(resolved.repo, resolved.sha)
    )
    for wanted in others:
        # Hosts keep archives in different places; whatever is more than "not there" is final.
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
