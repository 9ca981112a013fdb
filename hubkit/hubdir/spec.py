"""A repo on a git host, or a folder: the one rule for every function and command that takes both.

A folder is written as one: ``./x``, ``../x``, ``/x``, ``~/x``, a `pathlib.Path`, or any text with
``source="local"``. All other text names a repo, whatever lies in the working directory: the code of
a folder runs without trust and past a lock file, so no folder may stand in for a repo by its name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.errors import RepoSpecError

if TYPE_CHECKING:
    from hubkit.facts import RepoRef

_SOURCES = ("github", "local")
_FOLDER = re.compile(r"[./~]|[A-Za-z]:[\\/]|\\\\")  # the latter two: C:\x and \\server\x


def parse_spec(spec: str | os.PathLike[str], source: str = "github") -> RepoRef | Path:
    """Read what names a repo or a folder; looks at neither.

    Args:
        spec: As the user wrote it.
        source: "github" follows the rule of this module, "local" takes any text as a folder.

    Returns:
        A `RepoRef` for a repo on a git host, a `Path` for a folder.

    Raises:
        RepoSpecError: It is neither, or the source is unknown.
    """
    if source.lower() not in _SOURCES:
        raise RepoSpecError(f"Unknown source {source!r}.", hint='Use "github" or "local".')
    if not isinstance(spec, str):
        return Path(spec)
    if source.lower() == "local" or _FOLDER.match(spec):
        return Path(os.path.expanduser(spec))  # noqa: PTH111 - Path's raises for ~nobody
    from hubkit.hubdir.names import parse_repo  # needs more than a folder is to cost

    try:
        return parse_repo(spec)
    except RepoSpecError as error:
        if os.path.exists(spec):  # noqa: PTH110 - text with a NUL is no error for it
            error.hint = folder_hint(spec)
        raise


def folder_hint(spec: str) -> str:
    """How to write the folder whose name was taken as that of a repo."""
    return f'To use the folder, write "./{spec}".'


def has_folder(spec: str | os.PathLike[str]) -> bool:
    """Whether a hub repo lies in a folder of just that name in the working directory."""
    return os.path.isfile(f"{os.fspath(spec)}/hubconf.py")  # noqa: PTH113 - asked on each load
