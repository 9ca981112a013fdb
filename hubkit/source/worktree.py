"""A git work tree: the files that git tracks, with the contents that they have now."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hubkit._util.paths import refuse
from hubkit.errors import GitRepoError
from hubkit.facts import Entry, Files, Gap
from hubkit.source.blobs import Blobs
from hubkit.source.folder import Folder
from hubkit.source.git import find_commits_index, find_git
from hubkit.source.pointers import find_candidates, is_pointer, select_pointers
from hubkit.source.refs import read_refs
from hubkit.source.sparse import SKIPPED, complete
from hubkit.source.tracked import Tracked, read_attributes, track

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import EntryKind, Refs
    from hubkit.source.git import Git
    from hubkit.source.sparse import Sparse


@dataclass(frozen=True, slots=True)
class WorkTree(Files):
    """What a commit of all changes to tracked files would hold.

    Attributes:
        folder: The folder, with what a sparse checkout leaves out.
        tracked: What git tracks in it.
        git: Asked why a file is not tracked.
        memo: The paths, once they were asked for.
    """

    folder: Folder | Sparse
    tracked: Tracked
    git: Git
    memo: list[tuple[str, ...]] = field(default_factory=list, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder.root

    @property
    def is_tracked(self) -> bool:
        """Always."""
        return True

    def paths(self) -> tuple[str, ...]:
        """Every tracked file that archives hold and that is still there."""
        if not self.memo:
            # Folders are listed rather than files looked at: there are a hundred times as few.
            present = {
                f"{folder}/{name}" if folder else name
                for folder in self.tracked.folders
                for name in self.folder.names(folder)
            }
            kept = self.tracked.paths()
            self.memo.append(tuple(path for path in kept if path in present))
        return self.memo[0]

    def paths_ending(self, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the paths that end in one of the suffixes; no other is looked for."""
        found = (path for path in self.tracked.paths() if path.lower().endswith(suffixes))
        return tuple(path for path in found if self.entry(path) is not None)

    def entry(self, path: str) -> Entry | None:
        """What lies at a path, with the mode that git knows."""
        if not self.tracked.holds(path):
            return None
        mode = self.tracked.mode(path)
        found = self.folder.entry(path)
        if found is None:
            return Entry(path, mode, 0) if stat.S_IFMT(mode) == stat.S_IFMT(0o160000) else None
        return replace(found, mode=mode)

    def names(self, folder: str) -> frozenset[str]:
        """Names of tracked files and folders that are still there."""
        return frozenset(name for name in self.folder.names(folder) if self._has(folder, name))

    def strays(self, folder: str) -> frozenset[str]:
        """Names of what else lies in a folder."""
        return self.folder.names(folder) - self.names(folder)

    def detour(self, path: str) -> Gap | None:
        """The link or the submodule on the way to a path."""
        return self.tracked.detour(path)

    def gap(self, path: str) -> Gap | None:
        """Why consumers lack a file that lies here."""
        found = self.tracked.detour(path)
        if found or self.tracked.holds(path) or path in self.tracked.folders:
            return found
        if self.tracked.ignores(path):
            return Gap("export-ignore", path)
        done = self.git.try_to("check-ignore", "--quiet", "--", path)
        return Gap("untracked" if done.returncode else "ignored", path)

    def all_names(self, folder: str) -> frozenset[str]:
        """Names of whatever lies in a folder."""
        return self.folder.names(folder)

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every path of a kind."""
        return self.tracked.of_kind(kind)

    def pointers(self) -> frozenset[str]:
        """Files of which the index holds a pointer; on disk LFS may have put the contents."""
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
        return read_refs(self.git)

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return self.folder.is_file(path)

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return self.folder.is_folder(path)

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        self._require_no_way_out(path)
        return self.folder.read(path, limit)

    def _require_no_way_out(self, path: str) -> None:
        """Insist that no link of the repo's, or of a submodule's, leads to what git does not track.

        That is the user's own, such as a file with secrets that lies in the folder for a moment.

        Raises:
            UnsafePathError: One does.
        """
        found = self.tracked.detour(path)
        if found is None:
            return
        real = self.folder.real_path(path)
        if real != path and real not in self.tracked.lines:
            raise refuse(self.root / path, "it leads to what git does not track")

    def _size(self, path: str) -> int:
        entry = self.entry(path)
        return entry.size if entry else 0

    def _has(self, folder: str, name: str) -> bool:
        path = f"{folder}/{name}" if folder else name
        return path in self.tracked.folders or self.tracked.holds(path)


def open_files(folder: Path) -> Files:
    """A folder's files as its consumers would get them: of a git work tree, those that it tracks.

    A folder of which git tracks nothing is taken as it is, and so is one outside git.

    Args:
        folder: The repo's folder; it may lie inside a git repo.

    Raises:
        GitRepoError: It is a git repo, and git cannot tell what it holds.
    """
    git = find_git(folder)
    if git is None:
        return Folder(folder)
    if git.is_bare:
        raise GitRepoError(
            f"{folder} is a bare repo: it has no files of its own.",
            hint="Name a commit, such as --ref HEAD.",
        )
    lines, skipped = _read_index(git)
    if not lines:
        return Folder(folder)
    files = complete(Folder(folder), lines, skipped, git)
    return WorkTree(files, track(git, lines, lambda path: read_attributes(files, path)), git)


def _read_index(git: Git) -> tuple[dict[str, str], set[str]]:
    """What git says of each tracked file, and which of them it keeps out of the work tree."""
    said = git.ask("ls-files", "-t", "--stage", "-z", index=find_commits_index(git))
    lines: dict[str, str] = {}
    skipped: set[str] = set()
    for record in said.decode("utf-8", "surrogateescape").split("\0"):
        line, _, path = record.partition("\t")
        if path:
            lines[path] = line[2:]
            if line[0] == SKIPPED:
                skipped.add(path)
    return lines, skipped
