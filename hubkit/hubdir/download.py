"""One file from a URL to its place: checked, and there only when it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import CacheWriteError, CheckpointError, HashMismatchError
from hubkit.hubdir.digest import Digest
from hubkit.hubdir.disk import writing
from hubkit.hubdir.partial import claim_partial
from hubkit.hubdir.transfer import Transfer

if TYPE_CHECKING:
    from hubkit.hubdir.http import Client
    from hubkit.hubdir.transfer import Fetched, Wanted


def download(client: Client, wanted: Wanted) -> Fetched:
    """Bring a file to its place.

    A body that ends early is resumed where the host allows it, else fetched again; what a killed
    process left is taken over. The file appears under its name only when it is whole and checked.

    Raises:
        NotModifiedError: It has not changed; raised only where `Wanted.conditions` ask.
        IncompleteDownloadError: It ended early, again and again.
        HashMismatchError: Its digest is not the one wanted.
        AccessDeniedError, UnreachableError, RateLimitedError, FetchError: The host's answer.
        CacheWriteError: The disk does not take it.
    """
    with writing(wanted.path):
        wanted.path.parent.mkdir(parents=True, exist_ok=True)
    partial = claim_partial(wanted.path)
    try:
        with Digest() as digest:
            fetched = Transfer(client, wanted, partial, digest).run()
        _require_hash(wanted, fetched)
        if wanted.settle:
            wanted.settle(partial.path, fetched)
        partial.settle()
    except (CacheWriteError, HashMismatchError, CheckpointError):
        partial.drop()
        raise
    except BaseException:
        partial.leave()
        raise
    return fetched


def _require_hash(wanted: Wanted, fetched: Fetched) -> None:
    prefix = (wanted.hash_prefix or "").lower()
    if not fetched.sha256.startswith(prefix):
        raise HashMismatchError(
            f'{wanted.path.name} has an invalid hash value (expected "{prefix}", '
            f'got "{fetched.sha256}").',
            expected=prefix,
            actual=fetched.sha256,
            hint="The file at the URL was changed, or something on the way changed it.",
        )
