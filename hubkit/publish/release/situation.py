"""What a release starts from: a commit, its tags, and what is known of both."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import read_config
from hubkit.errors import GitRepoError
from hubkit.publish.identity import find_name
from hubkit.publish.release.versions import Version, declared_versions, parse_version
from hubkit.source import open_commit
from hubkit.source.git import find_git

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.config import Config
    from hubkit.facts import RepoFacts
    from hubkit.source.git import Git

_REF = re.compile(r"refs/(tags|heads)/(.*)")


class ReleaseRequest(Struct, frozen=True):
    """What is asked of a release.

    Attributes:
        root: The repo's folder.
        tag: The tag; None takes the version that the repo declares.
        repo: "owner/name"; None takes what the repo tells.
        report: A report of the conformance suite, or None.
        level: The least conformance level; 0 asks for none.
    """

    root: Path
    tag: str | None = None
    repo: str | None = None
    report: Path | None = None
    level: int = 1


class Situation(Struct, frozen=True):
    """What a release starts from.

    Attributes:
        request: What is asked for.
        git: The git program, in the repo.
        sha: The commit that is checked out.
        branch: Its branch; "" when HEAD is detached.
        facts: The repo as that commit has it.
        config: Its configuration.
        versions: Versions that the repo declares, by place.
        tags: The commit of each tag.
        branches: Names of the repo's branches.
        earlier: The last tag before the commit, or "".
        tag: The tag to be made; "" when nothing tells.
        repo: "owner/name"; "" when nothing tells.
    """

    request: ReleaseRequest
    git: Git
    sha: str
    branch: str
    facts: RepoFacts
    config: Config
    versions: Mapping[str, str]
    tags: Mapping[str, str]
    branches: frozenset[str]
    earlier: str
    tag: str
    repo: str

    @property
    def root(self) -> Path:
        """The repo's folder."""
        return self.request.root

    @property
    def version(self) -> Version | None:
        """What the tag says; None when it is no version."""
        return parse_version(self.tag)


def read_situation(request: ReleaseRequest) -> Situation:
    """What a release starts from.

    Args:
        request: What is asked for.

    Raises:
        GitRepoError: The folder is not the root of a git work tree, or there is no commit.
        HubconfError: The commit has no hubconf that can be read.
        ConfigError: Its configuration cannot be read.
    """
    git = _require_git(request.root)
    sha = _require_commit(git)
    facts = read_repo(open_commit(request.root, sha))
    require_hubconf(facts)
    tags, branches = _read_refs(git)
    versions = declared_versions(facts)
    earlier = _earlier(git, request.tag)
    return Situation(
        request=request,
        git=git,
        sha=sha,
        branch=said(git, "symbolic-ref", "--quiet", "--short", "HEAD"),
        facts=facts,
        config=read_config(facts.files),
        versions=versions,
        tags=tags,
        branches=branches,
        earlier=earlier,
        tag=request.tag if request.tag is not None else _guess_tag(versions, earlier),
        repo=find_name(facts, request.repo),
    )


def said(git: Git, *arguments: str) -> str:
    """What git says; "" when it fails."""
    done = git.try_to(*arguments)
    return "" if done.returncode else done.stdout.decode("utf-8", "replace").strip()


def _require_git(root: Path) -> Git:
    git = find_git(root)
    if git is None:
        raise GitRepoError(
            f"{root} is in no git repo, so there is nothing to release.",
            hint="Make it one: git init -b main, then add and commit.",
        )
    if git.is_bare:
        raise GitRepoError(
            f"{root} is a bare repo: it has no work tree to release from.",
            hint="Run it in a clone.",
        )
    top = git.ask("rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").strip()
    if Path(top).resolve() != root.resolve():
        raise GitRepoError(
            f"{root} is no git repo of its own: it lies in {top}.",
            hint="torch.hub looks for hubconf.py at the root of a repo only.",
        )
    return git


def _require_commit(git: Git) -> str:
    sha = said(git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not sha:
        raise GitRepoError(
            f"{git.folder} has no commit yet.", hint="Commit first: git add . && git commit"
        )
    return sha


def _read_refs(git: Git) -> tuple[dict[str, str], frozenset[str]]:
    """The commit of each tag, and the names of branches, the remote's among them."""
    form = "--format=%(refname)%00%(objectname)%00%(*objectname)"
    rows = said(git, "for-each-ref", form, "refs/tags", "refs/heads").splitlines()
    tags: dict[str, str] = {}
    branches: set[str] = set()
    for name, sha, peeled in (row.split("\0") for row in rows):
        found = _REF.fullmatch(name)
        if found and found[1] == "tags":
            tags[found[2]] = peeled or sha
        elif found:
            branches.add(found[2])
    remote = said(git, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin")
    return tags, frozenset(branches | {*remote.split()} - {"HEAD"})


def _earlier(git: Git, tag: str | None) -> str:
    """The last tag in the commit's history, the one to be made left out."""
    apart = (f"--exclude={tag}",) if tag else ()
    return said(git, "describe", "--tags", "--abbrev=0", *apart, "HEAD")


def _guess_tag(versions: Mapping[str, str], earlier: str) -> str:
    """The tag for the version that the repo declares, spelled as the last one was."""
    version = next(iter(versions.values()), "")
    prefix = "" if earlier[:1].isdigit() else "v"
    return f"{prefix}{version}" if version else ""
