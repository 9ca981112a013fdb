"""A git work tree: tracked files with their present contents, and how they differ from the commit."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.paths import refuse
from hubkit.errors import GitRepoError
from hubkit.facts import Entry, Files, Gap
from hubkit.source.folder import Folder
from hubkit.source.git import (
    Blobs,
    Tracked,
    find_candidates,
    find_commits_index,
    find_git,
    is_pointer,
    read_attributes,
    read_refs,
    select_pointers,
    track,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hubkit.facts import EntryKind, Refs
    from hubkit.source.git import Git


@dataclass(frozen=True, slots=True)
class WorkTree(Files):
    """The files of a commit of all changes to tracked files.

    Attributes:
        folder: The folder, including files that a sparse checkout leaves out.
        tracked: The tracked files, and the new ones.
        git: Tells untracked from ignored files.
        new: Files that git does not track yet and that count as if it did.
        memo: The paths, once they were read.
        known_refs: The refs, once they were read.
    """

    folder: Folder | Sparse
    tracked: Tracked
    git: Git
    new: frozenset[str] = frozenset()
    memo: list[tuple[str, ...]] = field(default_factory=list, compare=False, repr=False)
    known_refs: list[Refs] = field(default_factory=list, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder.root

    @property
    def is_tracked(self) -> bool:
        """Always."""
        return True

    def paths(self) -> tuple[str, ...]:
        """Every path in archives whose file still exists."""
        if not self.memo:
            # List folders instead of checking files: there are a hundred times fewer.
            present = {
                f"{folder}/{name}" if folder else name
                for folder in self.tracked.folders
                for name in self.folder.names(folder)
            }
            self.memo.append(tuple(path for path in self.tracked.kept if path in present))
        return self.memo[0]

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """The paths that end in one of the suffixes. Other files are not checked."""
        found = (path for path in self.tracked.kept if path.lower().endswith(suffixes))
        return tuple(path for path in found if self.entry(path) is not None)

    def entry(self, path: str) -> Entry | None:
        """The file, link or submodule at a path, with the mode in git."""
        if not self.tracked.holds(path):
            return None
        mode = self.tracked.mode(path)
        found = self.folder.entry(path)
        if found is None:
            return Entry(path, mode, 0) if stat.S_IFMT(mode) == stat.S_IFMT(0o160000) else None
        return replace(found, mode=mode)

    def _sizes(self) -> tuple[int, ...]:
        """The sizes of all files; those of a folder are read together, which is faster."""
        plain = self.folder if isinstance(self.folder, Folder) else None
        if plain is None or self.tracked.special:
            return super(WorkTree, self)._sizes()
        return tuple(
            size
            for folder in self.tracked.folders
            for name, size in plain.sizes_in(folder)
            if self.tracked.holds(f"{folder}/{name}" if folder else name)
        )

    def names(self, folder: str) -> frozenset[str]:
        """Names of tracked files and folders that still exist."""
        return frozenset(name for name in self.folder.names(folder) if self._has(folder, name))

    def strays(self, folder: str) -> frozenset[str]:
        """Other names in a folder."""
        return self.folder.names(folder) - self.names(folder)

    def detour(self, path: str) -> Gap | None:
        """The first link or submodule in a path."""
        return self.tracked.detour(path)

    def gap(self, path: str) -> Gap | None:
        """Why consumers lack a file."""
        if path in self.new:
            return Gap("untracked", path)
        found = self.tracked.detour(path)
        if found or self.tracked.holds(path) or path in self.tracked.folders:
            return found
        if self.tracked.ignores(path):
            return Gap("export-ignore", path)
        done = self.git.try_to("check-ignore", "--quiet", "--", path)
        return Gap("untracked" if done.returncode else "ignored", path)

    def all_names(self, folder: str) -> frozenset[str]:
        """All names in a folder."""
        return self.folder.names(folder)

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every path of a kind."""
        return self.tracked.of_kind(kind)

    def pointers(self) -> frozenset[str]:
        """Files that are LFS pointers in the index; on disk they may have their contents."""
        blobs = Blobs(self.git)
        names = {path: self.tracked.lines[path].split()[1] for path in self.tracked.filtered}
        found = {
            path
            for path in self.tracked.filtered
            if self.tracked.holds(path)
            and is_pointer(path, lambda path, limit: blobs.read(names[path], limit))
        }
        rest = (path for path in find_candidates(self.tracked) if path not in found)
        return select_pointers(rest, self._size, self.read) | found

    def refs(self) -> Refs:
        """The repo's branches and tags."""
        if not self.known_refs:
            self.known_refs.append(read_refs(self.git))
        return self.known_refs[0]

    def is_file(self, path: str) -> bool:
        """Whether a path is a file."""
        return self.folder.is_file(path)

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder."""
        return self.folder.is_folder(path)

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        self._require_no_way_out(path)
        return self.folder.read(path, limit)

    def _require_no_way_out(self, path: str) -> None:
        """Require that no link of the repo or of a submodule leads to an untracked file.

        Untracked files belong to the user and may contain secrets.

        Raises:
            UnsafePathError: A link leads to one.
        """
        found = self.tracked.detour(path)
        if found is None:
            return
        real = self.folder.real_path(path)
        if real != path and real not in self.tracked.lines:
            raise refuse(self.root / path, "it points to a file that git does not track")

    def _size(self, path: str) -> int:
        entry = self.entry(path)
        return entry.size if entry else 0

    def _has(self, folder: str, name: str) -> bool:
        path = f"{folder}/{name}" if folder else name
        return path in self.tracked.folders or self.tracked.holds(path)


def open_files(folder: Path) -> Files:
    """The files of a folder as consumers get them: in a git work tree, the tracked files.

    Outside git, or if nothing in the folder is tracked, all its files. If ``hubconf.py`` is not
    tracked, the files that ``git add`` would add count too: it is the next step of its author.

    Args:
        folder: The folder of the repo; it may be inside a git repo.

    Raises:
        GitRepoError: It is a git repo that git cannot read.
    """
    git = find_git(folder)
    if git is None:
        return Folder(folder)
    if git.is_bare:
        raise GitRepoError(
            f"{folder} is a bare repo, which has no working tree",
            hint="Pass a commit. For example: --ref HEAD",
        )
    lines, skipped = _read_index(git)
    if not lines:
        return Folder(folder)
    is_new = "hubconf.py" not in lines and (folder / "hubconf.py").is_file()
    new = _read_new(git, folder) if is_new and find_commits_index(git) is None else {}
    files = complete(Folder(folder), lines, skipped, git)
    tracked = track(git, {**lines, **new}, lambda path: read_attributes(files, path))
    return WorkTree(files, tracked, git, frozenset(new))


def _read_index(git: Git) -> tuple[dict[str, str], set[str]]:
    """The line of git for each tracked file, and the files that are not checked out."""
    output = git.ask("ls-files", "-t", "--stage", "-z", index=find_commits_index(git))
    lines: dict[str, str] = {}
    skipped: set[str] = set()
    for record in output.decode("utf-8", "surrogateescape").split("\0"):
        line, _, path = record.partition("\t")
        if path:
            lines[path] = line[2:]
            if line[0] == SKIPPED:
                skipped.add(path)
    return lines, skipped


def _read_new(git: Git, folder: Path) -> dict[str, str]:
    """Lines as in the index for the files that are neither tracked nor ignored."""
    output = git.ask("ls-files", "--others", "--exclude-standard", "-z")
    paths = output.decode("utf-8", "surrogateescape").split("\0")
    # A path that ends in a slash is another repo.
    return {
        path: f"{'120000' if (folder / path).is_symlink() else '100644'} {_NO_OBJECT} 0"
        for path in paths
        if path and not path.endswith("/")
    }


_NO_OBJECT = "0" * 40
# The letter of git for tracked files that are not checked out.
SKIPPED = "S"
_FILE = "100"


@dataclass(frozen=True, slots=True)
class Sparse(Files):
    """A folder of a sparse checkout, including the files that are not checked out.

    Attributes:
        folder: The folder.
        skipped: Mode and object of the files that are not checked out, by path.
        listings: Their names, by folder.
        blobs: Reads their contents.
        git: Reads their sizes.
        sizes: Their sizes in bytes by object, once they were read.
    """

    folder: Folder
    skipped: Mapping[str, tuple[str, str]]
    listings: Mapping[str, frozenset[str]]
    blobs: Blobs
    git: Git
    sizes: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder.root

    def paths(self) -> tuple[str, ...]:
        """All paths, checked out or not, sorted."""
        return tuple(sorted({*self.folder.paths(), *self.skipped}))

    def entry(self, path: str) -> Entry | None:
        """The file or link at a path; its size is 0 if this clone lacks the object."""
        known = self.skipped.get(path)
        if known is None:
            return self.folder.entry(path)
        mode, name = known
        if not self.sizes:
            self.sizes.update(_read_sizes(self.git, (name for _, name in self.skipped.values())))
        return Entry(path, int(mode, 8), self.sizes.get(name, 0))

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder."""
        return self.folder.names(folder) | self.listings.get(folder, frozenset())

    def is_file(self, path: str) -> bool:
        """Whether a path is a file, checked out or not."""
        known = self.skipped.get(path)
        return known[0].startswith(_FILE) if known else self.folder.is_file(path)

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder, checked out or not."""
        return path in self.listings or self.folder.is_folder(path)

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        known = self.skipped.get(path)
        return self.blobs.read(known[1], limit) if known else self.folder.read(path, limit)

    def real_path(self, path: str) -> str | None:
        """The path without links; None if it leads out of the folder."""
        return path if path in self.skipped else self.folder.real_path(path)


def complete(
    folder: Folder, lines: Mapping[str, str], skipped: set[str], git: Git
) -> Folder | Sparse:
    """The folder, including the files that are not checked out.

    Args:
        folder: The folder.
        lines: The line of git's index for each path: mode and object first.
        skipped: Paths that are not checked out.
        git: Reads their contents.
    """
    if not skipped:
        return folder
    listings: dict[str, set[str]] = {}
    for path in skipped:
        rest = path
        while rest:
            rest, _, name = rest.rpartition("/")
            listings.setdefault(rest, set()).add(name)
    known = {path: (lines[path].split()[0], lines[path].split()[1]) for path in skipped}
    frozen = {inside: frozenset(names) for inside, names in listings.items()}
    return Sparse(folder, known, frozen, Blobs(git), git)


def _read_sizes(git: Git, names: Iterable[str]) -> dict[str, int]:
    """Sizes of objects, from one git process; contents may be huge."""
    asked = "\n".join(dict.fromkeys(names)).encode()
    output = git.try_to("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked).stdout
    rows = (line.split() for line in output.decode().splitlines())
    return {name: int(size) for name, size in rows if size.isdecimal()}


_POINTER_LIMIT = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/.*^oid sha256:([0-9a-f]{64})$", re.S | re.M
)
_PIECE = 1024 * 1024


class Changes(Struct, frozen=True):
    """Paths that differ between a work tree and its commit.

    Attributes:
        tracked: Tracked paths, in the order of git.
        untracked: Paths that are neither tracked nor ignored.
    """

    tracked: tuple[str, ...]
    untracked: tuple[str, ...]


def read_changes(git: Git) -> Changes:
    """Compare a work tree with its commit. No filter runs: git-lfs pointers are compared here.

    Only the commits of submodules are compared: git would read their files with the submodule's own
    configuration.

    Raises:
        GitRepoError: git cannot compare them.
    """
    command = ("status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty")
    output = git.ask(*command).decode("utf-8", "surrogateescape")
    rows = [(row[:2], row[3:]) for row in output.split("\0") if row]
    untracked = tuple(path for state, path in rows if state == "??")
    same = _find_same(git, [path for state, path in rows if state == " M"])
    tracked = (path for state, path in rows if state != "??" and path not in same)
    return Changes(tuple(tracked), untracked)


def _find_same(git: Git, paths: list[str]) -> frozenset[str]:
    """Files whose contents match their git-lfs pointers in the index."""
    kept = _select_lfs(git, paths)
    if not kept:
        return frozenset()
    output = git.ask("ls-files", "--stage", "-z", "--", *(f":(top,literal){path}" for path in kept))
    blobs = Blobs(git)
    found = set()
    for row in output.decode("utf-8", "surrogateescape").split("\0"):
        line, _, path = row.partition("\t")
        pointer = _POINTER.match(blobs.read(line.split()[1], _POINTER_LIMIT)) if path else None
        if pointer and _digest(git.folder / path) == pointer[1].decode():
            found.add(path)
    return frozenset(found)


def _select_lfs(git: Git, paths: Iterable[str]) -> list[str]:
    stdin = "\0".join(paths).encode("utf-8", "surrogateescape")
    if not stdin:
        return []
    output = git.ask("check-attr", "-z", "--stdin", "filter", stdin=stdin)
    answers = output.decode("utf-8", "surrogateescape").split("\0")
    rows = zip(answers[::3], answers[2::3], strict=False)
    return [path for path, value in rows if value == "lfs"]


def _digest(path: Path) -> str:
    """SHA-256 of a file; "" if it is not a regular file or cannot be read."""
    import hashlib

    digest = hashlib.sha256()
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as opened:
            while piece := opened.read(_PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()
