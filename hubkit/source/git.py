"""The git program, asked what a repo holds. It changes nothing and runs nothing of the repo's."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.errors import GitRepoError
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

# A repo's own settings may name programs; these are the ones that reading would start.
_HARMLESS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", f"core.attributesFile={os.devnull}"),
    # A clone without its blobs would fetch them, one by one.
    *("-c", "protocol.allow=never"),
    # git takes no attributes from files that a sparse checkout leaves out; archives do.
    *("-c", "core.sparseCheckout=false"),
)
_NO_GIT = "--no-git reads the folder as it is."


@dataclass(frozen=True, slots=True)
class Git:
    """The git program, at work in one folder.

    Attributes:
        folder: A folder of a work tree, or a bare repo.
        is_bare: Whether it is the latter.
    """

    folder: Path
    is_bare: bool = False

    def ask(self, *arguments: str, given: bytes = b"", index: Path | None = None) -> bytes:
        """What git says.

        Args:
            *arguments: The command.
            given: What it is given to read.
            index: The index to use in place of the repo's own.

        Raises:
            GitRepoError: git is not installed, or fails.
        """
        done = self.try_to(*arguments, given=given, index=index)
        if done.returncode:
            raise self.failure(done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def try_to(
        self, *arguments: str, given: bytes = b"", index: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """How git ends, well or not.

        Raises:
            GitRepoError: git is not installed.
        """
        environment = _environment()
        if index is not None:
            environment["GIT_INDEX_FILE"] = os.fspath(index)
        with self._installed():
            return subprocess.run(  # noqa: S603 - our own arguments, no shell
                self._command(arguments),
                input=given,
                env=environment,
                capture_output=True,
                check=False,
            )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A git that answers questions one after the other.

        Raises:
            GitRepoError: git is not installed.
        """
        with self._installed():
            return subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                self._command(arguments),
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )

    def failure(self, said: str) -> GitRepoError:
        """The error for what git said when it failed."""
        first = next((line for line in said.splitlines() if line.strip()), "it gave no reason")
        reason = first.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
        if "dubious ownership" in said:
            owned = f"git config --global --add safe.directory {self.folder.resolve()}"
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

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        place = ("--git-dir", os.fspath(self.folder)) if self.is_bare else ("-C", str(self.folder))
        return [_program(), *place, *_HARMLESS, *arguments]

    @contextmanager
    def _installed(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise GitRepoError(
                f"{self.folder} is a git repo, and git is not installed.",
                hint=f"Install git. {_NO_GIT}",
            ) from None


def _program() -> str:
    """What to start; on Windows a name alone would mean a file beside us before that on the path."""
    if os.name != "nt":
        return "git"
    import shutil

    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError
    return program


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


def find_commits_index(git: Git) -> Path | None:
    """The index of the commit that is being made, when a hook of this repo has us started.

    `git commit a.py` commits from an index of its own, which lacks what else is staged. One that
    lies elsewhere is some other repo's.
    """
    named = os.environ.get("GIT_INDEX_FILE")
    if not named or not Path(named).is_file():
        return None
    own = git.ask("rev-parse", "--absolute-git-dir").decode("utf-8", "surrogateescape").strip()
    index = Path(named).resolve()
    return index if index.parent == Path(own).resolve() else None


def _environment() -> dict[str, str]:
    """The environment without what it may say about another repo: a hook's, say."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_CONFIG_", "GIT_EXEC_PATH"))
    }
    # GIT_CONFIG_PARAMETERS and _COUNT are what `git -c` hands to its hooks.
    for name in list(kept):
        if name.startswith(("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_")):
            del kept[name]
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
