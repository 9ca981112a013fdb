"""A commit's files, read from git's objects without a checkout, and the archive of them."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.atomic import create_file
from hubkit._util.git import GitError, work
from hubkit._util.text import did_you_mean
from hubkit.errors import GitRepoError
from hubkit.facts import Entry, Files, Gap
from hubkit.source.git import (
    Blobs,
    Tracked,
    find_candidates,
    find_git,
    read_refs,
    select_pointers,
    track,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hubkit.facts import EntryKind, Refs
    from hubkit.source.git import Git

_NOWHERE = "\0"  # not a possible path
_SHOWN = 5
# What git says when the repo is well and the name is not a commit's.
_NO_COMMIT = ("expected commit type", "upstream", "does not point to a branch", "unknown revision")


@dataclass(frozen=True, slots=True)
class Commit(Files):
    """The files that archives of a commit contain.

    Attributes:
        folder: The folder of the repo that its paths start from.
        name: The requested commit, as requested.
        sha: Its hash.
        tracked: Its files.
        blobs: Reads contents.
        listings: Names in each folder, including those that archives leave out.
        git: Reads the refs.
        known_refs: The refs, once they were read.
    """

    folder: Path
    name: str
    sha: str
    tracked: Tracked
    blobs: Blobs
    listings: Mapping[str, frozenset[str]]
    git: Git
    known_refs: list[Refs] = field(default_factory=list, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder of the repo, whose present files may differ."""
        return self.folder

    @property
    def ref(self) -> str:
        """The requested commit, as requested."""
        return self.name

    @property
    def is_tracked(self) -> bool:
        """Always."""
        return True

    def paths(self) -> tuple[str, ...]:
        """Every path in archives of the commit."""
        return self.tracked.kept

    def entry(self, path: str) -> Entry | None:
        """The file, link or submodule at a path."""
        if not self.tracked.holds(path):
            return None
        size = self.tracked.lines[path].rsplit(None, 1)[1]
        return Entry(path, self.tracked.mode(path), int(size) if size.isdigit() else 0)

    def _sizes(self) -> tuple[int, ...]:
        sizes = (self.tracked.lines[path].rpartition(" ")[2] for path in self.tracked.kept)
        return tuple(int(size) for size in sizes if size.isdigit())

    def names(self, folder: str) -> frozenset[str]:
        """Names in a folder of the commit."""
        return self._list(folder, held=True)

    def strays(self, folder: str) -> frozenset[str]:
        """Names in a folder that archives leave out."""
        return self._list(folder, held=False) if self.tracked.ignored else frozenset()

    def detour(self, path: str) -> Gap | None:
        """The first link or submodule in a path."""
        return self.tracked.detour(path)

    def gap(self, path: str) -> Gap | None:
        """Why archives lack a file of the commit."""
        found = self.tracked.detour(path)
        if found is None and self.tracked.ignores(path):
            return Gap("export-ignore", path)
        return found

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every path of a kind."""
        return self.tracked.of_kind(kind)

    def pointers(self) -> frozenset[str]:
        """Files that are LFS pointers in the commit."""
        return select_pointers(find_candidates(self.tracked), self._size, self.read)

    def refs(self) -> Refs:
        """The repo's branches and tags."""
        if not self.known_refs:
            self.known_refs.append(read_refs(self.git))
        return self.known_refs[0]

    def is_file(self, path: str) -> bool:
        """Whether the commit has a file at a path."""
        return self._real(path) in self.tracked.lines

    def is_folder(self, path: str) -> bool:
        """Whether the commit has a folder at a path."""
        return self._real(path) in self.listings or self._real(path) in self.tracked.folders

    def read(self, path: str, limit: int = -1) -> bytes:
        """A file's contents."""
        line = self.tracked.lines.get(self._real(path))
        if line is None or line.split()[1] != "blob":
            raise FileNotFoundError(f"{self.name} has no file {path}")
        return self.blobs.read(line.split()[2], limit)

    def _size(self, path: str) -> int:
        entry = self.entry(path)
        return entry.size if entry else 0

    def _list(self, folder: str, *, held: bool) -> frozenset[str]:
        real = self._real(folder)
        names = self.listings.get(real, frozenset())
        inside = f"{real}/" if real else ""
        return frozenset(name for name in names if self._is_held(inside + name) is held)

    def _is_held(self, path: str) -> bool:
        return self.tracked.holds(path) or path in self.tracked.folders

    def _real(self, path: str) -> str:
        """Resolve the links in a path; ``_NOWHERE`` if they lead out of the repo."""
        for _ in range(limits.LINK_HOPS.most):
            found = self.tracked.detour(path)
            if found is None or found.kind != "link":
                return "" if path == "." else path
            target = self.blobs.read(
                self.tracked.lines[found.path].split()[2], limits.LINK_BYTES.most
            )
            above = posixpath.dirname(found.path)
            aim = posixpath.join(above, target.decode("utf-8", "surrogateescape"))
            path = posixpath.normpath(aim + path[len(found.path) :])
        return _NOWHERE


def open_commit(folder: Path, ref: str) -> Files:
    """A commit's files.

    Args:
        folder: A folder of a git repo: its root, one below, or a bare repo.
        ref: A branch, tag or commit in any notation of git.

    Raises:
        GitRepoError: It is not a git repo, has no such commit, or cannot be read.
    """
    git = find_git(folder)
    if git is None:
        raise GitRepoError(
            f"{folder} is not in a git repo, so it has no commit {ref}",
            hint="Remove --ref to check the files in the folder.",
        )
    sha = _resolve(git, ref)
    output = git.ask("ls-tree", "-r", "-l", "-z", sha).decode("utf-8", "surrogateescape")
    records = (record.partition("\t") for record in output.split("\0") if record)
    lines = {path: line for line, _, path in records}
    blobs = Blobs(git)
    tracked = track(git, lines, lambda path: _read(blobs, lines[path]), sha)
    return Commit(folder, ref, sha, tracked, blobs, _list_folders(lines), git)


def _read(blobs: Blobs, line: str) -> bytes:
    _, kind, name, *_ = line.split()
    return blobs.read(name) if kind == "blob" else b""


def _list_folders(paths: Iterable[str]) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        rest, added = path, True
        while added and rest:
            folder, _, name = rest.rpartition("/")
            added = folder not in names
            names[folder].add(name)
            rest = folder
    return {folder: frozenset(inside) for folder, inside in names.items()}


def _resolve(git: Git, ref: str) -> str:
    """The commit's full name."""
    if ref and not ref.startswith("-"):
        done = git.try_to("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if not done.returncode:
            return done.stdout.decode().strip()
        output = done.stderr.decode("utf-8", "replace")
        if output and not any(one in output for one in _NO_COMMIT):
            raise git.failure(output)
    raise _unknown(git, ref)


def _unknown(git: Git, ref: str) -> GitRepoError:
    newest = ("for-each-ref", "--sort=-creatordate", "--format=%(refname:short)")
    tags = git.ask(*newest, "refs/tags").decode("utf-8", "replace").split()
    others = git.ask(*newest, "refs/heads", "refs/remotes").decode("utf-8", "replace").split()
    suggestion = did_you_mean(ref, [*tags, *others], most=_SHOWN)
    name, _, inside = ref.partition(":")
    if name and inside:
        hint = f"Pass the folder and the ref separately: {git.folder / inside} --ref {name}"
    elif suggestion:
        hint = suggestion
    elif tags:
        newest_tags = ", ".join(tags[:_SHOWN])
        hint = f"Its newest tag{'s are' if len(tags) > 1 else ' is'} {newest_tags}."
    else:
        hint = "It has no tags."
    if git.ask("rev-parse", "--is-shallow-repository").strip() == b"true":
        hint += " This clone is shallow: `git fetch --unshallow --tags` fetches the rest."
    return GitRepoError(f"{git.folder} has no branch, tag or commit {ref!r}", hint=hint)


_SHA1 = 40  # digits; longer ones are SHA-256
# Hosts run no filters: they pack the pointers of LFS files.
_ATTRIBUTES = "* -filter\n"


def write_archive(repo: Git, sha: str, path: Path, top: str) -> None:
    """Write a zip of a commit.

    git works in an empty repo that borrows the objects, so nothing of the repo's configuration
    counts: neither filters nor ``tar.zip.command``, which would run in place of git's own zip.

    Args:
        repo: The repo of the commit.
        sha: The commit.
        path: The zip; it is overwritten.
        top: Name of the top folder in the zip.

    Raises:
        GitRepoError: git cannot pack the commit.
    """
    import tempfile

    output = repo.ask("rev-parse", "--git-path", "objects").decode("utf-8", "surrogateescape")
    objects = (repo.folder / output.removesuffix("\n")).resolve()
    kind = "sha256" if len(sha) > _SHA1 else "sha1"
    with tempfile.TemporaryDirectory(prefix="hubkit-") as folder:
        room = Path(folder)
        _run(room, "init", "--quiet", "--bare", "--template=", f"--object-format={kind}")
        (room / "info").mkdir(exist_ok=True)
        create_file(room / "info" / "attributes", _ATTRIBUTES)
        zipping = ("archive", "--format=zip", f"--prefix={top}/", f"--output={path.resolve()}")
        _run(room, *zipping, sha, objects=objects)


def _run(room: Path, *arguments: str, objects: Path | None = None) -> None:
    try:
        result = work(room, *arguments, objects=objects)
    except GitError as error:
        raise GitRepoError(f"git {arguments[0]} failed: {error}") from error
    if result.returncode:
        reason = (result.complaint.strip().splitlines() or ["no error message"])[-1]
        raise GitRepoError(
            f"git {arguments[0]} failed: {reason}",
            hint="A partial clone may lack objects. Clone the repo without --filter.",
        )
