"""Capture what code prints, at the file descriptors, so that compiled code is included."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile

_MOST = 2000


class Capture:
    """Collects what is written to standard output and standard error inside a ``with`` block.

    It works in child processes. In pytest's own process ``sys.stdout`` is a buffer of pytest, whose
    text never reaches the file descriptor, so nothing would be collected.

    Attributes:
        text: At most the first 2000 characters of it, once the block has ended.
    """

    text = ""

    def __enter__(self) -> Capture:
        self._flush()
        # Ours from here to __exit__, which closes it.
        self._file = tempfile.TemporaryFile()
        self._saved = [os.dup(1), os.dup(2)]
        for descriptor in (1, 2):
            os.dup2(self._file.fileno(), descriptor)
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        for descriptor, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, descriptor)
            os.close(saved)
        self._file.seek(0)
        self.text = self._file.read(_MOST).decode(errors="replace")
        self._file.close()

    @staticmethod
    def _flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
