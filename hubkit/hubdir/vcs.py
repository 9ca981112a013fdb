"""Repos by way of the git program: pip's ``git+...`` addresses, with their submodules.

git fetches the commit, and those of its submodules, into one repo in private staging; they are
joined into one tree, and git makes a zip of that. From there on it is an archive like those that
hosts hand out: judged, unpacked and put in place by the same code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.errors import FetchError, RefNotFoundError
from hubkit.facts import ResolvedRef
from hubkit.facts.hubdir import is_full_sha
from hubkit.hubdir.disk import writing
from hubkit.hubdir.git import Git, GitFailed
from hubkit.hubdir.hosts import base_url
from hubkit.hubdir.layout import encode
from hubkit.hubdir.refs import find_ref
from hubkit.hubdir.remotes import has_in_history, list_remote, try_addresses
from hubkit.hubdir.staging import staging
from hubkit.hubdir.submodules import fetch_joined

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import FetchPolicy, RepoRef

# Files as they were committed, whatever the user's settings and the publisher's archive rules.
_ATTRIBUTES = "* -filter -text -ident -export-ignore -export-subst !working-tree-encoding\n"
_SHA1 = 40  # digits; longer ones are SHA-256


def resolve_ref(repo: RepoRef, policy: FetchPolicy) -> ResolvedRef:
    """Which commit is meant; one that is the tip of nothing must be in the repo's own history.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: git cannot list the repo's refs.
        RefNotFoundError: It has no such branch or tag, and no such commit on one.
        MissingGitError: git is not installed.
    """
    with staging(encode(repo.full_name)) as room:
        git = _start(room / "git", policy, repo.ref or "")
        return try_addresses(repo, lambda url: _resolve(git, url, repo))


def fetch_archive(resolved: ResolvedRef, path: Path, policy: FetchPolicy) -> None:
    """Make the zip of a commit with its submodules, in the shape of a host's.

    Args:
        resolved: The commit.
        path: Where to; git works beside it, in the same private folder.
        policy: How long to wait.

    Raises:
        FetchError: The commit, or a submodule, cannot be fetched.
    """
    repo, sha = resolved.repo, resolved.sha
    git = _start(path.with_name("git"), policy, sha)
    try:
        tree = fetch_joined(git, resolved)
        top = f"{encode(repo.name)}-{sha}/"
        git.run("archive", "--format=zip", "-0", f"--prefix={top}", f"--output={path}", tree)
    except GitFailed as error:
        raise FetchError(f"git made no archive of {repo}: {error}.", url=base_url(repo)) from error


def _resolve(git: Git, url: str, repo: RepoRef) -> ResolvedRef:
    resolved = find_ref(list_remote(git, url, repo.full_name), repo)
    if resolved is not None:
        return resolved
    sha = repo.commit or ""
    if not has_in_history(git, url, repo.full_name, sha):
        raise RefNotFoundError(
            f"The commit {sha} is on no branch or tag of {repo.full_name}.",
            hint="If it is of a fork, name the fork. skip_validation=True takes it as it is.",
        )
    return ResolvedRef(repo, "", sha)


def _start(folder: Path, policy: FetchPolicy, ref: str) -> Git:
    """An empty repo to work in, which reads no template of the user's, hooks among them."""
    with writing(folder):
        folder.mkdir()
    git = Git(folder, policy)
    kind = "sha256" if is_full_sha(ref.lower()) and len(ref) > _SHA1 else "sha1"
    git.run("init", "--quiet", "--template=", f"--object-format={kind}")
    with writing(folder):
        (folder / ".git" / "info").mkdir(exist_ok=True)
        (folder / ".git" / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
    return git
