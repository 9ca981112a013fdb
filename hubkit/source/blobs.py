"""Contents of a git repo's objects, by name, from one git process."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from hubkit.errors import GitRepoError
    from hubkit.source.git import Git

_PIECE = 1024 * 1024


class Blobs:
    """Gives contents; git is started for the first and ends with the object."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, name: str, limit: int = -1) -> bytes:
        """An object's contents.

        Args:
            name: The object's name.
            limit: How many bytes at most; -1 for all.

        Raises:
            OSError: git has no such object here.
            GitRepoError: git gave up, as it does in a clone without its blobs.
        """
        process = self._process or self._start()
        asked, answers = process.stdin, process.stdout
        if asked is None or answers is None:
            raise OSError("git gives no answers")
        with contextlib.suppress(BrokenPipeError):
            asked.write(f"{name}\n".encode())
            asked.flush()
        self._git.wait_for_reply(process)
        line = answers.readline()
        if not line:
            raise self._ended(process)
        _, *told = line.split()
        if len(told) != 2:  # type and size, or the one word "missing"
            raise OSError(f"the object {name} is not in this clone")
        size = int(told[1])
        data = answers.read(size if limit < 0 else min(limit, size))
        left = size + 1 - len(data)  # and a line end
        while left > 0:
            left -= len(answers.read(min(left, _PIECE))) or left
        return data

    def _ended(self, process: subprocess.Popen[bytes]) -> GitRepoError:
        """Why git has gone in the middle of its answers."""
        partial = self._git.try_to("config", "--get-regexp", r"^remote\..*\.promisor$").stdout
        return self._git.failure("promisor" if partial else f"it ended with {process.wait()}")

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = self._git.start("cat-file", "--batch")
        weakref.finalize(self, _stop, self._process)
        return self._process


def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            # What it was asked last may not have reached it.
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    process.wait()
