"""Which check crashed a process: what a crashed worker of xdist leaves for its successor."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

from hubkit._util.atomic import creating, place, temporary_beside
from hubkit._util.paths import is_own_folder, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Crashes:
    """Notes of what runs, each locked by the process that runs it.

    A note that no process holds is from a process that crashed. On Windows, where files cannot be
    locked, there are no notes.

    Args:
        folder: Folder for notes, and for temporary files that a crashed process cannot remove; it is
            removed at the end of the run. None if no process succeeds a crashed one.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(mode=0o700, exist_ok=True)
            if not is_own_folder(folder):
                raise refuse(folder, "it belongs to another user")

    def make_folder(self) -> Path:
        """A new temporary folder."""
        return Path(tempfile.mkdtemp(prefix="hubkit-conformance-", dir=self._folder))

    def find(self, label: str) -> str:
        """The check that crashed a process on a case, or ""."""
        if self._folder is None or fcntl is None:
            return ""
        for note in self._folder.glob(f"{quote(label, safe='')}.*.running"):
            with contextlib.suppress(OSError), note.open(encoding="utf-8") as stream:
                # A process that still runs holds it.
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(stream.fileno()).st_nlink:
                    return stream.read()
        return ""

    @contextlib.contextmanager
    def watch(self, label: str, code: str) -> Iterator[None]:
        """Run a check on a case, and leave a note if the process crashes."""
        if self._folder is None or fcntl is None:
            yield
            return
        note = self._folder / f"{quote(label, safe='')}.{os.getpid()}.running"
        with creating(temporary_beside(note)) as (stream, made):
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write(code.encode())
            stream.flush()
            # It is not visible before it is locked.
            place(made, note)
            try:
                yield
            finally:
                note.unlink(missing_ok=True)


def crashes_of(config: pytest.Config) -> Crashes:
    """The notes of a run."""
    run = getattr(config, "workerinput", {}).get("testrunuid", "")
    return Crashes(notes_folder(run) if run else None)


def notes_folder(run: str) -> Path:
    """The folder in which the workers of one run leave their notes.

    Args:
        run: xdist's id of the run.
    """
    return Path(tempfile.gettempdir(), f"hubkit-notes-{run}")
