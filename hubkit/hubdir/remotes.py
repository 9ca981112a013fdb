"""What the git program asks of hosts, and which typed error its complaints become."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, TypeVar

from hubkit.errors import (
    AccessDeniedError,
    FetchError,
    RefNotFoundError,
    RepoNotFoundError,
    UnreachableError,
)
from hubkit.facts.hubdir import GITHUB, is_full_sha
from hubkit.hubdir.git import GitFailed
from hubkit.hubdir.hosts import base_url, find_token, redact
from hubkit.hubdir.refs import list_refs

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.facts import RepoRef
    from hubkit.hubdir.git import Git
    from hubkit.hubdir.refs import RefList

    T = TypeVar("T")

LIST_LIMIT = 120.0  # seconds for a list of refs
FETCH_LIMIT = 3600.0  # seconds for a fetch; one that stalls is ended sooner
_OWN = ("+refs/heads/*:refs/own/heads/*", "+refs/tags/*:refs/own/tags/*")
_ABSENT = re.compile(r"not found|does not exist|not appear to be a git repo", re.IGNORECASE)
_NAMELESS = re.compile(r"could not read (username|password)", re.IGNORECASE)
_CLOSED = re.compile(r"authentication failed|denied|host key|\b40[13]\b", re.IGNORECASE)
_NOT_BY_HASH = re.compile(r"unadvertised|not our ref|remote ref|shallow", re.IGNORECASE)


def try_addresses(repo: RepoRef, ask: Callable[[str], T]) -> T:
    """Ask where a repo is: most hosts take its address with ".git", some only without."""
    url = base_url(repo)
    if repo.scheme == "git+file":
        return ask(url)
    if repo.host != GITHUB:
        with contextlib.suppress(RepoNotFoundError):
            return ask(f"{url}.git")
        return ask(url)
    return ask(f"{url}.git")


def list_remote(git: Git, url: str, what: str) -> RefList:
    """The refs of a repo.

    Args:
        git: Where to ask from.
        url: The repo's address.
        what: What to call it in errors.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: There is no telling.
    """
    try:
        said = git.ask(url, "ls-remote", "--symref", "--", url, limit=LIST_LIMIT)
    except GitFailed as error:
        raise _explain(error, url, what) from error
    head, entries = "", []
    for line in said.split("\n"):  # a ref's name may hold what else ends a line
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif is_full_sha(value):
            entries.append((name, value))
    return list_refs(entries, head)


def has_in_history(git: Git, url: str, what: str, sha: str) -> bool:
    """Whether a commit is in the history of a branch or tag of a repo; fetches commits only.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: There is no telling.
    """
    try:
        _fetch(git, url, "--filter=tree:0", *_OWN)
        with contextlib.suppress(GitFailed):
            # Forget where the rest is to be had, or git would fetch the commit in question.
            git.run("config", "--remove-section", f"remote.{url}")
    except GitFailed as error:
        raise _explain(error, url, what) from error
    try:
        return bool(git.run("for-each-ref", "--count=1", f"--contains={sha}"))
    except GitFailed:
        return False  # there is no such commit


def fetch_commit(git: Git, url: str, what: str, sha: str) -> None:
    """Fetch one commit with its files; with all the history where the host does it no other way.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: It cannot be fetched.
        RefNotFoundError: The host has no such commit.
    """
    try:
        try:
            _fetch(git, url, "--depth=1", sha)
        except GitFailed as error:
            if not _NOT_BY_HASH.search(str(error)):
                raise
            _fetch(git, url, *_OWN)
    except GitFailed as error:
        raise _explain(error, url, what) from error
    try:
        git.run("cat-file", "-e", f"{sha}^{{commit}}")
    except GitFailed as error:
        raise RefNotFoundError(
            f"The commit {sha} of {what} is nowhere to be had.",
            url=redact(url),
            hint="It may have been rewritten, or never pushed: ask the repo's owner.",
        ) from error


def _fetch(git: Git, url: str, *arguments: str) -> None:
    options = [argument for argument in arguments if argument.startswith("-")]
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    command = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *options]
    git.ask(url, *command, "--", url, *wanted, limit=FETCH_LIMIT)


def _explain(error: GitFailed, url: str, what: str) -> FetchError:
    complaint, shown = str(error), redact(url)
    known = find_token(url) is not None
    if _ABSENT.search(complaint) or (_NAMELESS.search(complaint) and not known):
        hint = "Look at the spelling."
        if not url.startswith("file:"):
            hint += " If it is private, git needs a token, an ssh key or a credential helper."
        return RepoNotFoundError(
            f"There is no repo {what} at {shown}, or it is hidden from us.", url=shown, hint=hint
        )
    if _CLOSED.search(complaint) or _NAMELESS.search(complaint):
        return AccessDeniedError(
            f"git is refused {what} at {shown}: {complaint}.",
            url=shown,
            hint="Look at the token or the ssh key: git must get in without a question.",
        )
    return UnreachableError(
        f"git cannot fetch {what} from {shown}: {complaint}.",
        url=shown,
        hint="Look at the network, and at git's settings.",
    )
