"""Files of which git holds only an LFS pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hubkit.source.tracked import Tracked

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
    """Those that hold a pointer.

    Args:
        paths: Files.
        size: Gives a file's size.
        read: Gives the first bytes of one.
    """
    return frozenset(
        path
        for path in paths
        if len(_SIGNATURE) < size(path) < limits.POINTER_BYTES.most and is_pointer(path, read)
    )


def is_pointer(path: str, read: Callable[[str, int], bytes]) -> bool:
    """Whether a file holds a pointer.

    Args:
        path: The file.
        read: Gives the first bytes of it.
    """
    try:
        return read(path, len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False
