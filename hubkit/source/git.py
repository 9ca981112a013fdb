"""Reading a git repo: its program, its objects and its refs.

It changes nothing and runs nothing of the repo's.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util import git
from hubkit.errors import GitRepoError
from hubkit.facts import Refs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

_NO_GIT = "To read the folder without git, pass --no-git."


class Git(Struct, frozen=True):
    """The git program, reading in one folder.

    Attributes:
        folder: A folder of a work tree, or a bare repo.
        is_bare: Whether it is a bare repo.
    """

    folder: Path
    is_bare: bool = False

    def ask(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        """The output of a git command.

        Args:
            *arguments: The command.
            stdin: The standard input.
            index: The index to use in place of the repo's own.

        Raises:
            GitRepoError: git is not installed, or fails.
        """
        done = self.try_to(*arguments, stdin=stdin, index=index)
        if done.returncode:
            raise self.failure(done.complaint)
        return done.stdout

    def try_to(
        self, *arguments: str, stdin: bytes = b"", index: Path | None = None
    ) -> git.GitResult:
        """The result of a git command, which may have failed.

        Raises:
            GitRepoError: git is not installed, or does not end.
        """
        try:
            return git.read(self.folder, *arguments, bare=self.is_bare, stdin=stdin, index=index)
        except git.GitError as error:
            raise self._no_result(error) from error

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a git command that replies to one request after the other.

        Raises:
            GitRepoError: git is not installed.
        """
        try:
            return git.start_reading(self.folder, *arguments, bare=self.is_bare)
        except git.GitError as error:
            raise self._no_result(error) from error

    def wait_for_reply(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a started command replies or ends.

        Raises:
            GitRepoError: It did neither in time.
        """
        try:
            git.wait_for_reply(process)
        except git.GitError as error:
            raise self._no_result(error) from error

    def failure(self, output: str) -> GitRepoError:
        """The error for the output of a failed command."""
        first = next((line for line in output.splitlines() if line.strip()), "no error message")
        reason = first.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
        if "dubious ownership" in output:
            owned = f"git config --global --add safe.directory {shlex.quote(str(self.folder.resolve()))}"
            return GitRepoError(
                f"git refuses to read {self.folder}: it belongs to another user",
                hint=f"If you trust it, run `{owned}`. {_NO_GIT}",
            )
        if "promisor" in output or "lazy fetching" in output:
            return GitRepoError(
                f"{self.folder} is a partial clone that lacks objects to read",
                hint="Clone it without --filter. hubkit does not fetch the missing objects.",
            )
        return GitRepoError(
            f"git cannot read the repo at {self.folder}: {reason}",
            hint=f"Run `git fsck` to check the repo. {_NO_GIT}",
        )

    def _no_result(self, error: git.GitError) -> GitRepoError:
        if isinstance(error, git.GitMissingError):
            return GitRepoError(
                f"{self.folder} is a git repo, but git is not installed",
                hint=f"Install git. {_NO_GIT}",
            )
        return GitRepoError(f"git cannot read the repo at {self.folder}: {error}", hint=_NO_GIT)


def git_output(folder: Path, *arguments: str) -> str:
    """The output of git in a folder, or in the nearest existing one above; "" if git fails."""
    place = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    if place is None:
        return ""
    try:
        result = git.read(place, *arguments)
    except git.GitError:
        return ""
    return "" if result.returncode else result.stdout.decode("utf-8", "replace").strip()


def find_git(folder: Path) -> Git | None:
    """Git for a folder in a work tree, or for a bare repo; else None. Starts no process."""
    start = folder.resolve()
    for place in (start, *start.parents):
        if (place / ".git").exists():
            return Git(folder)
    names = ("HEAD", "objects", "refs")
    if all((start / name).exists() for name in names) and (start / "HEAD").is_file():
        return Git(folder, is_bare=True)
    return None


def find_commits_index(repo: Git) -> Path | None:
    """The index of the commit in progress, if a hook of this repo started this process.

    `git commit a.py` uses an index of its own, without other staged changes. An index in another
    folder belongs to another repo.
    """
    named = os.environ.get("GIT_INDEX_FILE")
    if not named or not Path(named).is_file():
        return None
    own = repo.ask("rev-parse", "--absolute-git-dir").decode("utf-8", "surrogateescape").strip()
    index = Path(named).resolve()
    return index if index.parent == Path(own).resolve() else None


_PIECE = 1024 * 1024


class Blobs:
    """Reads contents of objects. git is started for the first one and stopped with this object."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, name: str, limit: int = -1) -> bytes:
        """An object's contents.

        Args:
            name: The object's name.
            limit: Maximum number of bytes; -1 for all.

        Raises:
            OSError: git has no such object here.
            GitRepoError: git gave up, as it does in a clone without its blobs.
        """
        process = self._process or self._start()
        asked, answers = process.stdin, process.stdout
        if asked is None or answers is None:
            raise OSError("git does not respond")
        with contextlib.suppress(BrokenPipeError):
            asked.write(f"{name}\n".encode())
            asked.flush()
        self._git.wait_for_reply(process)
        line = answers.readline()
        if not line:
            raise self._ended(process)
        _, *header = line.split()
        if len(header) != 2:  # type and size, or the one word "missing"
            raise OSError(f"the object {name} is not in this clone")
        size = int(header[1])
        data = answers.read(size if limit < 0 else min(limit, size))
        left = size + 1 - len(data)  # and a line end
        while left > 0:
            left -= len(answers.read(min(left, _PIECE))) or left
        return data

    def _ended(self, process: subprocess.Popen[bytes]) -> GitRepoError:
        """The error for a git that ended before it replied."""
        partial = self._git.try_to("config", "--get-regexp", r"^remote\..*\.promisor$").stdout
        return self._git.failure(
            "promisor" if partial else f"git exited with status {process.wait()}"
        )

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = self._git.start("cat-file", "--batch")
        weakref.finalize(self, _stop, self._process)
        return self._process


def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # The last request may not have been read.
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    process.wait()


def find_unpushed(git: Git, sha: str, above: int) -> tuple[str, ...]:
    """Paths of the files above a size that a push of a commit would send, in any commit of it.

    Args:
        git: The repo.
        sha: The commit.
        above: A size in bytes.

    Raises:
        GitRepoError: git cannot list the commits.
    """
    # In a partial clone, what is missing is on the host already.
    command = ("rev-list", "--objects", "--missing=allow-any", sha, "--not", "--remotes")
    listed = git.ask(*command)
    found = git.ask("cat-file", f"--batch-check={_SIZES}", stdin=listed)
    rows = (line.split(b" ", 2) for line in found.splitlines())
    return tuple(
        dict.fromkeys(
            row[2].decode("utf-8", "surrogateescape")
            for row in rows
            if len(row) == 3 and row[0] == b"blob" and int(row[1]) > above
        )
    )


_SIZES = "%(objecttype) %(objectsize) %(rest)"
_FORMAT = "--format=%(refname)%00%(objectname)%00%(symref)%00%(HEAD)"
_HEADS, _TAGS, _REMOTE = "refs/heads/", "refs/tags/", "refs/remotes/origin/"


def read_refs(git: Git) -> Refs:
    """The last fetched branches of ``origin``, or the repo's own branches without one.

    The default branch is that of ``origin``'s HEAD, of a bare repo's HEAD, or the only one.
    """
    output = git.ask("for-each-ref", _FORMAT, _HEADS, _TAGS, _REMOTE).decode("utf-8", "replace")
    rows = [line.split("\0") for line in output.splitlines()]
    tags = {name[len(_TAGS) :]: sha for name, sha, *_ in rows if name.startswith(_TAGS)}
    prefix = _REMOTE if any(row[0].startswith(_REMOTE) for row in rows) else _HEADS
    branches = {
        name[len(prefix) :]: sha
        for name, sha, *_ in rows
        if name.startswith(prefix) and name != f"{_REMOTE}HEAD"
    }
    aim = next((aim for name, _, aim, _ in rows if name == f"{_REMOTE}HEAD"), "")
    default = aim.removeprefix(_REMOTE)
    if prefix == _HEADS:
        at_head = [name[len(_HEADS) :] for name, _, _, mark in rows if mark == "*"]
        named = at_head if git.is_bare else list(branches)
        default = named[0] if len(named) == 1 else ""
    lists_all = prefix == _REMOTE and bool(default) and _fetches_all(git, branches)
    return Refs(default, branches, tags, lists_all)


def _fetches_all(git: Git, branches: Mapping[str, str]) -> bool:
    """Whether a clone has every branch, unlike one made with --single-branch."""
    if len(branches) > 1:
        return True
    output = git.try_to("config", "--get-all", "remote.origin.fetch").stdout
    return b"+refs/heads/*:refs/remotes/origin/*" in output.split()
