"""Tracked files, in a work tree or a commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit import limits
from hubkit.facts import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hubkit.facts import EntryKind, Files
    from hubkit.source.git import Git

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


def read_attributes(files: Files, path: str) -> bytes:
    """The contents of a ``.gitattributes`` in a work tree; empty if it cannot be read."""
    try:
        return files.read(path, limits.ATTRIBUTES_BYTES.most)
    except (OSError, ValueError):
        return b""


# According to the LFS specification, a pointer starts with this and has less than 1024 bytes.
_SIGNATURE = b"version https://git-lfs.github.com/spec/"
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
        if len(_SIGNATURE) < size(path) < limits.POINTER_BYTES.most and is_pointer(path, read)
    )


def is_pointer(path: str, read: Callable[[str, int], bytes]) -> bool:
    """Whether a file is an LFS pointer."""
    try:
        return read(path, len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False
