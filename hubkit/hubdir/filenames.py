"""Names that a file of an archive may not have, and files of an archive that are left out.

The rules are the same on every system, so that an archive means the same files everywhere, and a hub
dir can be moved. Git itself refuses to track ``.git``, in all its spellings.
"""

from __future__ import annotations

import re

# Code points that macOS leaves out when it compares names: ``.g<U+200C>it`` is ``.git`` there.
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DEVICES = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]")
_CACHED = re.compile(r"(?:^|/)__pycache__/[^/]+\.pyc(?:\.\d+)?$")  # digits: one being written
_BYTECODE = (".pyc", ".pyo")


def find_bad_name(path: str) -> str:
    """Why a file may not be called so, or "".

    Args:
        path: POSIX path below the root of the repo.
    """
    for part in path.split("/"):
        if part.endswith((" ", ".")):
            return "its name ends in a blank or a dot, which Windows drops"
        if _DEVICES.fullmatch(_plain(part).partition(".")[0].rstrip(" ")):
            return "its name is that of a device on Windows"
        if _plain(part) in (".git", "git~1"):
            return "its name is that of git's own folder"
    return ""


def is_bytecode(path: str) -> bool:
    """Whether a file is compiled Python, which would run in place of the source that people read."""
    return _plain(path.rpartition("/")[2]).endswith(_BYTECODE)


def is_left_by_python(path: str) -> bool:
    """Whether a file is one that Python writes beside sources that it imports."""
    return _CACHED.search(path) is not None


def _plain(part: str) -> str:
    """What some file system takes a name for: without case, stream, invisible or last characters."""
    return _INVISIBLE.sub("", part).casefold().partition(":")[0].rstrip(" .")
