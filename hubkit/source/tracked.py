"""What git tracks: the part that a work tree and a commit have in common."""

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
        lines: By path, what git says of it; it starts with the mode.
        ignored: Those of them that archives leave out.
        folders: Every folder that holds one, and every submodule.
        filtered: Those that LFS is to keep.
        kept: Every path that archives hold, sorted.
        special: The links and submodules among them, sorted.
    """

    lines: Mapping[str, str]
    ignored: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    filtered: frozenset[str] = frozenset()
    kept: tuple[str, ...] = ()
    special: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether archives hold a file at that path."""
        return path in self.lines and path not in self.ignored

    def mode(self, path: str) -> int:
        """The mode of a file that git tracks."""
        return int(self.lines[path][:6], 8)

    def ignores(self, path: str) -> bool:
        """Whether archives leave out a file, or a folder with all that is in it."""
        if path in self.ignored:
            return True
        inside = f"{path}/"
        return path not in self.folders and any(one.startswith(inside) for one in self.ignored)

    def of_kind(self, kind: EntryKind) -> tuple[str, ...]:
        """Every path of a kind that archives hold, sorted."""
        mode = {"link": _LINK, "submodule": _SUBMODULE, "file": "100"}[kind]
        paths = self.kept if kind == "file" else self.special
        return tuple(path for path in paths if self.lines[path].startswith(mode))

    def detour(self, path: str) -> Gap | None:
        """The link or the submodule on the way to a path, or None."""
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
    """Put what git tracks in order, by its attributes.

    Args:
        git: Asked.
        lines: By path, what git says of it.
        read: Gives what a ``.gitattributes`` among them says.
        tree: The commit whose attributes count; "" for those of the work tree.
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
    """Paths that archives leave out, and those that LFS keeps.

    git is asked only if a ``.gitattributes`` speaks of either.
    """
    paths = tuple(lines)
    sources = [path for path in paths if path.rpartition("/")[2] == _ATTRIBUTES]
    said = b"\n".join(read(path) for path in sources)
    if _IGNORE.encode() not in said and b"=lfs" not in said:
        return frozenset(), frozenset()
    folders = {parent for path in paths for parent in _parents(path)}
    # As `git archive` does, folders are asked for with a slash at their end.
    asked = [*paths, *(f"{folder}/" for folder in folders)]
    given = "\0".join(asked).encode("utf-8", "surrogateescape")
    answers = _check(git, given, tree).decode("utf-8", "surrogateescape").split("\0")
    rows = list(zip(answers[::3], answers[1::3], answers[2::3], strict=False))
    marked = {path for path, name, value in rows if name == _IGNORE and value == "set"}
    ignored = (
        path
        for path in paths
        if path in marked or any(f"{parent}/" in marked for parent in _parents(path))
    )
    filtered = (path for path, name, value in rows if name == _FILTER and value == "lfs")
    return frozenset(ignored), frozenset(filtered)


def _check(git: Git, given: bytes, tree: str) -> bytes:
    command = ("check-attr", "-z", "--stdin", _IGNORE, _FILTER)
    if not tree:
        return git.ask(*command, given=given)
    import tempfile

    # The way of `git archive` itself, which every git knows: an index of the commit's own.
    with tempfile.TemporaryDirectory(prefix="hubkit-") as folder:
        index = Path(folder) / "index"
        git.ask("read-tree", tree, index=index)
        return git.ask("check-attr", "--cached", *command[1:], given=given, index=index)


def _parents(path: str) -> Iterable[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def read_attributes(files: Files, path: str) -> bytes:
    """What a ``.gitattributes`` in a work tree says; nothing if it cannot be read."""
    try:
        return files.read(path, limits.ATTRIBUTES_BYTES.most)
    except (OSError, ValueError):
        return b""


# The LFS specification: a pointer starts so, and is smaller than 1024 bytes.
_SIGNATURE = b"version https://git-lfs.github.com/spec/"
# Files that may be pointers although no attribute says so: copied out of an LFS repo, say.
_WEIGHTS = (".bin", ".ckpt", ".h5", ".jit", ".npz", ".onnx", ".pt", ".pth", ".safetensors", ".tar")


def find_candidates(tracked: Tracked) -> Iterator[str]:
    """Paths in archives that may hold a pointer."""
    for path in tracked.lines:
        if (path in tracked.filtered or path.endswith(_WEIGHTS)) and tracked.holds(path):
            yield path


def select_pointers(
    paths: Iterable[str], size: Callable[[str], int], read: Callable[[str, int], bytes]
) -> frozenset[str]:
    """Those that hold a pointer."""
    return frozenset(
        path
        for path in paths
        if len(_SIGNATURE) < size(path) < limits.POINTER_BYTES.most and is_pointer(path, read)
    )


def is_pointer(path: str, read: Callable[[str, int], bytes]) -> bool:
    """Whether a file holds a pointer."""
    try:
        return read(path, len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False
