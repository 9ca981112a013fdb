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
_CACHED = re.compile(r"(?:^|/)__pycache__/[^/]+\.pyc(?:\.\d+)?$")  # with digits while it is written
_OTHER = "000000"  # what git does not track, such as a pipe


class Entry(Struct, frozen=True, order=True):
    """One file or link of a tree.

    Attributes:
        path: POSIX path from the tree's root.
        mode: "100644" for a file, "100755" for an executable, "120000" for a link.
        size: Its length in bytes; for a link, that of its target.
        sha256: The digest of its bytes, or of the link's target, in hexadecimal.
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
        """The digest of the whole: "sha256:" and the digest of the text."""
        return f"sha256:{hashlib.sha256(self.render().encode()).hexdigest()}"

    def render(self) -> str:
        """The text: ``<sha256> <size> <mode> <path>`` per line, paths escaped like Python strings."""
        return "".join(
            f"{entry.sha256} {entry.size} {entry.mode} {_escape(entry.path)}\n"
            for entry in self.entries
        )


class Difference(Struct, frozen=True):
    """One file that has changed.

    Attributes:
        path: POSIX path from the tree's root.
        kind: What happened to it.
    """

    path: str
    kind: Literal["changed", "missing", "added"]


def make_manifest(entries: Iterable[Entry]) -> Manifest:
    """Make a manifest of files in any order."""
    return Manifest(tuple(sorted(entries)))


def entry_of_bytes(path: str, mode: str, content: bytes) -> Entry:
    """Make the entry of a file or link from its content."""
    return Entry(path, mode, len(content), hashlib.sha256(content).hexdigest())


def manifest_file(tree: Path) -> Path:
    """The path of a tree's manifest in the hub dir."""
    return tree.with_name(f"{tree.name}.files")


def read_manifest(tree: Path) -> Manifest | None:
    """Read the manifest of a tree, None if there is none."""
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


def measure_tree(tree: Path, copy: Path | None = None) -> Manifest:
    """Make the manifest of a tree, or of a copy of it, as it is now: every byte is read.

    Bytecode that Python has written since does not count.
    """
    known = read_manifest(tree)
    entries = {entry.path: entry for entry in known.entries} if known else {}
    folder = copy or tree
    return make_manifest(
        _measure(folder, path, entries.get(path))
        for path in walk_files(folder)
        if path in entries or not is_python_cache(path)
    )


def digest_of_tree(tree: Path) -> str:
    """The digest of a tree as it is now, "sha256:" and hexadecimal: every byte is read."""
    return measure_tree(tree).digest


def compare_tree(tree: Path, copy: Path | None = None) -> tuple[Difference, ...]:
    """Compare a tree, or a copy of it, with its manifest; nothing differs if there is no manifest."""
    known = read_manifest(tree)
    if known is None:
        return ()
    then = {entry.path: entry for entry in known.entries}
    now = {entry.path: entry for entry in measure_tree(tree, copy).entries}
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
        return known  # it is a copy: not every user of Windows may make links
    state = file.lstat()
    if not stat.S_ISREG(state.st_mode):
        return entry_of_bytes(path, _OTHER, b"")
    mode = EXECUTABLE if state.st_mode & stat.S_IXUSR else FILE
    if os.name == "nt" and known is not None:
        mode = known.mode
    from hubkit.hubdir.download import sha256_of

    return Entry(path, mode, state.st_size, sha256_of(file))


def _escape(path: str) -> str:
    if path.isascii() and path.isprintable() and "\\" not in path:
        return path  # nearly all
    return path.encode("unicode_escape", "surrogatepass").decode("ascii")


def _parse(line: str) -> Entry:
    sha256, size, mode, path = line.split(" ", 3)
    name = path.encode("ascii").decode("unicode_escape")
    return Entry(name, mode, int(size), sha256)


Stamp = tuple[str, int, int, int, int, int]

_digests: dict[str, tuple[frozenset[Stamp], str]] = {}


def read_digest(tree: Path) -> str:
    """The digest of a tree as it is now, as `digest_of_tree`."""
    stamps = frozenset(_read_stamps(str(tree)))
    known = _digests.get(str(tree))
    if known is not None and known[0] == stamps:
        return known[1]
    digest = digest_of_tree(tree)
    _digests[str(tree)] = stamps, digest
    return digest


def _read_stamps(tree: str) -> Iterator[Stamp]:
    """What changes with any file. The time of the last status change cannot be set at will."""
    for folder, folders, files in os.walk(tree):
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114
        for name in (*files, *links):
            path = f"{folder}/{name}"
            if not is_python_cache(path):
                found = os.lstat(path)
                times = found.st_mtime_ns, found.st_ctime_ns
                yield path, found.st_ino, found.st_mode, found.st_size, *times


def is_python_cache(path: str) -> bool:
    """Whether Python wrote a file beside the sources that it imported."""
    # The words first: every load with a lock file looks at all paths of a tree.
    return "__pycache__" in path and _CACHED.search(path) is not None


def require_digest(resolved: ResolvedRef, digest: str, locked: str | None) -> None:
    """Require that the files of a commit match the locked digest, if there is one.

    Raises:
        HashMismatchError: They do not.
    """
    if locked not in (None, digest):
        raise HashMismatchError(
            f"The files of {resolved.repo.full_name} at {resolved.sha} do not match the lock file: "
            f"their digest is {digest}, not {locked}.",
            expected=locked or "",
            actual=digest,
            hint="They were changed in transit or in the hub dir. Run `hubkit cache verify --fix` to fetch "
            "a changed copy again; if the files are right, run `hubkit lock` again.",
        )


def require_digest_of(tree: Path, repo: RepoRef, digest: str | None) -> None:
    """Require that a tree in the hub dir matches the locked digest, to the byte.

    Args:
        tree: The tree's folder.
        repo: The repo, with the commit as its ref.
        digest: The locked digest.

    Raises:
        HashMismatchError: It does not.
    """
    require_digest(ResolvedRef(repo, "", repo.ref or ""), read_digest(tree), digest)


def require_unchanged(tree: Path, repo: RepoRef, digest: str) -> None:
    """Require that a tree in the hub dir matches its manifest, if it has one.

    Raises:
        HashMismatchError: It does not.
    """
    known = read_manifest(tree)
    if known is not None and known.digest != digest:
        raise HashMismatchError(
            f"The files of {repo} in {tree} have changed since they were fetched.",
            expected=known.digest,
            actual=digest,
            hint="Run `hubkit cache verify --fix` to fetch them again.",
        )
