"""Repos that their host redirects to another owner: renamed, transferred, or taken over.

Trust is in an owner, and a redirect is no word of the old one's. So it is noticed where refs and
archives are fetched, written down beside the code, and whoever runs the code is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.logs import log
from hubkit._util.urls import parse_url
from hubkit.errors import FetchError, RepoSpecError, UnreachableError
from hubkit.hubdir.hosts import base_url
from hubkit.hubdir.names import parse_repo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hubkit._util.urls import Url
    from hubkit.facts import RepoRef
    from hubkit.hubdir.http import Client


def find_move(repo: RepoRef, hops: Sequence[str]) -> RepoRef | None:
    """The repo of another owner, or on another host, that a redirect led to; None without one.

    Args:
        repo: What was asked for.
        hops: The URL that was asked, below the repo's, and those that redirects led to.
    """
    base = parse_url(base_url(repo))
    tail = parse_url(hops[0]).path.removeprefix(base.path)
    moves = [move for hop in hops[1:] if (move := _read_move(repo, base, parse_url(hop), tail))]
    return moves[-1] if moves else None


def ask_move(client: Client, repo: RepoRef) -> RepoRef | None:
    """The same for a repo that git fetches, which follows redirects without a word.

    None as well where the host does not answer us: git may know a way in that we do not.
    """
    if repo.scheme not in ("git+https", "git+http"):
        return None
    url = f"{base_url(repo)}.git/info/refs?service=git-upload-pack"
    try:
        with client.get(url, once=True) as answer:
            return find_move(repo, answer.hops)
    except UnreachableError as error:
        log.debug("Whether %s redirects is unknown: %s", repo.full_name, error.message)
        return None


def address_of(moved: RepoRef) -> str:
    """How a record names the repo, for `parse_repo` to read."""
    return f"https://{moved.host}/{moved.owner}/{moved.name}"


def require_repo(repo: RepoRef, hops: Sequence[str]) -> None:
    """Insist that refs, if a redirect led to another host, come from something like a repo.

    Raises:
        FetchError: They do not, and so nobody can be asked whether to trust it.
    """
    base, last = parse_url(base_url(repo)), parse_url(hops[-1])
    tail = parse_url(hops[0]).path.removeprefix(base.path)
    if last.origin != base.origin and _cut(last, tail) is None:
        raise FetchError(
            f"{hops[0]} redirects to {hops[-1]}, which is not the address of a repo.",
            url=hops[0],
            hint="If that is where the repo is, use its address there.",
        )


def _read_move(repo: RepoRef, base: Url, hop: Url, tail: str) -> RepoRef | None:
    path = _cut(hop, tail)
    if path is None:
        return None
    root = base.path.removesuffix(f"/{repo.owner}/{repo.name}")
    if hop.origin == base.origin and path.startswith(f"{root}/"):
        text = f"https://{repo.host}{path.removeprefix(root)}"
    else:
        text = f"https://{hop.host_key}{path}"
    try:
        moved = parse_repo(text)
    except RepoSpecError:
        return None
    is_same = (moved.host, moved.owner.lower()) == (repo.host, repo.owner.lower())
    return None if is_same else moved


def _cut(hop: Url, tail: str) -> str | None:
    """The path of a repo, given one below it; ``.git`` is often left out by the host."""
    for end in (tail, tail.removeprefix(".git")):
        if end and hop.path.endswith(end):
            return hop.path.removesuffix(end)
    return None
