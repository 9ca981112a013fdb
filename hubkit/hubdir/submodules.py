"""A commit and the commits of its submodules, joined into one tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.git import has_plain_user
from hubkit._util.logs import log
from hubkit._util.urls import Url, UrlError, expand_scp, parse_url
from hubkit.errors import FetchError
from hubkit.hubdir.git import GitFailed
from hubkit.hubdir.hosts import redact, rewrite
from hubkit.hubdir.remotes import fetch_commit, try_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import ResolvedRef
    from hubkit.hubdir.git import Git

_GITLINK = "160000"
_ONLY = "only plain https and ssh addresses are asked"


def fetch_joined(git: Git, resolved: ResolvedRef) -> str:
    """Fetch a commit and its submodules, theirs included; gives the name of the whole tree.

    Without submodules that is the commit itself.

    Raises:
        FetchError: Something of it cannot be fetched.
    """
    name = resolved.repo.full_name

    def fetch(url: str) -> str:
        fetch_commit(git, url, name, resolved.sha)
        return url

    url = try_addresses(resolved.repo, fetch)
    joining = _Joining(git, resolved)
    joining.add(url, resolved.sha, "")
    return git.run("write-tree").strip() if joining.count else resolved.sha


class _Joining:
    """The index of a repo, to which one commit after the other is added.

    Attributes:
        count: How many submodules are in it.
    """

    def __init__(self, git: Git, resolved: ResolvedRef) -> None:
        self.count = 0
        self._git = git
        self._repo = resolved.repo

    def add(self, url: str, sha: str, folder: str) -> None:
        """Put a commit's files below a folder, and go on with its submodules.

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
                log.debug("%s has no address for %s, which stays empty", name, below)
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
        """Path to address, as ``.gitmodules`` has it."""
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
        """The address to ask, given the parent's: encrypted, or of the parent's own kind."""
        url, reason = expand_scp(_join(parent, address)), ""
        try:
            parts = parse_url(url)
            if parts.scheme in ("http", "git") and not parts.is_loopback:
                url = f"https://{url.partition('://')[2]}"  # hosts gave up the unencrypted ones
            url = rewrite(url)
            reason = _find_fault(parse_url(url), parse_url(parent))
        except UrlError as error:
            reason = f"it {error}"
        if reason:
            shown = redact(url)
            raise FetchError(
                f"The submodule {folder} of {self._repo.full_name} is not fetched from "
                f"{shown!r}: {reason}.",
                url=shown,
                hint="Its address is in the repo's .gitmodules: ask its owner.",
            )
        return url


def _find_fault(url: Url, parent: Url) -> str:
    """Why an address is not asked; "" if it is fine."""
    if (url.scheme, url.user, url.host_key) == (parent.scheme, parent.user, parent.host_key):
        return ""  # which is not the repo's text
    if url.scheme not in ("https", "ssh", parent.scheme):
        return _ONLY
    return "" if has_plain_user(url) else "it holds a user name or a password"


def _join(parent: str, address: str) -> str:
    """An address, which may be relative to that of the parent, as git reads it."""
    if not address.startswith(("./", "../")):
        return f"file://{address}" if address.startswith("/") else address
    base, rest = parent.rstrip("/"), address
    while rest.startswith(("./", "../")):
        if rest.startswith("../"):
            base = base.rpartition("/")[0]
        rest = rest.partition("/")[2]
    return f"{base}/{rest}"
