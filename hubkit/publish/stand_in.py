"""Run code as users will run it, in a child process in which files stand in for hosts.

The child has an empty hub dir, an empty working directory, and no network. Requests of urllib, and
therefore of torch.hub, get a file in place of a URL; hubkit gets them from a server on loopback.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import urllib.request
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.response import addinfourl

from msgspec import Struct, convert

from hubkit._util.process import Call, ChildError, run_child
from hubkit._util.urls import try_parse
from hubkit.errors import ProbeError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

_TIMEOUT = 600.0  # seconds, for all pieces of code
_LONGEST = 20_000  # characters of an error
_SHOWN = 400
_GITHUB = "https://github.com"


class Hosted(Struct, frozen=True):
    """What hosts have.

    Attributes:
        urls: Files by URL, without a query.
        names: Files by the last part of any other URL.
    """

    urls: dict[str, str] = {}
    names: dict[str, str] = {}

    def find(self, url: str) -> str | None:
        """The file at a URL, or None."""
        url = url.partition("?")[0]
        parts = try_parse(url)
        return self.urls.get(url) or self.names.get(parts.file_name if parts else "")


class RunRequest(Struct, frozen=True):
    """What the child process runs.

    Attributes:
        home: A folder for hub dirs, one for each piece of code.
        codes: The pieces of code.
        hosted: What hosts have.
        trusted: Repos whose code may run, as "owner/name".
    """

    home: str
    codes: tuple[str, ...]
    hosted: Hosted
    trusted: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    """How a piece of code ended.

    Attributes:
        error: Its error, on one line; "" if it ran.
        unreachable: The first URL or host that it requested in vain.
    """

    error: str = ""
    unreachable: str = ""

    @property
    def shown(self) -> str:
        """The error in a length that people read."""
        return self.error if len(self.error) <= _SHOWN else f"{self.error[:_SHOWN]}…"


def run_codes(
    root: Path, codes: tuple[str, ...], hosted: Hosted, *trusted: str
) -> tuple[Outcome, ...]:
    """Run pieces of code one after the other, each with an empty hub dir.

    Args:
        root: The working tree, from which nothing is imported.
        codes: The pieces of code.
        hosted: What hosts have.
        *trusted: Repos whose code may run, as "owner/name".

    Raises:
        ProbeError: The process crashed or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="hubkit-run-", ignore_cleanup_errors=True) as home:
        call = Call(
            f"{__name__}:{serve_codes.__name__}",
            RunRequest(home, codes, hosted, trusted),
            env={
                **dict.fromkeys(("HUBKIT_LOCKFILE", "HUBKIT_OFFLINE", "HUBKIT_TRUST")),
                **dict.fromkeys(("GITHUB_TOKEN", "GH_TOKEN")),
                "PYTHONPATH": _python_path(root),
            },
            timeout=_TIMEOUT,
        )
        try:
            return run_child(call, tuple[Outcome, ...]).reply
        except ChildError as error:
            raise ProbeError(
                f"The process that loads the weights {error.reason}", hint=error.output
            ) from error


def serve_codes(message: object) -> tuple[Outcome, ...]:
    """Run the code of a request. This runs in the child process.

    Args:
        message: A `RunRequest`.
    """
    from hubkit.runtime.sandbox import isolate_network

    request = convert(message, RunRequest)
    isolate_network()  # before there is a second thread
    with _serving(request.hosted):
        return tuple(
            _run(code, Path(request.home, str(number)), request.trusted)
            for number, code in enumerate(request.codes)
        )


def _run(code: str, home: Path, trusted: tuple[str, ...]) -> Outcome:
    from hubkit.hubdir import add_trust, parse_repo
    from hubkit.runtime.sandbox import Policy, guarded_network

    os.environ["TORCH_HOME"] = str(home)
    for repo in trusted:
        add_trust(parse_repo(repo))
    policy, reason = Policy(loopback=True), "this process is offline"
    with guarded_network(home, "the code", policy=policy, reason=reason) as guard:
        error = ""
        try:
            exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})  # noqa: S102
        except BaseException as raised:  # noqa: BLE001 - repo code may even exit
            error = f"{type(raised).__name__}: {_on_one_line(raised)}"
    _forget_modules(home)
    return Outcome(error, guard.attempts[0].target if guard.attempts else "")


def _forget_modules(home: Path) -> None:
    """Let the next piece of code import anew what this one imported from its hub dir."""
    import sys

    for name, module in sys.modules.copy().items():
        if Path(getattr(module, "__file__", None) or "").is_relative_to(home):
            del sys.modules[name]


def _on_one_line(error: BaseException) -> str:
    """The message on one line, without the folders that a user does not have."""
    import re

    text = re.sub(r"/\S*hubkit-run-[^/\s]*/(?:\S*/[0-9a-f]{40,64}/|\S*?hub/)?", "", str(error))
    text = " ".join(text.split())
    return text[:_LONGEST]


@contextlib.contextmanager
def _serving(hosted: Hosted) -> Iterator[None]:
    """Serve files to urllib, and on loopback in place of github.com."""
    import threading

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = hosted.find(f"{_GITHUB}{self.path}")
            self.send_response(200 if file else 404)
            self.send_header("Content-Length", str(Path(file).stat().st_size if file else 0))
            self.end_headers()
            if file:
                with Path(file).open("rb") as stream:
                    self.copy(stream)

        def copy(self, stream: io.BufferedReader) -> None:
            import shutil

            shutil.copyfileobj(stream, self.wfile)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    class Opener(urllib.request.BaseHandler):
        def default_open(self, request: urllib.request.Request) -> addinfourl | None:
            file = hosted.find(request.full_url)
            if file is None:
                return None  # the guard refuses it
            headers = Message()
            headers["Content-Length"] = str(Path(file).stat().st_size)
            # The reader closes it.
            response = addinfourl(Path(file).open("rb"), headers, request.full_url, 200)  # noqa: SIM115
            vars(response)["msg"] = "OK"  # urllib's own handlers look at it
            return response

    urllib.request.install_opener(urllib.request.build_opener(Opener()))
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        os.environ["HUBKIT_GITHUB_URL"] = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield
        server.shutdown()


def _python_path(root: Path) -> str | None:
    """The PYTHONPATH without folders of the working tree."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    inside = root.resolve()
    kept = [one for one in entries if one and not Path(one).resolve().is_relative_to(inside)]
    return os.pathsep.join(kept) or None
