"""The git program, reading a repo. It changes nothing and runs nothing of the repo's."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util import git
from hubkit.errors import GitRepoError

if TYPE_CHECKING:
    import subprocess

_NO_GIT = "--no-git reads the folder as it is."


class Git(Struct, frozen=True):
    """The git program, reading in one folder.

    Attributes:
        folder: A folder of a work tree, or a bare repo.
        is_bare: Whether it is the latter.
    """

    folder: Path
    is_bare: bool = False

    def ask(self, *arguments: str, given: bytes = b"", index: Path | None = None) -> bytes:
        """What git prints.

        Args:
            *arguments: The command.
            given: What git reads from its standard input.
            index: The index to use in place of the repo's own.

        Raises:
            GitRepoError: git is not installed, or fails.
        """
        done = self.try_to(*arguments, given=given, index=index)
        if done.returncode:
            raise self.failure(done.complaint)
        return done.stdout

    def try_to(
        self, *arguments: str, given: bytes = b"", index: Path | None = None
    ) -> git.GitResult:
        """How git ends, well or not.

        Raises:
            GitRepoError: git is not installed, or does not end.
        """
        try:
            return git.read(self.folder, *arguments, bare=self.is_bare, stdin=given, index=index)
        except git.GitError as error:
            raise self._no_result(error) from error

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A git that replies to one request after the other.

        Raises:
            GitRepoError: git is not installed.
        """
        try:
            return git.start_reading(self.folder, *arguments, bare=self.is_bare)
        except git.GitError as error:
            raise self._no_result(error) from error

    def wait_for_reply(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a git that was started replies or ends.

        Raises:
            GitRepoError: It did neither in time.
        """
        try:
            git.wait_for_reply(process)
        except git.GitError as error:
            raise self._no_result(error) from error

    def failure(self, said: str) -> GitRepoError:
        """The error for what git said when it failed."""
        first = next((line for line in said.splitlines() if line.strip()), "it gave no reason")
        reason = first.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
        if "dubious ownership" in said:
            owned = f"git config --global --add safe.directory {shlex.quote(str(self.folder.resolve()))}"
            return GitRepoError(
                f"git does not read {self.folder}: it belongs to somebody else.",
                hint=f"If you trust it: {owned}. {_NO_GIT}",
            )
        if "promisor" in said or "lazy fetching" in said:
            return GitRepoError(
                f"{self.folder} is a partial clone, and lacks contents that are to be read.",
                hint="Clone it without --filter: check makes no request to any host.",
            )
        return GitRepoError(
            f"git cannot read the repo at {self.folder}: {reason}.",
            hint=f"`git fsck` may tell more. {_NO_GIT}",
        )

    def _no_result(self, error: git.GitError) -> GitRepoError:
        if isinstance(error, git.GitMissingError):
            return GitRepoError(
                f"{self.folder} is a git repo, and git is not installed.",
                hint=f"Install git. {_NO_GIT}",
            )
        return GitRepoError(f"git cannot read the repo at {self.folder}: {error}.", hint=_NO_GIT)


def git_output(folder: Path, *arguments: str) -> str:
    """What git prints in a folder, or in the nearest existing one above; "" if git fails."""
    place = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    if place is None:
        return ""
    try:
        result = git.read(place, *arguments)
    except git.GitError:
        return ""
    return "" if result.returncode else result.stdout.decode("utf-8", "replace").strip()


def find_git(folder: Path) -> Git | None:
    """Git for a folder that lies in a work tree or is a bare repo; None when it is neither.

    No process is started to tell.
    """
    start = folder.resolve()
    for place in (start, *start.parents):
        if (place / ".git").exists():
            return Git(folder)
    names = ("HEAD", "objects", "refs")
    if all((start / name).exists() for name in names) and (start / "HEAD").is_file():
        return Git(folder, is_bare=True)
    return None


def find_commits_index(repo: Git) -> Path | None:
    """The index of the commit that is being made, when a hook of this repo has us started.

    `git commit a.py` commits from an index of its own, which lacks what else is staged. One that
    lies elsewhere is some other repo's.
    """
    named = os.environ.get("GIT_INDEX_FILE")
    if not named or not Path(named).is_file():
        return None
    own = repo.ask("rev-parse", "--absolute-git-dir").decode("utf-8", "surrogateescape").strip()
    index = Path(named).resolve()
    return index if index.parent == Path(own).resolve() else None
