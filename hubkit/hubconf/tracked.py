"""What git tracks, as lists of paths: the part that a work tree and a commit have in common."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.facts import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hubkit.hubconf.git import Git

_LINK, _SUBMODULE = "120000", "160000"
_ATTRIBUTES = ".gitattributes"
_IGNORE = "export-ignore"
_ATTRIBUTES_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tracked:
    """The files that git tracks.

    Attributes:
        lines: By path, what git says of it; it starts with the mode.
        ignored: Those of them that archives leave out.
        folders: Every folder that holds one, and every submodule.
    """

    lines: Mapping[str, str]
    ignored: frozenset[str] = frozenset()
    folders: frozenset[str] = field(default_factory=frozenset)

    def holds(self, path: str) -> bool:
        """Whether archives hold a file at that path."""
        return path in self.lines and path not in self.ignored

    def mode(self, path: str) -> int:
        """The mode of a file that git tracks."""
        return int(self.lines[path][:6], 8)

    def paths(self) -> tuple[str, ...]:
        """Every path that archives hold, sorted."""
        return tuple(sorted(path for path in self.lines if path not in self.ignored))

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


def track(lines: dict[str, str], ignored: frozenset[str] = frozenset()) -> Tracked:
    """Put what git tracks in order.

    Args:
        lines: By path, what git says of it.
        ignored: Those of them that archives leave out.
    """
    kept = lines.keys() - ignored if ignored else lines.keys()
    folders = {path.rpartition("/")[0] for path in kept}
    folders |= {path for path in kept if lines[path].startswith(_SUBMODULE)}
    folders |= {parent for folder in folders for parent in _parents(folder)}
    return Tracked(lines, ignored, frozenset(folders | {""}))


def find_ignored(
    git: Git, paths: Iterable[str], read: Callable[[str], bytes], tree: str = ""
) -> frozenset[str]:
    """Paths that archives leave out, as their ``export-ignore`` attributes say.

    git is asked only if a ``.gitattributes`` speaks of it.

    Args:
        git: Asked.
        paths: What git tracks.
        read: Gives what a ``.gitattributes`` among them says.
        tree: The commit whose attributes count; "" for those of the work tree.
    """
    paths = tuple(paths)
    sources = [path for path in paths if path.rpartition("/")[2] == _ATTRIBUTES]
    if not any(_IGNORE.encode() in read(path) for path in sources):
        return frozenset()
    folders = {parent for path in paths for parent in _parents(path)}
    # As `git archive` does, folders are asked for with a slash at their end.
    asked = [*paths, *(f"{folder}/" for folder in folders)]
    given = "\0".join(asked).encode("utf-8", "surrogateescape")
    said = _check(git, given, tree).decode("utf-8", "surrogateescape").split("\0")
    marked = {path for path, value in zip(said[::3], said[2::3], strict=False) if value == "set"}
    return frozenset(
        path
        for path in paths
        if path in marked or any(f"{parent}/" in marked for parent in _parents(path))
    )


def _check(git: Git, given: bytes, tree: str) -> bytes:
    command = ("check-attr", "-z", "--stdin", _IGNORE)
    if not tree:
        return git.ask(*command, given=given)
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


def read_attributes(root: Path, path: str) -> bytes:
    """What a ``.gitattributes`` in a work tree says; nothing when it cannot be read."""
    try:
        with open(os.path.join(root, path), "rb") as stream:  # noqa: PTH118, PTH123 - surrogates
            return stream.read(_ATTRIBUTES_LIMIT)
    except OSError:
        return b""
