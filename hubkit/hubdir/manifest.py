"""The manifest of a tree: the digest, size and mode of each file, one per line.

It is written beside the tree when the archive is unpacked, and shows later which files have changed.
The digest of its text identifies the whole tree, whatever archive the files came in.

To verify a tree against a lock file, every byte is read when a process first loads the tree. After
that, a tree whose files have the same inodes, sizes and times counts as unchanged. Records in the
hub dir do not count: whoever can edit the code can edit them too.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit import limits
from hubkit._util.parse import read_bounded
from hubkit._util.paths import walk_files
from hubkit.errors import HashMismatchError
from hubkit.facts import ResolvedRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hubkit.facts import RepoRef

# As git writes them (https://git-scm.com/docs/git-fast-import#_filemodify).
FILE, EXECUTABLE, LINK = "100644", "100755", "120000"
_CACHED = re.compile(r"(?:^|/)__pycache__/[^/]+\.pyc(?:\.\d+)?$")  # digits: one being written
_OTHER = "000000"  # what git does not keep, such as a pipe


class Entry(Struct, frozen=True, order=True):
    """One file or link of a tree.

    Attributes:
        path: POSIX path from the tree's root on.
        mode: "100644" for a file, "100755" for one that may be executed, "120000" for a link.
        size: Its length in bytes; that of the target's text for a link.
        sha256: The digest of its bytes, or of the target's text, in hexadecimal digits.
    """

    path: str
    mode: str
    size: int
    sha256: str


class Manifest(Struct, frozen=True):
    """All files and links of a tree, sorted by path."""

    entries: tuple[Entry, ...]

    @property
    def digest(self) -> str:
        """What stands for the whole: "sha256:" and the digest of the text."""
        return f"sha256:{hashlib.sha256(self.render().encode()).hexdigest()}"

    def render(self) -> str:
        """The text: ``<sha256> <size> <mode> <path>`` a line, paths escaped like Python strings."""
        return "".join(
            f"{entry.sha256} {entry.size} {entry.mode} {_escape(entry.path)}\n"
            for entry in self.entries
        )


class Difference(Struct, frozen=True):
    """One file that is not as it was.

    Attributes:
        path: POSIX path from the tree's root on.
        kind: What happened to it.
    """

    path: str
    kind: Literal["changed", "missing", "added"]


def make_manifest(entries: Iterable[Entry]) -> Manifest:
    """A manifest of files in any order."""
    return Manifest(tuple(sorted(entries)))


def entry_of_bytes(path: str, mode: str, content: bytes) -> Entry:
    """The entry of a file or link whose content is at hand."""
    return Entry(path, mode, len(content), hashlib.sha256(content).hexdigest())


def manifest_file(tree: Path) -> Path:
    """Where the manifest of a tree in the hub dir lies."""
    return tree.with_name(f"{tree.name}.files")


def read_manifest(tree: Path) -> Manifest | None:
    """The manifest that was written when a tree was unpacked, or None when there is none."""
    try:
        data = read_bounded(manifest_file(tree), limits.MANIFEST_BYTES)
        lines = data.decode("utf-8").splitlines()
    except (OSError, ValueError):
        return None
    try:
        entries = tuple(map(_parse, lines))
    except ValueError:
        return None
    return Manifest(entries) if entries else None  # a tree has files


def measure_tree(tree: Path) -> Manifest:
    """What a tree consists of now: every byte is read.

    Bytecode that Python has put there since does not count.
    """
    known = read_manifest(tree)
    told = {entry.path: entry for entry in known.entries} if known else {}
    return make_manifest(
        _measure(tree, path, told.get(path))
        for path in walk_files(tree)
        if path in told or not is_python_cache(path)
    )


def digest_of_tree(tree: Path) -> str:
    """What stands for a tree as it is now, "sha256:" and a digest: every byte is read."""
    return measure_tree(tree).digest


def compare_tree(tree: Path) -> tuple[Difference, ...]:
    """How a tree differs from what was unpacked; nothing when no manifest tells."""
    known = read_manifest(tree)
    if known is None:
        return ()
    then = {entry.path: entry for entry in known.entries}
    now = {entry.path: entry for entry in measure_tree(tree).entries}
    differences = []
    for path in sorted(then.keys() | now.keys()):
        if path not in now:
            differences.append(Difference(path, "missing"))
        elif path not in then:
            differences.append(Difference(path, "added"))
        elif then[path] != now[path]:
            differences.append(Difference(path, "changed"))
    return tuple(differences)


def _measure(tree: Path, path: str, known: Entry | None) -> Entry:
    file = tree / path
    if file.is_symlink():
        return entry_of_bytes(path, LINK, os.fsencode(os.readlink(file)))  # noqa: PTH115
    if os.name == "nt" and known is not None and known.mode == LINK:
        return known  # a copy stands for it, as Windows makes no links for everybody
    state = file.lstat()
    if not stat.S_ISREG(state.st_mode):
        return entry_of_bytes(path, _OTHER, b"")
    mode = EXECUTABLE if state.st_mode & stat.S_IXUSR else FILE
    if os.name == "nt" and known is not None:
        mode = known.mode
    from hubkit.hubdir.download import sha256_of

    return Entry(path, mode, state.st_size, sha256_of(file))


def _escape(path: str) -> str:
    return path.encode("unicode_escape", "surrogatepass").decode("ascii")


def _parse(line: str) -> Entry:
    sha256, size, mode, path = line.split(" ", 3)
    name = path.encode("ascii").decode("unicode_escape")
    return Entry(name, mode, int(size), sha256)


Stamp = tuple[str, int, int, int, int, int]

_digests: dict[str, tuple[frozenset[Stamp], str]] = {}


def read_digest(tree: Path) -> str:
    """The digest of a tree as it is now, like that of its manifest.

    Args:
        tree: The tree's folder.
    """
    stamps = frozenset(_read_stamps(str(tree)))
    known = _digests.get(str(tree))
    if known is not None and known[0] == stamps:
        return known[1]
    digest = digest_of_tree(tree)
    _digests[str(tree)] = stamps, digest
    return digest


def _read_stamps(tree: str) -> Iterator[Stamp]:
    """What changes with any file; the time of the last change of status cannot be set at will."""
    for folder, folders, files in os.walk(tree):
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114
        for name in (*files, *links):
            path = f"{folder}/{name}"
            if not is_python_cache(path):
                found = os.lstat(path)
                times = found.st_mtime_ns, found.st_ctime_ns
                yield path, found.st_ino, found.st_mode, found.st_size, *times


def is_python_cache(path: str) -> bool:
    """Whether a file is one that Python writes beside sources that it imports."""
    return _CACHED.search(path) is not None


def require_digest(resolved: ResolvedRef, digest: str, locked: str | None) -> None:
    """Insist that the files of a commit are those that were locked, if any were.

    Raises:
        HashMismatchError: They are not.
    """
    if locked not in (None, digest):
        raise HashMismatchError(
            f"The files of {resolved.repo.full_name} at {resolved.sha} are not those that were "
            f"locked: their digest is {digest}, not {locked}.",
            expected=locked or "",
            actual=digest,
            hint="Something on the way, or in the hub dir, has changed them. `hubkit cache verify --fix` "
            "has a changed copy fetched again; if the files are right, run `hubkit lock` again.",
        )


def require_digest_of(tree: Path, repo: RepoRef, digest: str | None) -> None:
    """Insist that a tree in the hub dir is, to the byte, what was locked.

    Args:
        tree: The tree's folder.
        repo: The repo, with the commit as its ref.
        digest: What was locked.

    Raises:
        HashMismatchError: It is not.
    """
    require_digest(ResolvedRef(repo, "", repo.ref or ""), read_digest(tree), digest)


def require_unchanged(tree: Path, repo: RepoRef, digest: str) -> None:
    """Insist that a tree in the hub dir is as it was fetched, as far as its manifest tells.

    Args:
        tree: The tree's folder.
        repo: The repo, with the commit as its ref.
        digest: The digest of the tree as it is now.

    Raises:
        HashMismatchError: It is not.
    """
    known = read_manifest(tree)
    if known is not None and known.digest != digest:
        raise HashMismatchError(
            f"The files of {repo} in {tree} were changed since they were fetched.",
            expected=known.digest,
            actual=digest,
            hint="Have them fetched again: hubkit cache verify --fix",
        )
