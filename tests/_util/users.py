"""Tests as a user without special rights, also where they run as root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOBODY = 65534


def as_plain_user(work: Callable[[], bool]) -> bool:
    """Whether something holds for a user without special rights: nobody, when we are root."""
    if os.geteuid() != 0:
        return work()
    child = os.fork()
    if child == 0:
        try:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def open_way(folder: Path) -> None:
    """Let everybody reach a temporary folder."""
    for one in (folder, *folder.parents[:4]):
        if one.stat().st_uid == os.geteuid():
            one.chmod(one.stat().st_mode | 0o055)
