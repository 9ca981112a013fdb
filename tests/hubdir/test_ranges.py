"""A slow stream gets company: what arrives in parts is whole, resumable, and no host is pressed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from time import sleep
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import download_url_to_file, fetch_checkpoint
from hubkit.hubdir.parts import CONNECTIONS, PART, SLOW, WINDOW, WORTH, Throughput
from tests.git_host.faults import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.git_host import Answer, GitHost, Request

MIB = 1 << 20
BODY = random.Random(0).randbytes(WORTH + 16 * MIB)
SHA = hashlib.sha256(BODY).hexdigest()
SPILT = 64 * MIB  # sent and not read, on a machine that lets a host run ahead of its client

CHILD = """
import resource, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from hubkit.errors import CacheWriteError
from hubkit.hubdir import download_url_to_file
url, path, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    download_url_to_file(url, path, progress=False)
except CacheWriteError:
    sys.exit(28)
"""


@dataclass
class Reins:
    """Holds a host back, however fast or slow the machine is at the moment.

    What comes in one stream crawls until parts of it are asked for; and after so many bytes
    something is done, and nothing more is sent.
    """

    host: GitHost
    parts: int = 1
    halt_at: int | None = None
    at_halt: Callable[[], object] = bool
    halted: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._before = len(self.host.requests)
        self._once = threading.Lock()

    def __call__(self, entry: Request) -> None:
        if self.halt_at is not None and self.host.sent >= self.halt_at:
            self._halt()
        if not is_part(entry):
            self.host.wait_until(self._is_joined, 0.005)
            if entry.sent > 8 * MIB:  # more than sockets and a busy machine hide from a client
                self.host.wait_until(self._is_joined, 0.1)

    def _halt(self) -> None:
        with self._once:
            if not self.halted.is_set():
                self.at_halt()
                self.halted.set()
        self.released.wait(PATIENCE)

    def _is_joined(self, seen: list[Request]) -> bool:
        return sum(map(is_part, seen[self._before :])) >= self.parts


@dataclass
class InterruptAfterFirstPart(Reins):
    """Sends SIGINT when the client has shown that the first part is whole in its file.

    Only the first stream gets bytes. When every other connection has a part, the client asks for
    one more only after the first stream has filled its own.
    """

    def __call__(self, entry: Request) -> None:
        if not is_part(entry):
            super().__call__(entry)
            return
        with self._once:
            seen = sum(map(is_part, self.host.requests[self._before :]))
            if seen == CONNECTIONS and not self.halted.is_set():
                self.halted.set()
                os.kill(os.getpid(), signal.SIGINT)
        self.released.wait(PATIENCE)


@dataclass
class HoldAfterOnePart(Reins):
    """Holds every stream when the client has shown that one part is whole in its file.

    The first stream gets no more bytes once parts are requested. A connection requests another
    part only after it has filled its own.
    """

    def __call__(self, entry: Request) -> None:
        seen = sum(map(is_part, self.host.requests[self._before :]))
        if seen >= CONNECTIONS:
            self._halt()
        elif seen and not is_part(entry):
            self.halted.wait(PATIENCE)
        elif not seen:
            super().__call__(entry)


@pytest.fixture
def slow_host(git_host: GitHost) -> GitHost:
    """A host whose streams are slow, each taken alone."""
    git_host.gate = Reins(git_host)
    git_host.add_file("/net.pt", BODY)
    return git_host


def url_of(host: GitHost) -> str:
    return f"{host.url}/net.pt"


def is_part(entry: Request) -> bool:
    return re.fullmatch(r"bytes=\d+-\d+", entry.headers.get("range", "")) is not None


def start_of(entry: Request) -> int:
    """The first byte that a request asks for."""
    return int(entry.headers["range"].removeprefix("bytes=").partition("-")[0])


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("out.pt*"))


def read_missing(folder: Path, body: bytes) -> list[tuple[int, int]]:
    """What the journal of a partial file says is missing, if all the rest is right."""
    (path,) = folder.glob("out.pt.*.partial")
    missing = json.loads(path.with_name(f"{path.name}.json").read_bytes())["missing"]
    kept, at = path.read_bytes(), 0
    for start, end in [*missing, [len(kept), len(kept)]]:
        assert kept[at:start] == body[at:start]
        at = end
    return [(start, end) for start, end in missing]


def child(host: GitHost, path: Path, limit: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, url_of(host), str(path), str(limit)])


def test_a_slow_stream_gets_company(slow_host: GitHost, tmp_path: Path) -> None:
    slow_host.gate = Reins(slow_host, parts=CONNECTIONS - 1)
    before = threading.enumerate()
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"), SHA)
    after = [thread for thread in threading.enumerate() if "_work" in thread.name]
    assert after == [thread for thread in before if "_work" in thread.name]
    parts = [entry for entry in slow_host.requests if is_part(entry)]
    assert len(parts) == CONNECTIONS - 1
    assert all(entry.headers.get("if-range") for entry in parts)
    assert slow_host.sent <= len(BODY) + SPILT
    assert files_in(tmp_path) == ["out.pt"]


@pytest.mark.usefixtures("progress_shown")
def test_the_bar_counts_what_all_connections_bring(
    slow_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    slow_host.fail("net", cut=MIB, only=is_part)
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"), SHA)
    seen = [int(share) for share in re.findall(r"(\d+)%", terminal.getvalue())]
    assert seen == sorted(seen)
    assert "100%" in terminal.getvalue()
    assert "80.0M/80.0M" in terminal.getvalue()


def test_only_a_stream_that_stays_slow_is_slow() -> None:
    fast, slow, early = Throughput(), Throughput(), Throughput()
    assert not any(fast.is_slow(int(SLOW / 50), 0.01) for _ in range(100))
    assert any(slow.is_slow(int(SLOW / 200), 0.01) for _ in range(100))
    assert not early.is_slow(0, WINDOW / 2)


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_small_and_changeable_files_stay_one_stream(
    slow_host: GitHost, tmp_path: Path, etag: str | None
) -> None:
    slow_host.gate = lambda entry: sleep(0.005 * (entry.sent < 4 * MIB))
    if etag:
        slow_host.changes["net"] = lambda answer: replace(answer, headers=(("ETag", etag),))
    else:
        slow_host.files["/net.pt"] = BODY[: WORTH - 1]
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"))
    assert len(slow_host.requests) == 1


@pytest.mark.parametrize("status", [200, 403, 416, 429, 503])
def test_a_host_that_refuses_a_part_is_asked_once_and_goes_on_alone(
    slow_host: GitHost, tmp_path: Path, status: int
) -> None:
    slow_host.fail("net", times=99, status=status, only=is_part)
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"), SHA)
    assert [entry.status for entry in slow_host.requests] == [200, status]


def test_parts_of_another_version_are_not_taken(slow_host: GitHost, tmp_path: Path) -> None:
    def other(answer: Answer) -> Answer:
        if answer.status != 206:
            return answer
        kept = [header for header in answer.headers if header[0] != "ETag"]
        return replace(answer, headers=(*kept, ("ETag", '"other"')))

    slow_host.changes["net"] = other
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"), SHA)
    assert len(slow_host.requests) == 2


@pytest.mark.parametrize("times", [1, 12])
def test_parts_that_are_cut_are_left_to_the_others(
    slow_host: GitHost, tmp_path: Path, times: int
) -> None:
    slow_host.fail("net", times=times, cut=2 * MIB, only=is_part)
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"), SHA)
    assert slow_host.sent <= len(BODY) + times * 2 * MIB + SPILT


def test_a_part_that_falls_silent_is_left_to_the_others(slow_host: GitHost, tmp_path: Path) -> None:
    slow_host.fail("net", cut=2 * MIB, stall=threading.Event(), only=is_part)
    policy = FetchPolicy(read_timeout=2)
    path = fetch_checkpoint(url_of(slow_host), model_dir=tmp_path, policy=policy)
    assert path.read_bytes() == BODY
    assert slow_host.sent <= len(BODY) + SPILT


def test_ctrl_c_stops_all_and_keeps_what_is_whole(
    slow_host: GitHost, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # A shell starts background jobs with SIGINT ignored, and so Python leaves it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    slow_host.files["/net.pt"] = body = BODY * 2  # parts remain when every connection has one
    slow_host.gate = gate = InterruptAfterFirstPart(slow_host)
    with pytest.raises(KeyboardInterrupt):
        download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"))
    gate.released.set()
    assert not [left for left in threading.enumerate() if "_work" in left.name]
    first_part = min(start_of(entry) for entry in slow_host.requests if is_part(entry))
    assert read_missing(tmp_path, body) == [(first_part, len(body))]
    slow_host.gate = None
    slow_host.forget_requests()
    download_url_to_file(url_of(slow_host), str(tmp_path / "out.pt"))
    assert start_of(slow_host.requests[0]) == first_part
    assert (tmp_path / "out.pt").read_bytes() == body


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_loses_only_the_parts_in_flight(
    slow_host: GitHost, tmp_path: Path, by: signal.Signals
) -> None:
    slow_host.files["/net.pt"] = body = BODY * 2
    slow_host.gate = gate = HoldAfterOnePart(slow_host)
    process = child(slow_host, tmp_path / "out.pt")
    assert gate.halted.wait(PATIENCE)
    process.send_signal(by)
    assert process.wait() != 0
    gate.released.set()
    slow_host.gate = None
    missing = read_missing(tmp_path, body)
    later = [start_of(entry) for entry in slow_host.requests if is_part(entry)]
    kept = [start for start in later if not any(a <= start < b for a, b in missing)]
    assert kept, "a part that was whole is not in the journal"
    slow_host.forget_requests()
    assert child(slow_host, tmp_path / "out.pt").wait() == 0
    assert (tmp_path / "out.pt").read_bytes() == body
    first, *others = slow_host.requests
    assert start_of(first) == missing[0][0]
    for entry in others:
        start, end = map(int, entry.headers["range"].removeprefix("bytes=").split("-"))
        assert any(a <= start <= end < b for a, b in missing)


def test_kills_at_any_moment_leave_no_hole(slow_host: GitHost, tmp_path: Path) -> None:
    """What a killed process left is whole but for what its journal says, and is resumed."""
    slow_host.files["/net.pt"] = body = BODY * 2
    moments = [40 * MIB, *(random.randrange(16 * MIB) for _ in range(3))]
    with_holes = 0
    for moment in moments:
        slow_host.gate = reins = Reins(slow_host, halt_at=slow_host.sent + moment)
        process = child(slow_host, tmp_path / "out.pt")
        while not reins.halted.wait(1):
            assert process.poll() is None
        process.kill()
        process.wait()
        reins.released.set()
        with_holes += bool(read_missing(tmp_path, body))
    assert with_holes
    slow_host.gate = None
    assert child(slow_host, tmp_path / "out.pt").wait() == 0
    assert (tmp_path / "out.pt").read_bytes() == body
    assert files_in(tmp_path) == ["out.pt"]
    assert slow_host.sent <= len(body) + len(moments) * CONNECTIONS * PART


def test_a_disk_that_fills_up_is_an_error_and_leaves_nothing(
    slow_host: GitHost, tmp_path: Path
) -> None:
    assert child(slow_host, tmp_path / "out.pt", limit=30 * MIB).wait() == 28
    assert any(map(is_part, slow_host.requests))
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("missing", "resumed"),
    [
        ([], f"bytes={MIB}-"),
        ([[1000, 2000]], "bytes=1000-"),
        ([[1000, 2000], [5000, 2 * MIB]], "bytes=1000-"),
        ([[1000, 3 * MIB]], "bytes=1000-"),
        ([[1000, 2000], [1500, 3000]], None),
        ([[2000, 1000]], None),
        ([[-1, 1000]], None),
        ([[3 * MIB, 4 * MIB]], None),
        ("?", None),
    ],
)
def test_a_partial_file_is_resumed_where_its_journal_says(
    git_host: GitHost, tmp_path: Path, missing: object, resumed: str | None
) -> None:
    body = BODY[: 2 * MIB]
    url = git_host.add_file("/small.pt", body)
    git_host.fail("small", cut=MIB)
    git_host.fail("small", status=404)
    with pytest.raises(errors.NotThereError):
        download_url_to_file(url, str(tmp_path / "out.pt"))
    journal = next(tmp_path.glob("*.json"))
    journal.write_text(json.dumps({**json.loads(journal.read_bytes()), "missing": missing}))
    git_host.forget_requests()
    download_url_to_file(url, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == body
    assert git_host.requests[0].headers.get("range") == resumed
