"""Reading a git repo: its program, its objects, its refs and which files it tracks.

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

from hubkit import limits
from hubkit._util import git
from hubkit.errors import GitRepoError
from hubkit.facts import Gap, Refs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hubkit.facts import EntryKind, Files


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
_ALL_BRANCHES = "+refs/heads/*:refs/remotes/origin/*"


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
    remote, refspecs = _read_origin(git)
    # A clone made with --single-branch has one branch, which says nothing about the others.
    has_all = len(branches) > 1 or _ALL_BRANCHES in refspecs
    lists_all = prefix == _REMOTE and bool(default) and has_all
    return Refs(default, branches, tags, lists_all, remote)


def _read_origin(git: Git) -> tuple[str, tuple[str, ...]]:
    """The first URL of ``origin``, and what a fetch from it updates."""
    output = git.try_to("config", "--get-regexp", r"^remote\.origin\.(url|fetch)$").stdout
    rows = [line.partition(" ") for line in output.decode("utf-8", "replace").splitlines()]
    urls = [value for key, _, value in rows if key == "remote.origin.url"]
    refspecs = tuple(value for key, _, value in rows if key == "remote.origin.fetch")
    return urls[0] if urls else "", refspecs


_LINK, _SUBMODULE = "120000", "160000"
_ATTRIBUTES = ".gitattributes"
_IGNORE, _FILTER = "export-ignore", "filter"


class Tracked(Struct, frozen=True):
    """The files that git tracks.

    Attributes:
        lines: The line of git for each path; it starts with the mode.
        ignored: Paths that archives leave out.
        folders: Every folder with a tracked file, and every submodule.
        filtered: Paths with the filter of LFS.
        kept: Every path in archives, sorted.
        special: The links and submodules among them, sorted.
    """

    lines: Mapping[str, str]
    ignored: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    filtered: frozenset[str] = frozenset()
    kept: tuple[str, ...] = ()
    special: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether archives contain a file at a path."""
        return path in self.lines and path not in self.ignored

    def mode(self, path: str) -> int:
        """The mode of a tracked file."""
        return int(self.lines[path][:6], 8)

    def ignores(self, path: str) -> bool:
        """Whether archives leave out a file, or a folder and its contents."""
        if path in self.ignored:
            return True
        inside = f"{path}/"
        return path not in self.folders and any(one.startswith(inside) for one in self.ignored)

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every path of a kind in archives, sorted."""
        mode = {"link": _LINK, "submodule": _SUBMODULE, "file": "100"}[kind]
        paths = self.kept if kind == "file" else self.special
        return tuple(path for path in paths if self.lines[path].startswith(mode))

    def detour(self, path: str) -> Gap | None:
        """The first link or submodule in a path, or None."""
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            at = "/".join(parts[:end])
            line = self.lines.get(at, "")
            if line.startswith(_SUBMODULE):
                return Gap("submodule", at)
            if line.startswith(_LINK):
                return Gap("link", at)
        return None


def track(git: Git, lines: dict[str, str], read: Callable[[str], bytes], tree: str = "") -> Tracked:
    """Sort tracked files by their attributes.

    Args:
        git: Reads the attributes.
        lines: The line of git for each path.
        read: Returns the contents of a ``.gitattributes``.
        tree: The commit with the attributes; "" for those of the work tree.
    """
    ignored, filtered = _find_marked(git, lines, read, tree)
    kept = tuple(sorted(lines.keys() - ignored if ignored else lines.keys()))
    special = tuple(path for path in kept if lines[path][:3] != "100")
    folders = {path.rpartition("/")[0] for path in kept}
    folders |= {path for path in special if lines[path].startswith(_SUBMODULE)}
    folders |= {parent for folder in folders for parent in _parents(folder)}
    return Tracked(lines, ignored, frozenset(folders | {""}), filtered, kept, special)


def _find_marked(
    git: Git, lines: dict[str, str], read: Callable[[str], bytes], tree: str
) -> tuple[frozenset[str], frozenset[str]]:
    """Paths that archives leave out, and those with the filter of LFS.

    git is started only if a ``.gitattributes`` mentions either.
    """
    paths = tuple(lines)
    sources = [path for path in paths if path.rpartition("/")[2] == _ATTRIBUTES]
    output = b"\n".join(read(path) for path in sources)
    if _IGNORE.encode() not in output and b"=lfs" not in output:
        return frozenset(), frozenset()
    folders = {parent for path in paths for parent in _parents(path)}
    # Like `git archive`, end folders with a slash.
    asked = [*paths, *(f"{folder}/" for folder in folders)]
    stdin = "\0".join(asked).encode("utf-8", "surrogateescape")
    answers = _check(git, stdin, tree).decode("utf-8", "surrogateescape").split("\0")
    rows = list(zip(answers[::3], answers[1::3], answers[2::3], strict=False))
    marked = {path for path, name, value in rows if name == _IGNORE and value == "set"}
    ignored = (
        path
        for path in paths
        if path in marked or any(f"{parent}/" in marked for parent in _parents(path))
    )
    filtered = (path for path, name, value in rows if name == _FILTER and value == "lfs")
    return frozenset(ignored), frozenset(filtered)


def _check(git: Git, stdin: bytes, tree: str) -> bytes:
    command = ("check-attr", "-z", "--stdin", _IGNORE, _FILTER)
    if not tree:
        return git.ask(*command, stdin=stdin)
    import tempfile

    # Like `git archive`, and in every version of git: with a temporary index.
    with tempfile.TemporaryDirectory(prefix="hubkit-") as folder:
        index = Path(folder) / "index"
        git.ask("read-tree", tree, index=index)
        return git.ask("check-attr", "--cached", *command[1:], stdin=stdin, index=index)


def _parents(path: str) -> Iterable[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def why_left_out(git: Git, path: str) -> str:
    """Why archives will not contain a file that may not exist yet; "" if they will.

    Args:
        git: Git in the repo's folder.
        path: The file, relative to that folder.
    """
    if not git.try_to("check-ignore", "--quiet", "--", path).returncode:
        return "git ignores it"
    asked = [path, *(f"{folder}/" for folder in _parents(path))]
    output = _check(git, "\0".join(asked).encode("utf-8", "surrogateescape"), "")
    answers = output.decode("utf-8", "surrogateescape").split("\0")
    rows = set(zip(answers[::3], answers[1::3], answers[2::3], strict=False))
    if any((one, _IGNORE, "set") in rows for one in asked):
        return ".gitattributes excludes it from downloads"
    if (path, _FILTER, "lfs") in rows:
        return "downloads have a Git LFS pointer in place of it"
    return ""


def read_attributes(files: Files, path: str) -> bytes:
    """The contents of a ``.gitattributes`` in a work tree; empty if it cannot be read."""
    try:
        return files.read(path, limits.ATTRIBUTES_BYTES.most)
    except (OSError, ValueError):
        return b""


# According to the LFS specification, a pointer starts with this and has less than 1024 bytes.
LFS_SIGNATURE = b"version https://git-lfs.github.com/spec/"
# Files that may be pointers without the attribute, for example copies from an LFS repo.
_WEIGHTS = (".bin", ".ckpt", ".h5", ".jit", ".npz", ".onnx", ".pt", ".pth", ".safetensors", ".tar")


def find_candidates(tracked: Tracked) -> Iterator[str]:
    """Paths in archives that may be LFS pointers."""
    for path in tracked.lines:
        if (path in tracked.filtered or path.endswith(_WEIGHTS)) and tracked.holds(path):
            yield path


def select_pointers(
    paths: Iterable[str], size: Callable[[str], int], read: Callable[[str, int], bytes]
) -> frozenset[str]:
    """The paths that are LFS pointers."""
    return frozenset(
        path
        for path in paths
        if len(LFS_SIGNATURE) < size(path) < limits.POINTER_BYTES.most and is_pointer(path, read)
    )


def is_pointer(path: str, read: Callable[[str, int], bytes]) -> bool:
    """Whether a file is an LFS pointer."""
    try:
        return read(path, len(LFS_SIGNATURE)) == LFS_SIGNATURE
    except OSError:
        return False
