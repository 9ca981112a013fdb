"""Fetch repos with the git program: pip's ``git+...`` addresses, with submodules.

git fetches the commit and the commits of its submodules into one repo in a private staging folder,
joins them into one tree, and makes a zip of it. From there on it is an archive like those of hosts:
the same code checks, unpacks and places it.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from hubkit import limits
from hubkit._util import git
from hubkit._util.git import has_plain_user
from hubkit._util.logs import log
from hubkit._util.progress import show_wait
from hubkit._util.urls import Url, UrlError, expand_scp, parse_url, redact
from hubkit.errors import (
    AccessDeniedError,
    FetchError,
    MissingGitError,
    RefNotFoundError,
    RepoNotFoundError,
    UnreachableError,
)
from hubkit.facts import ResolvedRef
from hubkit.facts.hubdir import GITHUB, is_abbreviated_sha, is_full_sha
from hubkit.hubdir.addresses import apply_mirror, base_url
from hubkit.hubdir.credentials import find_credential, token_advice
from hubkit.hubdir.layout import encode, staging, writing
from hubkit.hubdir.refs import find_ref, make_ref_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hubkit.facts import FetchPolicy, RepoRef
    from hubkit.hubdir.credentials import Credential
    from hubkit.hubdir.refs import RefList

    T = TypeVar("T")

_CREDENTIALS = re.compile(r"://[^/@\s]+@")
_REDIRECTED = re.compile(r"returned error: 30[12378]\b")
_REFS = "/info/refs?service=git-upload-pack"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class GitFailed(Exception):  # noqa: N818 - never leaves the hub dir: it becomes a typed error
    """git failed; the text is its error message, safe to show."""


class Git(Struct, frozen=True):
    """The git program in one repo that hubkit made.

    Attributes:
        folder: The repo; any folder for commands that need no repo.
        policy: The timeouts.
    """

    folder: Path
    policy: FetchPolicy

    def run(self, *arguments: str) -> str:
        """Run a local command; return its output.

        Raises:
            GitFailed: It failed or timed out.
            MissingGitError: git is not installed.
        """
        try:
            result = git.work(self.folder, *arguments)
        except git.GitMissingError:
            raise _missing() from None
        except git.GitError as error:
            raise GitFailed(str(error)) from None
        return _require_success(result, None)

    def run_remote(self, url: str, *arguments: str, limit: float) -> str:
        """Run a command that contacts the host of a URL; return its output.

        If the host refuses hubkit's token or login, git runs once more with only what it has itself.

        Args:
            url: The address, which is among the arguments.
            *arguments: The command.
            limit: Seconds after which git is killed.

        Raises:
            GitFailed: It failed.
            UnreachableError: It timed out.
            FetchError: git must not fetch from the URL.
            MissingGitError: git is not installed.
        """
        credential = find_credential(url)
        if credential and credential.user is not None and "NETRC" not in os.environ:
            credential = None  # git reads ~/.netrc itself; twice might lock an account
        try:
            return self._run_with(credential, url, *arguments, limit=limit)
        except GitFailed as error:
            if credential is None or not (_is_refused(str(error)) or _ABSENT.search(str(error))):
                raise
            with contextlib.suppress(GitFailed):
                return self._run_with(None, url, *arguments, limit=limit)
            raise

    def _run_with(
        self,
        credential: Credential | None,
        url: str,
        *arguments: str,
        limit: float,
        target: str = "",
    ) -> str:
        shown, policy = redact(url), self.policy
        login = credential.login if credential else None
        remote = git.Remote(url, login, target, policy.connect_timeout, policy.read_timeout)
        try:
            result = git.fetch(self.folder, remote, *arguments, limit=limit)
        except ValueError as error:
            raise FetchError(
                f"git cannot fetch from {shown!r}: it is {error}.",
                url=shown,
                hint="Use an address such as https://host/owner/name or ssh://git@host/owner/name.",
            ) from None
        except git.GitTimeoutError:
            raise UnreachableError(
                f"git received no response from {shown} within {limit:.0f} s.",
                url=shown,
                hint="Check the network, and try again.",
            ) from None
        except git.GitMissingError:
            raise _missing() from None
        except git.GitError as error:
            raise GitFailed(str(error)) from None
        if not target and _REDIRECTED.search(result.complaint):
            target = _find_target(url, policy)
            return self._run_with(credential, url, *arguments, limit=limit, target=target)
        return _require_success(result, credential.secret if credential else None)


def _find_target(url: str, policy: FetchPolicy) -> str:
    """The address of the repo that another address redirects to."""
    from hubkit.hubdir.http import Client

    with Client(policy) as client, client.get(f"{url}{_REFS}") as response:
        target = response.hops[-1].removesuffix(_REFS.partition("?")[0])
    if target in (url, response.hops[-1]):
        raise GitFailed(f"it redirects to {response.hops[-1]}, which is not a repo")
    return target


def _missing() -> MissingGitError:
    return MissingGitError(
        "git is not installed.",
        hint='Install git, or remove "git+" from the address: most hosts serve archives.',
    )


def _require_success(result: git.GitResult, secret: str | None) -> str:
    if result.returncode:
        raise GitFailed(_clean_message(result.complaint, secret))
    return result.text


def _clean_message(message: str, secret: str | None) -> str:
    """The start of git's error message on one line, without credentials or escape sequences."""
    text = _CREDENTIALS.sub("://", message)
    if secret:
        text = text.replace(secret, "***")
    text = _CONTROLS.sub("?", text.replace("\r", "\n"))
    output = re.findall(r"^(?:(?:fatal|error|remote|ERROR): )*(.*\S)", text, re.MULTILINE)
    return "; ".join(line.rstrip(".") for line in output[:3]) or "no error message"


LIST_LIMIT = 120.0  # seconds for a list of refs
FETCH_LIMIT = 3600.0  # seconds for a fetch; a stalled one ends sooner
_OWN = ("+refs/heads/*:refs/own/heads/*", "+refs/tags/*:refs/own/tags/*")
_ABSENT = re.compile(r"not found|does not exist|not appear to be a git repo", re.IGNORECASE)
_NAMELESS = re.compile(r"could not read (username|password)", re.IGNORECASE)
_CLOSED = re.compile(r"authentication failed|denied|host key|\b40[13]\b", re.IGNORECASE)
_NOT_BY_HASH = re.compile(r"unadvertised|not our ref|remote ref|shallow", re.IGNORECASE)


def try_addresses(repo: RepoRef, action: Callable[[str], T]) -> T:
    """Try the addresses of a repo: most hosts accept ".git" at the end, some do not."""
    url = base_url(repo)
    if repo.scheme == "git+file":
        return action(url)
    if repo.host != GITHUB:
        with contextlib.suppress(RepoNotFoundError):
            return action(f"{url}.git")
        return action(url)
    return action(f"{url}.git")


def list_remote(git: Git, url: str, what: str) -> RefList:
    """List the refs of a repo.

    Args:
        git: The repo to run git in.
        url: The repo's address.
        what: Its name in errors.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: The refs cannot be listed.
    """
    try:
        output = git.run_remote(url, "ls-remote", "--symref", "--", url, limit=LIST_LIMIT)
    except GitFailed as error:
        raise _git_error(error, url, what) from None
    head, entries = "", []
    for line in output.split("\n"):  # a ref's name may hold what else ends a line
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif is_full_sha(value):
            entries.append((name, value))
    return make_ref_list(entries, head)


def has_in_history(git: Git, url: str, what: str, sha: str) -> bool:
    """Whether a commit is in the history of a branch or tag; fetches commits only.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: The history cannot be fetched.
    """
    try:
        _git_fetch(git, url, "--filter=tree:0", *_OWN)
        with contextlib.suppress(GitFailed):
            # Without this, git would fetch the commit in question on demand.
            git.run("config", "--remove-section", f"remote.{url}")
    except GitFailed as error:
        raise _git_error(error, url, what) from None
    try:
        return bool(git.run("for-each-ref", "--count=1", f"--contains={sha}"))
    except GitFailed:
        return False  # there is no such commit


def fetch_commit(git: Git, url: str, what: str, sha: str) -> None:
    """Fetch one commit with its files; with the whole history if the host requires it.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: It cannot be fetched.
        RefNotFoundError: The host has no such commit.
    """
    try:
        try:
            _git_fetch(git, url, "--depth=1", sha)
        except GitFailed as error:
            if not _NOT_BY_HASH.search(str(error)):
                raise
            _git_fetch(git, url, *_OWN)
    except GitFailed as error:
        raise _git_error(error, url, what) from None
    try:
        git.run("cat-file", "-e", f"{sha}^{{commit}}")
    except GitFailed:
        raise RefNotFoundError(
            f"The host has no commit {sha} of {what}.",
            url=redact(url),
            hint="It may have been rewritten, or never pushed. Ask the owner of the repo.",
        ) from None


def _git_fetch(git: Git, url: str, *arguments: str) -> None:
    options = [argument for argument in arguments if argument.startswith("-")]
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    command = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *options]
    with show_wait(f"Fetching {redact(url)} with git", wanted=git.policy.progress):
        git.run_remote(url, *command, "--", url, *wanted, limit=FETCH_LIMIT)


def _is_refused(message: str) -> bool:
    return bool(_CLOSED.search(message) or _NAMELESS.search(message))


def _git_error(error: GitFailed, url: str, what: str) -> FetchError:
    message, shown = str(error), redact(url)
    used = find_credential(url)
    if _ABSENT.search(message) or (_NAMELESS.search(message) and not used):
        hint = f"Check the spelling. {used.check if used else _access_advice(url)}".strip()
        return RepoNotFoundError(
            f"There is no repo {what} at {shown}, or it is private.", url=shown, hint=hint
        )
    if _is_refused(message):
        check = used.check if used else _access_advice(url)
        return AccessDeniedError(
            f"{shown} denies git access to {what}: {message}.",
            url=shown,
            hint=f"{check} git cannot prompt for a password here.",
        )
    return UnreachableError(
        f"git cannot fetch {what} from {shown}: {message}.",
        url=shown,
        hint="Check the network and git's configuration.",
    )


def _access_advice(url: str) -> str:
    """How git gets access to a private repo."""
    if url.startswith("file:"):
        return ""
    advice = token_advice(url)
    way = f"{advice} or a credential helper of git" if advice else "git needs an ssh key"
    return f"If it is private, {way}."


# Files as committed, regardless of the user's configuration and of export-ignore.
_ATTRIBUTES = "* -filter -text -ident -export-ignore -export-subst !working-tree-encoding\n"
_SHA1 = 40  # digits; longer ones are SHA-256


def resolve_ref(repo: RepoRef, policy: FetchPolicy) -> ResolvedRef:
    """Resolve a ref; a commit that is not the tip of anything must be in the repo's history.

    Raises:
        RepoNotFoundError, AccessDeniedError, UnreachableError: git cannot list the repo's refs.
        RefNotFoundError: There is no such branch, tag or commit.
        MissingGitError: git is not installed.
    """
    with staging(encode(repo.full_name)) as room:
        git = _init_repo(room / "git", policy, repo.ref or "")
        return try_addresses(repo, lambda url: _resolve_at(git, url, repo))


def fetch_archive(resolved: ResolvedRef, path: Path, policy: FetchPolicy) -> None:
    """Make the zip of a commit with its submodules, like the archive of a host.

    Args:
        resolved: The commit.
        path: The zip; git works beside it, in the same private folder.
        policy: The timeouts.

    Raises:
        FetchError: The commit or a submodule cannot be fetched.
    """
    repo, sha = resolved.repo, resolved.sha
    git = _init_repo(path.with_name("git"), policy, sha)
    try:
        tree = _fetch_with_submodules(git, resolved)
        top = f"{encode(repo.name)}-{sha}/"
        git.run("archive", "--format=zip", "-0", f"--prefix={top}", f"--output={path}", tree)
    except GitFailed as error:
        raise FetchError(
            f"git cannot create an archive of {repo}: {error}.", url=base_url(repo)
        ) from None


def _resolve_at(git: Git, url: str, repo: RepoRef) -> ResolvedRef:
    try:
        resolved = find_ref(list_remote(git, url, repo.full_name), repo)
    except RefNotFoundError:
        start = (repo.ref or "").lower()
        if not is_abbreviated_sha(start) or not has_in_history(git, url, repo.full_name, start):
            raise
        return ResolvedRef(
            repo, "", git.run("rev-parse", "--verify", f"{start}^{{commit}}").strip()
        )
    if resolved is not None:
        return resolved
    sha = repo.commit or ""
    if not has_in_history(git, url, repo.full_name, sha):
        raise RefNotFoundError(
            f"No branch or tag of {repo.full_name} contains the commit {sha}.",
            hint="If it belongs to a fork, load it from the fork. skip_validation=True skips this check.",
        )
    return ResolvedRef(repo, "", sha)


def _init_repo(folder: Path, policy: FetchPolicy, ref: str) -> Git:
    """Create an empty repo without the user's template, which may contain hooks."""
    with writing(folder):
        folder.mkdir()
    git = Git(folder, policy)
    kind = "sha256" if is_full_sha(ref.lower()) and len(ref) > _SHA1 else "sha1"
    git.run("init", "--quiet", "--template=", f"--object-format={kind}")
    with writing(folder):
        (folder / ".git" / "info").mkdir(exist_ok=True)
        (folder / ".git" / "info" / "attributes").write_text(_ATTRIBUTES, encoding="utf-8")
    return git


_GITLINK = "160000"
_ONLY = "only https and ssh addresses are supported"


def _fetch_with_submodules(git: Git, resolved: ResolvedRef) -> str:
    """Fetch a commit and its submodules, recursively; return the name of the whole tree.

    Without submodules that is the commit itself.

    Raises:
        FetchError: The commit or a submodule cannot be fetched.
    """
    name = resolved.repo.full_name

    def fetch(url: str) -> str:
        fetch_commit(git, url, name, resolved.sha)
        return url

    url = try_addresses(resolved.repo, fetch)
    index = _SubmoduleIndex(git, resolved)
    index.add(url, resolved.sha, "")
    return git.run("write-tree").strip() if index.count else resolved.sha


class _SubmoduleIndex:
    """The index of a repo, to which commits are added one after the other."""

    def __init__(self, git: Git, resolved: ResolvedRef) -> None:
        self.count = 0
        self._git = git
        self._repo = resolved.repo

    def add(self, url: str, sha: str, folder: str) -> None:
        """Add a commit's files to a folder, and then its submodules.

        Args:
            url: Where the commit was fetched from.
            sha: The commit.
            folder: POSIX path from the root; "" for the root.
        """
        name = self._repo.full_name
        if folder:
            self._git.run("update-index", "--force-remove", "--", folder)
        self._git.run("read-tree", *([f"--prefix={folder}/"] if folder else []), sha)
        addresses = self._read_addresses(sha)
        for path, commit in self._find_gitlinks(sha):
            below = f"{folder}/{path}" if folder else path
            if path not in addresses:
                log.debug("%s has no address for %s; leaving it empty", name, below)
                continue
            self.count += 1
            if self.count > limits.SUBMODULES.most:
                raise FetchError(
                    f"{name} has more than {limits.SUBMODULES.most} submodules.", url=redact(url)
                )
            address = self._require_address(addresses[path], url, below)
            fetch_commit(self._git, address, f"the submodule {below} of {name}", commit)
            self.add(address, commit, below)

    def _find_gitlinks(self, sha: str) -> Iterator[tuple[str, str]]:
        for line in self._git.run("ls-tree", "-r", "-z", "--full-tree", sha).split("\0"):
            entry, _, path = line.partition("\t")
            mode, _, rest = entry.partition(" ")
            if mode == _GITLINK:
                yield path, rest.split(" ")[1]

    def _read_addresses(self, sha: str) -> dict[str, str]:
        """Path to address, from ``.gitmodules``."""
        try:
            text = self._git.run(
                "config", f"--blob={sha}:.gitmodules", "--no-includes", "--null", "--list"
            )
        except GitFailed:
            return {}
        entries = dict(line.partition("\n")[::2] for line in text.split("\0"))
        stems = [key.removesuffix(".path") for key in entries if key.endswith(".path")]
        found = {entries[f"{stem}.path"]: entries.get(f"{stem}.url") for stem in stems}
        return {path: url for path, url in found.items() if url}

    def _require_address(self, address: str, parent: str, folder: str) -> str:
        """The address to fetch from: encrypted, or of the parent's kind."""
        url, reason = expand_scp(_join_address(parent, address)), ""
        try:
            parts = parse_url(url)
            if parts.scheme in ("http", "git") and not parts.is_loopback:
                url = f"https://{url.partition('://')[2]}"  # hosts no longer serve the unencrypted ones
            url = apply_mirror(url)
            reason = _find_address_problem(parse_url(url), parse_url(parent))
        except UrlError as error:
            reason = f"it {error}"
        if reason:
            shown = redact(url)
            raise FetchError(
                f"The submodule {folder} of {self._repo.full_name} cannot be fetched from "
                f"{shown!r}: {reason}.",
                url=shown,
                hint="Its address is in .gitmodules. Ask the owner of the repo.",
            )
        return url


def _find_address_problem(url: Url, parent: Url) -> str:
    """Why an address must not be fetched from; "" if it may."""
    if (url.scheme, url.user, url.host_key) == (parent.scheme, parent.user, parent.host_key):
        return ""  # the repo did not choose it
    if url.scheme not in ("https", "ssh", parent.scheme):
        return _ONLY
    return "" if has_plain_user(url) else "it contains a user name or a password"


def _join_address(parent: str, address: str) -> str:
    """Resolve an address that may be relative to the parent's, as git does."""
    if not address.startswith(("./", "../")):
        return f"file://{address}" if address.startswith("/") else address
    base, rest = parent.rstrip("/"), address
    while rest.startswith(("./", "../")):
        if rest.startswith("../"):
            base = base.rpartition("/")[0]
        rest = rest.partition("/")[2]
    return f"{base}/{rest}"
