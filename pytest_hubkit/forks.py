"""A second process from the same start, so that what both import first is imported once."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class Fork:
    """Something that is done in a copy of this process, at the same time.

    Not done at all where a copy may not live: where there are threads, which a copy lacks, and
    elsewhere than on Linux, where libraries of the system do not survive it.

    Args:
        do: What is done; gives what JSON can hold.
    """

    def __init__(self, do: Callable[[], Json]) -> None:
        self._pid = 0
        if sys.platform != "linux" or threading.active_count() > 1:
            return
        reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reading)
            try:
                _end_with_parent()
                with os.fdopen(writing, "w", encoding="utf-8") as stream:
                    json.dump(do(), stream)
            finally:
                # Whatever happened: there is one who goes on, and that is not this one.
                os._exit(0)
        os.close(writing)
        self._stream = os.fdopen(reading, encoding="utf-8")

    def result(self) -> Json | None:
        """What it gave; None when it was not done, or did not end well."""
        if not self._pid:
            return None
        with self._stream as stream:
            text = stream.read()
        os.waitpid(self._pid, 0)
        try:
            answer: Json = json.loads(text)
        except ValueError:
            return None
        return answer


def _end_with_parent() -> None:
    """Have the system end this process when the other one is ended, however that happens."""
    # https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
