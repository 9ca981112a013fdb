"""The host: what is published on it, what goes wrong, and the log of what was asked."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.git_host.faults import PATIENCE, Answer, Fault, Request
from tests.git_host.handler import Server
from tests.git_host.repos import git, publish

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType


class GitHost:
    """A git host on loopback; use it as a context manager.

    Args:
        root: Folder for the bare repos; a temporary one when not given.
        code_host: Host name that archives are redirected to, as GitHub sends people to
            codeload.github.com; "localhost" is another host than "127.0.0.1" to a client.

    Attributes:
        rate: Bytes per second that each connection gets of a body, None for no limit.
        latency: Seconds of a round trip: a new connection takes one, and each answer another.
        gate: Called with the request before each piece of its body is sent; may wait.
        changes: What becomes of the answers to paths that a regular expression finds.
    """

    def __init__(self, root: Path | None = None, *, code_host: str = "127.0.0.1") -> None:
        self._temporary = root is None
        self.root = root or Path(tempfile.mkdtemp(prefix="git-host-"))
        self.code_host = code_host
        self.requests: list[Request] = []
        self.connections = 0
        self.faults: list[Fault] = []
        self.changes: dict[str, Callable[[Answer], Answer]] = {}
        self.files: dict[str, Path | bytes] = {}
        self.assets: dict[str, str] = {}
        self.archives: dict[str, bytes] = {}
        self.tokens: dict[str, str] = {}
        self.rate: float | None = None
        self.latency = 0.0
        self.gate: Callable[[Request], object] | None = None
        self.speaks_version_2 = True
        self.lock = threading.Lock()
        self.moved = threading.Condition(self.lock)
        self._server = Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    def __enter__(self) -> GitHost:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._temporary:
            shutil.rmtree(self.root, ignore_errors=True)

    def stop(self) -> None:
        """Listen no longer: what comes after is refused."""
        for fault in self.faults:
            if fault.stall:
                fault.stall.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port on loopback."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Base URL without a slash at the end: what takes the place of https://github.com."""
        return f"http://127.0.0.1:{self.port}"

    def add_repo(self, owner: str, name: str, worktree: Path, *, token: str | None = None) -> Path:
        """Publish a work tree's branches and tags, again after new commits; gives the bare repo.

        Args:
            owner: The owner's name.
            name: The repo's name.
            worktree: A git work tree; its current branch becomes the default branch.
            token: Makes the repo private: only requests with this token see it.
        """
        bare = self.bare(owner, name)
        publish(worktree, bare)
        if token is not None:
            self.tokens[f"{owner}/{name}"] = token
        return bare

    def add_fork(self, owner: str, name: str, worktree: Path) -> str:
        """Let the repo's store hold a fork's commits, as GitHub's do; gives the fork's HEAD."""
        git("fetch", "--quiet", str(worktree.resolve()), "HEAD", cwd=self.bare(owner, name))
        return git("rev-parse", "HEAD", cwd=worktree)

    def bare(self, owner: str, name: str) -> Path:
        """Where the published repo lies."""
        return self.root / "repos" / owner / f"{name}.git"

    def add_asset(self, owner: str, name: str, tag: str, path: Path) -> str:
        """Attach a file to a release; gives its URL on this host."""
        key = f"/objects/{hashlib.sha256(f'{owner}/{name}/{tag}/{path.name}'.encode()).hexdigest()}"
        where = f"/{owner}/{name}/releases/download/{tag}/{path.name}"
        self.files[key] = path.resolve()
        self.assets[where] = key
        return self.url + quote(where)

    def add_file(self, path: str, content: Path | bytes) -> str:
        """Serve a file, or bytes, at a path such as "/weights/net.pt"; gives its URL."""
        self.files[path] = content
        return self.url + quote(path)

    def add_archive(self, sha: str, content: bytes) -> None:
        """Serve these bytes as the archive of a commit instead of what git would make."""
        self.archives[sha] = content

    def fail(
        self,
        pattern: str,
        *,
        times: int = 1,
        only: Callable[[Request], bool] = bool,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        stall: threading.Event | None = None,
        drop: bool = False,
    ) -> Fault:
        """Spoil the next requests whose path matches; see `Fault`."""
        fault = Fault(pattern, times, only, status, dict(headers or {}), cut, stall, drop)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Forget all faults."""
        self.faults.clear()

    def forget_requests(self) -> None:
        """Empty the request log."""
        with self.lock:
            self.requests.clear()

    def paths(self, pattern: str = "") -> list[str]:
        """The paths asked for so far, in order, that match a regular expression."""
        with self.lock:
            return [entry.path for entry in self.requests if re.search(pattern, entry.path)]

    @property
    def sent(self) -> int:
        """Bytes of bodies sent so far."""
        with self.lock:
            return sum(entry.sent for entry in self.requests)

    def wait_until(self, holds: Callable[[list[Request]], bool], seconds: float = PATIENCE) -> bool:
        """Wait until something holds of the requests so far; gives whether it does."""
        with self.moved:
            return self.moved.wait_for(lambda: holds(self.requests), seconds)

    def note_request(self, entry: Request) -> None:
        with self.moved:
            self.requests.append(entry)
            self.moved.notify_all()

    def note_sent(self, entry: Request, count: int) -> None:
        with self.moved:
            entry.sent += count
            self.moved.notify_all()

    def change(self, answer: Answer, path: str) -> Answer:
        for pattern, change in self.changes.items():
            if re.search(pattern, path):
                answer = change(answer)
        return answer

    def take_fault(self, entry: Request) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                matches = re.search(fault.pattern, entry.path) and fault.only(entry)
                if fault.times > 0 and matches:
                    fault.times -= 1
                    return fault
        return None
