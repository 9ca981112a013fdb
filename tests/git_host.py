"""A real git host on loopback, in the shapes of GitHub.

Refs and objects come from ``git http-backend``, archives from ``git archive``, release assets and
plain files with ETag and Range. It keeps a log of requests and goes wrong on demand::

    with GitHost() as host:
        host.add_repo("acme", "shapes", worktree)
        host.add_asset("acme", "shapes", "v0.1.0", worktree / "dist" / "shapes.pt")
        os.environ["HUBKIT_GITHUB_URL"] = host.url
        ...
        print([request.path for request in host.requests])
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

PATIENCE = 60.0  # seconds after which a stalled answer gives up by itself
GIT_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "PATH": os.environ.get("PATH", os.defpath),
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
    },
}


def git(*arguments: str, cwd: Path | None = None) -> str:
    """Run git with nobody's configuration but its own; gives what it says, stripped."""
    return git_bytes(*arguments, cwd=cwd).decode().strip()


def git_bytes(*arguments: str, cwd: Path | None = None) -> bytes:
    command = ["git", "-c", "init.defaultBranch=main", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=cwd, env=GIT_ENVIRONMENT, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def commit_files(
    folder: Path, files: Mapping[str, str | bytes], message: str = "Change", *, branch: str = "main"
) -> str:
    """Write files into a work tree, making it a repo first where needed, and commit; gives the SHA."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", f"--initial-branch={branch}", cwd=folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--allow-empty", "-m", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


@dataclass
class Request:
    """One request that the host got.

    Attributes:
        method: Such as "GET".
        path: The decoded path, without the query.
        query: The query as sent, without "?".
        headers: Header names in lower case.
        status: What was answered, 0 while it is being worked on or when it was dropped.
        sent: Bytes of the body that were sent.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class Fault:
    """What goes wrong with the requests whose path matches.

    Attributes:
        pattern: Regular expression that is searched in the path.
        times: How many requests it still spoils; each one counts.
        status: Answer with this status instead.
        headers: Headers of that answer.
        cut: Close the connection after so many bytes of the body.
        stall: Fall silent after ``cut`` bytes (0 when not given) until this event is set.
        drop: Close the connection without an answer.
    """

    pattern: str
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: threading.Event | None = None
    drop: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False


class GitHost:
    """A git host on loopback; use it as a context manager.

    Args:
        root: Folder for the bare repos; a temporary one when not given.
        code_host: Host name that archives are redirected to, as GitHub sends people to
            codeload.github.com; "localhost" is another host than "127.0.0.1" to a client.
    """

    def __init__(self, root: Path | None = None, *, code_host: str = "127.0.0.1") -> None:
        self._temporary = root is None
        self.root = root or Path(tempfile.mkdtemp(prefix="git-host-"))
        self.code_host = code_host
        self.requests: list[Request] = []
        self.connections = 0
        self.faults: list[Fault] = []
        self.files: dict[str, Path | bytes] = {}
        self.assets: dict[str, str] = {}
        self.archives: dict[str, bytes] = {}
        self.tokens: dict[str, str] = {}
        self.lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
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
        if not bare.exists():
            bare.parent.mkdir(parents=True, exist_ok=True)
            git("init", "--quiet", "--bare", str(bare))
        refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        git(
            "fetch",
            "--quiet",
            "--prune",
            "--update-head-ok",
            str(worktree.resolve()),
            *refs,
            cwd=bare,
        )
        head = git("symbolic-ref", "HEAD", cwd=worktree)
        git("symbolic-ref", "HEAD", head, cwd=bare)
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
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        stall: threading.Event | None = None,
        drop: bool = False,
    ) -> Fault:
        """Spoil the next requests whose path matches; see `Fault`."""
        fault = Fault(pattern, times, status, dict(headers or {}), cut, stall, drop)
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

    def take_fault(self, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, path):
                    fault.times -= 1
                    return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: GitHost) -> None:
        self.host = host
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    entry: Request

    def setup(self) -> None:
        super().setup()
        with self.host.lock:
            self.host.connections += 1

    @property
    def host(self) -> GitHost:
        return self.server.host

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: the log is ``host.requests``."""

    def do_GET(self) -> None:
        self.serve()

    def do_HEAD(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.entry = Request(self.command, unquote(parts.path), parts.query, headers)
        with self.host.lock:
            self.host.requests.append(self.entry)
        fault = self.host.take_fault(self.entry.path)
        if fault and fault.drop:
            self.hang_up()
        elif fault and fault.status:
            extra = tuple(fault.headers.items())
            self.send(Answer(fault.status, b"as it was told to", extra))
        else:
            self.send(self.answer(), fault)

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def send(self, answer: Answer, fault: Fault | None = None) -> None:
        self.entry.status = answer.status
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault is None:
            self.write(answer.body, chunked=answer.chunked, last=True)
            return
        at = min(fault.cut or 0, len(answer.body))
        self.write(answer.body[:at], chunked=answer.chunked, last=False)
        if fault.stall is not None and fault.stall.wait(PATIENCE):
            self.write(answer.body[at:], chunked=answer.chunked, last=True)
        else:
            self.hang_up()

    def write(self, body: bytes, *, chunked: bool, last: bool) -> None:
        if chunked and body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))
        elif body:
            self.wfile.write(body)
        if chunked and last:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        self.entry.sent += len(body)

    def answer(self) -> Answer:
        path = self.entry.path
        if path in self.host.files:
            return self.file(self.host.files[path])
        if path in self.host.assets:
            where = f"{self.host.url}{self.host.assets[path]}?signature=secret"
            return Answer(302, headers=(("Location", where),))
        match = re.fullmatch(r"/(codeload/)?([^/]+)/([^/]+?)(?:\.git)?/(.+)", path)
        if not match or path.startswith("/objects/"):
            return Answer(404, b"Not Found")
        codeload, owner, name, rest = match.groups()
        bare = self.host.bare(owner, name)
        if codeload:
            return self.codeload(bare, f"{owner}/{name}", rest)
        if not bare.exists() or not self.may_see(f"{owner}/{name}"):
            return self.hidden(rest)
        if rest in ("info/refs", "git-upload-pack"):
            return self.smart_http(f"/{owner}/{name}.git/{rest}")
        return self.archive(bare, f"{owner}/{name}", rest)

    def file(self, content: Path | bytes) -> Answer:
        body = content if isinstance(content, bytes) else content.read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = (("ETag", etag), ("Accept-Ranges", "bytes"))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted or self.headers.get("If-Range", etag) != etag:
            return Answer(200, body, headers)
        start, end = int(wanted[1]), int(wanted[2] or len(body) - 1)
        if start >= len(body):
            return Answer(416, headers=(("Content-Range", f"bytes */{len(body)}"),))
        part = body[start : end + 1]
        span = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        return Answer(206, part, (*headers, ("Content-Range", span)))

    def may_see(self, repo: str) -> bool:
        token = self.host.tokens.get(repo)
        if token is None:
            return True
        kind, _, said = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            said = base64.b64decode(said).decode().partition(":")[2]
        return said == token

    def hidden(self, rest: str) -> Answer:
        """GitHub's answer for what does not exist and for what one may not see: the same."""
        if rest.startswith(("info/refs", "git-")) and "Authorization" not in self.headers:
            return Answer(401, b"", (("WWW-Authenticate", 'Basic realm="GitHub"'),))
        return Answer(404, b"Not Found")

    def smart_http(self, path: str) -> Answer:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            **GIT_ENVIRONMENT,
            "GIT_PROJECT_ROOT": str(self.host.root / "repos"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": self.entry.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        backend = Path(git("--exec-path")) / "git-http-backend"
        done = subprocess.run(
            [backend], input=body, env=environment, capture_output=True, check=True
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")]
        headers = {name: value for name, _, value in lines}
        status = int(headers.pop("Status", "200")[:3])
        return Answer(status, rest, tuple(headers.items()))

    def archive(self, bare: Path, repo: str, rest: str) -> Answer:
        """``archive/<ref>.zip`` and ``zipball/<ref>``: off to where archives are made."""
        match = re.fullmatch(r"archive/(.+)\.zip|zipball/(.+)", rest)
        if not match:
            return Answer(404, b"Not Found")
        ref = match[1] or match[2]
        if self.commit(bare, ref) is None:
            return Answer(404, b"Not Found")
        where = f"http://{self.host.code_host}:{self.host.port}/codeload/{repo}/zip/{quote(ref)}"
        if repo in self.host.tokens:
            where += f"?token={_ticket(repo)}"
        return Answer(302, headers=(("Location", where),))

    def codeload(self, bare: Path, repo: str, rest: str) -> Answer:
        ref = rest.removeprefix("zip/")
        tickets = parse_qs(self.entry.query).get("token", [""])
        sha = self.commit(bare, ref) if bare.exists() else None
        if sha is None or (repo in self.host.tokens and tickets != [_ticket(repo)]):
            return Answer(404, b"Not Found")
        prefix = f"--prefix={repo.partition('/')[2]}-{ref.replace('/', '-')}/"
        body = self.host.archives.get(sha)
        if body is None:
            body = git_bytes("archive", "--format=zip", prefix, sha, cwd=bare)
        kind = (("Content-Type", "application/zip"), ("ETag", f'W/"{sha}"'))
        return Answer(200, body, kind, chunked=True)

    @staticmethod
    def commit(bare: Path, ref: str) -> str | None:
        names = (f"refs/heads/{ref}", f"refs/tags/{ref}", ref)
        found = (_rev_parse(bare, f"{name}^{{commit}}") for name in names)
        return next(filter(None, found), None)


def _rev_parse(bare: Path, name: str) -> str | None:
    try:
        return git("rev-parse", "--verify", "--quiet", name, cwd=bare)
    except RuntimeError:
        return None


def _ticket(repo: str) -> str:
    """What a redirect to a private archive carries in its query in place of the token."""
    return hashlib.sha256(repo.encode()).hexdigest()[:16]
