"""What a release starts from, the items of its checklist, and its tag. Nothing is pushed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit._util.git import GitError, write
from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import read_config
from hubkit.errors import GitRepoError
from hubkit.publish.repo_name import find_name, read_own_snippets
from hubkit.source import open_commit
from hubkit.source.git import find_git
from hubkit.source.project import read_versions
from hubkit.source.tags import declared_tag, parse_version

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from hubkit.config import Config
    from hubkit.facts import RepoFacts
    from hubkit.source.git import Git

State = Literal["ok", "note", "missing", "unknown"]

_REF = re.compile(r"refs/(tags|heads)/(.*)")


class ChecklistItem(Struct, frozen=True):
    """One requirement of a release.

    Attributes:
        name: The requirement.
        state: "ok", "missing" if it blocks the release, "note" if the publisher has to decide,
            "unknown" if a host did not answer.
        message: The current state, without a full stop.
        action: What to do, as a command if there is one; "" if nothing is to be done.
    """

    name: str
    state: State
    message: str
    action: str = ""


class ReleaseRequest(Struct, frozen=True):
    """The options of a release.

    Attributes:
        root: The repo's folder.
        tag: The tag; None derives it from the version that the repo declares.
        repo: "owner/name"; None takes it from the repo.
        report: A report of the conformance suite, or None.
        level: The required conformance level; 0 requires none.
    """

    root: Path
    tag: str | None = None
    repo: str | None = None
    report: Path | None = None
    level: int = 1


class ReleaseContext(Struct, frozen=True):
    """The commit to release, and everything that the checks need to know about it.

    Attributes:
        request: The options.
        git: The git program, in the repo.
        sha: The commit that is checked out.
        branch: Its branch; "" if HEAD is detached.
        facts: The repo at that commit.
        config: Its configuration.
        versions: Versions that the repo declares, by file.
        tags: The commit of each tag.
        branches: Names of the repo's branches.
        previous_tag: The last tag before the commit, or "".
        tag: The tag to create; "" if unknown.
        repo: "owner/name"; "" if unknown.
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
    previous_tag: str
    tag: str
    repo: str

    @property
    def root(self) -> Path:
        """The repo's folder."""
        return self.request.root


def read_context(request: ReleaseRequest) -> ReleaseContext:
    """Read the commit that is checked out.

    Args:
        request: The options of the release.

    Raises:
        GitRepoError: The folder is not the root of a git working tree, or there is no commit.
        HubconfError: The hubconf of the commit cannot be read.
        ConfigError: The configuration of the commit cannot be read.
    """
    git = _require_git(request.root)
    sha = _require_commit(git)
    facts = read_repo(open_commit(request.root, sha))
    require_hubconf(facts)
    tags, branches = read_refs(git)
    versions = read_versions(facts.files, facts.packages)
    previous = find_previous_tag(git, request.tag)
    return ReleaseContext(
        request=request,
        git=git,
        sha=sha,
        branch=_output(git, "symbolic-ref", "--quiet", "--short", "HEAD"),
        facts=facts,
        config=read_config(facts.files),
        versions=versions,
        tags=tags,
        branches=branches,
        previous_tag=previous,
        tag=request.tag if request.tag is not None else find_tag(facts, tags, previous),
        repo=find_name(facts, request.repo),
    )


def write_tag(context: ReleaseContext) -> bool:
    """Create the annotated tag at the commit.

    The tagger and the signature are those of the user's git configuration. git may run the repo's
    ``reference-transaction`` hook and, if tags are signed, the signing program.

    Args:
        context: The commit to release.

    Returns:
        False if the tag exists at this commit.

    Raises:
        GitRepoError: git does not create the tag.
    """
    if context.tags.get(context.tag) == context.sha:
        return False
    name = context.repo.partition("/")[2] or context.root.resolve().name
    message = f"{name} {context.tag}"
    try:
        result = write(context.root, "tag", "-a", "-m", message, "--", context.tag, context.sha)
    except GitError as error:
        raise GitRepoError(
            f"git did not create the tag {context.tag}: {error}.",
            hint="Run `git tag -a` in the repo.",
        ) from error
    if result.returncode:
        raise _tag_error(context.tag, result.complaint.strip())
    return True


def _tag_error(tag: str, complaint: str) -> GitRepoError:
    reason = next((line for line in complaint.splitlines() if "fatal" in line), complaint)
    has_author = not ("ident" in complaint or "tell me who you are" in complaint)
    return GitRepoError(
        f"git did not create the tag {tag}: {reason.removeprefix('fatal: ')}",
        hint="Run `git tag -a` in the repo to see why."
        if has_author
        else "Set git's user.name and user.email: git config user.name NAME",
    )


def _output(git: Git, *arguments: str) -> str:
    """What git prints; "" if it fails."""
    done = git.try_to(*arguments)
    return "" if done.returncode else done.stdout.decode("utf-8", "replace").strip()


def _require_git(root: Path) -> Git:
    git = find_git(root)
    if git is None:
        raise GitRepoError(
            f"{root} is not in a git repo, so there is nothing to release.",
            hint="Create one: git init -b main, then add and commit the files.",
        )
    if git.is_bare:
        raise GitRepoError(
            f"{root} is a bare repo, which has no working tree.",
            hint="Run the command in a clone.",
        )
    top = git.ask("rev-parse", "--show-toplevel").decode("utf-8", "surrogateescape").strip()
    folder = root.resolve()
    if Path(top).resolve() != folder:
        prefix = shlex.quote(folder.relative_to(Path(top).resolve()).as_posix())
        raise GitRepoError(
            f"{folder} is not the root of a git repo: it is a folder of {top}.",
            hint="torch.hub loads from the root of a repo only. Make a repo of the folder, and release "
            f"that: git subtree split --prefix {prefix} -b {shlex.quote(folder.name)}-hub",
        )
    return git


def _require_commit(git: Git) -> str:
    sha = _output(git, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not sha:
        raise GitRepoError(
            f"{git.folder} has no commits.", hint="Commit first: git add . && git commit"
        )
    return sha


def read_refs(git: Git) -> tuple[dict[str, str], frozenset[str]]:
    """The commit of each tag, and the names of branches, including the remote's."""
    form = "--format=%(refname)%00%(objectname)%00%(*objectname)"
    rows = _output(git, "for-each-ref", form, "refs/tags", "refs/heads").splitlines()
    tags: dict[str, str] = {}
    branches: set[str] = set()
    for name, sha, peeled in (row.split("\0") for row in rows):
        found = _REF.fullmatch(name)
        if found and found[1] == "tags":
            tags[found[2]] = peeled or sha
        elif found:
            branches.add(found[2])
    remote = _output(git, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin")
    return tags, frozenset(branches | {*remote.split()} - {"HEAD"})


def find_previous_tag(git: Git, tag: str | None) -> str:
    """The last tag in the history of HEAD, except the one to create; "" if there is none."""
    excluded = (f"--exclude={tag}",) if tag else ()
    return _output(git, "describe", "--tags", "--abbrev=0", *excluded, "HEAD")


def find_tag(facts: RepoFacts, tags: Container[str], previous: str) -> str:
    """The tag of the next release.

    Args:
        facts: The repo.
        tags: The tags that exist.
        previous: The last tag, or "".

    Returns:
        The tag of the version that files declare; else the new version that documents load, such as
        the one that `hubkit init` or `hubkit card --tag` wrote; else "".
    """
    declared = declared_tag(read_versions(facts.files, facts.packages), previous)
    shown = (one.ref for one in read_own_snippets(facts))
    return declared or next((ref for ref in shown if ref not in tags and parse_version(ref)), "")
