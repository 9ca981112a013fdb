"""How the host answers one request."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import subprocess
import time
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.git_host.faults import PATIENCE, Answer, Fault, Request
from tests.git_host.repos import GIT_ENVIRONMENT, git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.git_host.host import GitHost

PIECE = 1 << 16  # bytes that are sent, and counted, at a time
LATE = 0.005  # seconds that a slow answer makes up for


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: GitHost) -> None:
        self.host = host
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is nothing to report."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    entry: Request

    def setup(self) -> None:
        super().setup()
        self.owed = self.host.latency  # for the connection
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
        due = time.monotonic() + self.owed + self.host.latency
        self.owed = 0.0
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.entry = Request(self.command, unquote(parts.path), parts.query, headers)
        self.host.note_request(self.entry)
        fault = self.host.take_fault(self.entry)
        if fault and fault.drop:
            self.hang_up()
        elif fault and fault.status:
            extra = tuple(fault.headers.items())
            self.send(Answer(fault.status, b"as it was told to", extra))
        else:
            answer = self.host.change(self.answer(), self.entry.path)
            time.sleep(max(0.0, due - time.monotonic()))
            self.send(answer, fault)

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
        elif "Content-Length" not in dict(answer.headers):
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
        for piece in self.pieces(body):
            self.host.note_sent(self.entry, len(piece))  # first: who has read it may look at once
            self.wfile.write(
                b"".join((b"%x\r\n" % len(piece), piece, b"\r\n")) if chunked else piece
            )
        if chunked and last:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def pieces(self, body: bytes) -> Iterator[memoryview]:
        """The body in pieces, no faster than the host's rate and when its gate is open."""
        view = memoryview(body)
        due = time.monotonic()
        for at in range(0, len(body), PIECE):
            if self.host.rate:
                time.sleep(max(0.0, due - time.monotonic()))
                # Much that was late is not made up for: that would be a burst above the rate.
                due = max(due, time.monotonic() - LATE) + PIECE / self.host.rate
            if self.host.gate:
                self.host.gate(self.entry)
            yield view[at : at + PIECE]

    def answer(self) -> Answer:
        path = self.entry.path
        if path in self.host.files:
            return self.file(self.host.files[path])
        if path in self.host.assets:
            where = f"{self.host.url}{self.host.assets[path]}?signature=secret"
            return Answer(302, headers=(("Location", where),))
        listed = re.fullmatch(r"/api/repos/([^/]+)/([^/]+)/(branches|tags)", path)
        if listed:
            return self.listing(self.host.bare(listed[1], listed[2]), listed[3])
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
        if rest.startswith("tree/"):  # the page of a branch
            found = self.commit(bare, rest.removeprefix("tree/").rstrip("/"))
            return Answer(200 if found else 404)
        return self.archive(bare, f"{owner}/{name}", rest)

    def listing(self, bare: Path, kind: str) -> Answer:
        """A page of the REST API's list of branches or tags."""
        asked = {name: int(said[0]) for name, said in parse_qs(self.entry.query).items()}
        size, page = asked.get("per_page", 30), asked.get("page", 1)
        folder = {"branches": "refs/heads/", "tags": "refs/tags/"}[kind]
        shape = (
            "%(refname:strip=2) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        )
        lines = git("for-each-ref", f"--format={shape}", folder, cwd=bare).splitlines()
        shown = [line.split() for line in lines[(page - 1) * size : page * size]]
        rows = [{"name": name, "commit": {"sha": sha}} for name, sha in shown]
        return Answer(200, json.dumps(rows).encode(), (("Content-Type", "application/json"),))

    def file(self, content: Path | bytes) -> Answer:
        body = content if isinstance(content, bytes) else content.read_bytes()
        etag = _etag_of(body)
        headers = (("ETag", etag), ("Accept-Ranges", "bytes"))
        if self.headers.get("If-None-Match") == etag:
            return Answer(304, headers=headers)
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
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") * self.host.speaks_version_2,
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
        if _rev_parse(bare, f"refs/heads/{ref}") and _rev_parse(bare, f"refs/tags/{ref}"):
            return Answer(300, b"the given path has multiple possibilities")
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


@lru_cache(maxsize=4)  # a large file may be asked for in many parts
def _etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _rev_parse(bare: Path, name: str) -> str | None:
    try:
        return git("rev-parse", "--verify", "--quiet", name, cwd=bare)
    except RuntimeError:
        return None


def _ticket(repo: str) -> str:
    """What a redirect to a private archive carries in its query in place of the token."""
    return hashlib.sha256(repo.encode()).hexdigest()[:16]
