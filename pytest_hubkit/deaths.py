"""Which check took a process down: what a dead worker of xdist leaves to the one that follows it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Deaths:
    """Notes of what runs, which are gone when it has ended; where they are not, it did not end.

    Args:
        folder: Where they lie, and what else a dead process cannot remove; it goes when the run
            ends. None where nobody comes after a death.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder is not None:
            folder.mkdir(exist_ok=True)

    def make_folder(self) -> Path:
        """A new temporary folder."""
        return Path(tempfile.mkdtemp(prefix="hubkit-conformance-", dir=self._folder))

    def find(self, label: str) -> str:
        """The check during which a process died on a case, or "".

        Args:
            label: The case.
        """
        if self._folder is None:
            return ""
        try:
            pid, code = self._note(label).read_text("utf-8").split()
        except (OSError, ValueError):
            return ""
        return "" if int(pid) == os.getpid() else code

    @contextlib.contextmanager
    def watch(self, label: str, code: str) -> Iterator[None]:
        """Run a check on a case, and leave a note if that is the end.

        Args:
            label: The case.
            code: The check.
        """
        if self._folder is None:
            yield
            return
        note = self._note(label)
        note.write_text(f"{os.getpid()} {code}", "utf-8")
        try:
            yield
        finally:
            note.unlink(missing_ok=True)

    def _note(self, label: str) -> Path:
        return Path(self._folder or "", f"{quote(label, safe='')}.running")


def deaths_of(config: pytest.Config) -> Deaths:
    """The notes of a run.

    Args:
        config: pytest's configuration.
    """
    run = getattr(config, "workerinput", {}).get("testrunuid", "")
    return Deaths(notes_folder(run) if run else None)


def notes_folder(run: str) -> Path:
    """Where the workers of one run leave their notes.

    Args:
        run: xdist's name for it.
    """
    return Path(tempfile.gettempdir(), f"hubkit-notes-{run}")
