"""One file from a host that cuts, lies, compresses, refuses or says nothing."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import os
import socket
import time
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from hubkit import errors
from hubkit.facts import FetchPolicy
from hubkit.hubdir import download_url_to_file, fetch_checkpoint
from hubkit.hubdir.retry import backoff, requested_delay

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import Answer, GitHost

BODY = os.urandom(3_000_000)
SHA = hashlib.sha256(BODY).hexdigest()


def with_header(answer: Answer, name: str, value: str) -> Answer:
    kept = tuple(header for header in answer.headers if header[0] != name)
    return replace(answer, headers=(*kept, (name, value)))


def ranges_of(host: GitHost) -> list[str | None]:
    return [entry.headers.get("range") for entry in host.requests]


@pytest.mark.parametrize("cut", [[], [1_000_000]])
def test_a_body_without_a_length_is_kept_only_when_it_ends(
    git_host: GitHost, tmp_path: Path, cut: list[int]
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.changes["net"] = lambda answer: replace(answer, chunked=True)
    for count in cut:
        git_host.fail("net", cut=count)
    download_url_to_file(url, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == BODY
    assert len(git_host.requests) == 1 + len(cut)


def test_a_body_that_is_shorter_than_announced_is_refused(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    longer = str(len(BODY) + 10)
    git_host.changes["net"] = lambda answer: with_header(answer, "Content-Length", longer)
    git_host.fail("net", times=99, cut=len(BODY))
    with pytest.raises(errors.IncompleteDownloadError):
        fetch_checkpoint(url, model_dir=tmp_path, policy=FetchPolicy(pause=0.01))
    assert not (tmp_path / "net.pt").exists()


def test_a_body_that_is_longer_than_announced_fails_its_hash(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    shorter = str(len(BODY) - 10)
    git_host.changes["net"] = lambda answer: with_header(answer, "Content-Length", shorter)
    with pytest.raises(errors.HashMismatchError):
        download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert list(tmp_path.glob("out*")) == []


@pytest.mark.parametrize("cut", [[], [1_000_000]])
def test_unrequested_compression_is_unpacked(
    git_host: GitHost, tmp_path: Path, cut: list[int]
) -> None:
    body = BODY + bytes(5_000_000)
    packed = gzip.compress(body)
    url = git_host.add_file("/net.pt", packed)
    git_host.changes["net"] = lambda answer: with_header(answer, "Content-Encoding", "gzip")
    for count in cut:
        git_host.fail("net", cut=count)
    download_url_to_file(url, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == body
    assert ranges_of(git_host) == [None] * (1 + len(cut))


@pytest.mark.parametrize(
    ("etag", "again"), [('"one"', "bytes=1000000-"), ('W/"one"', None), ("", None)]
)
def test_only_a_strong_mark_is_ground_to_resume_on(
    git_host: GitHost, tmp_path: Path, etag: str, again: str | None
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.changes["net"] = lambda answer: with_header(answer, "ETag", etag)
    git_host.fail("net", cut=1_000_000)
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert ranges_of(git_host) == [None, again]


def test_a_file_that_changes_between_two_tries_is_fetched_afresh(
    git_host: GitHost, tmp_path: Path
) -> None:
    url = git_host.add_file("/net.pt", BODY)

    def replaced(answer: Answer) -> Answer:
        git_host.files["/net.pt"] = BODY[::-1]
        return answer

    git_host.changes["net"] = replaced
    git_host.fail("net", cut=1_000_000)
    download_url_to_file(url, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == BODY[::-1]
    assert [entry.status for entry in git_host.requests] == [200, 200]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ETag": '"other"'},
        {"Content-Range": f"bytes 7-{len(BODY) - 1}/{len(BODY)}"},
        {"Content-Range": f"bytes 1000000-{len(BODY) - 1}/*"},
        {"Content-Range": ""},
    ],
    ids=["another version", "elsewhere", "no length", "nowhere"],
)
def test_a_host_that_resumes_wrongly_is_asked_for_the_whole(
    git_host: GitHost, tmp_path: Path, wrong: dict[str, str]
) -> None:
    url = git_host.add_file("/net.pt", BODY)

    def resume(answer: Answer) -> Answer:
        for name, value in wrong.items() if answer.status == 206 else ():
            answer = with_header(answer, name, value)
        return answer

    git_host.changes["net"] = resume
    git_host.fail("net", cut=1_000_000)
    download_url_to_file(url, str(tmp_path / "out.pt"))
    assert (tmp_path / "out.pt").read_bytes() == BODY
    assert [entry.status for entry in git_host.requests] == [200, 206, 200]


@pytest.mark.parametrize(
    "where",
    [
        "file:///etc/passwd",
        "ftp://me:secret@127.0.0.1/x?sig=secret",
        "//",
        "http://[x?sig=secret",
        "http://me:secret@host:port/x?sig=secret",
    ],
)
def test_a_redirect_to_what_is_not_a_file_on_a_host_is_refused(
    git_host: GitHost, tmp_path: Path, where: str
) -> None:
    git_host.fail("net", status=302, headers={"Location": where}, times=9)
    with pytest.raises(errors.FetchError, match=r"127\.0\.0\.1") as refused:
        download_url_to_file(f"{git_host.url}/net.pt", str(tmp_path / "out.pt"))
    assert list(tmp_path.glob("out*")) == []
    assert "secret" not in str(refused.value)


def test_a_busy_host_is_asked_again(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", status=503)
    git_host.fail("net", status=429, headers={"Retry-After": formatdate(usegmt=True)})
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert [entry.status for entry in git_host.requests] == [503, 429, 200]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, errors.RateLimitedError), (503, errors.UnreachableError)]
)
def test_a_host_that_wants_an_hour_is_asked_once(
    git_host: GitHost, tmp_path: Path, status: int, kind: type[errors.HubkitError]
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    git_host.fail("net", status=status, headers={"Retry-After": "3600"})
    with pytest.raises(kind):
        download_url_to_file(url, str(tmp_path / "out.pt"))
    assert len(git_host.requests) == 1


def test_requested_delays() -> None:
    in_a_minute = formatdate(time.time() + 60, usegmt=True)
    reset = {"x-ratelimit-reset": str(int(time.time()) + 30)}
    assert requested_delay(503, {"retry-after": "7"}) == pytest.approx(7, abs=1)
    assert requested_delay(429, {"retry-after": in_a_minute}) == pytest.approx(60, abs=5)
    assert requested_delay(503, {"retry-after": "0"}) == 0
    assert requested_delay(429, reset) == pytest.approx(30, abs=5)
    assert requested_delay(502, reset) is None
    assert requested_delay(503, {}) is None
    assert 0.5 <= backoff(0) < 1 <= backoff(1) < 2 <= backoff(2)


def test_a_server_error_is_retried_despite_a_reset_time(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", BODY)
    reset = {"x-ratelimit-reset": str(int(time.time()) + 3600)}
    git_host.fail("net", status=502, headers=reset)
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert [entry.status for entry in git_host.requests] == [502, 200]


def test_the_body_of_a_busy_host_is_not_read(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", bytes(64 << 20))
    busy = iter([True])
    git_host.changes["net"] = lambda answer: (
        replace(answer, status=503) if next(busy, False) else replace(answer, body=BODY, headers=())
    )
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert [entry.status for entry in git_host.requests] == [503, 200]
    assert git_host.requests[0].sent < 32 << 20


@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_that_ends_soon_is_waited_for(
    git_host: GitHost, tmp_path: Path, status: int
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    soon = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()))}
    git_host.fail("net", status=status, headers=soon)
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert [entry.status for entry in git_host.requests] == [status, 200]


def test_a_host_that_accepts_and_falls_silent_gets_the_policys_time_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/net.pt"
        with pytest.raises(errors.UnreachableError, match="timed out"):
            fetch_checkpoint(url, model_dir=tmp_path, policy=FetchPolicy(read_timeout=0.2))
        silent.settimeout(0.2)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):
            silent.accept()


def test_resuming_asks_the_url_itself_and_not_its_expired_redirect(
    git_host: GitHost, tmp_path: Path
) -> None:
    (tmp_path / "net.pt").write_bytes(BODY)
    url = git_host.add_asset("acme", "shapes", "v1", tmp_path / "net.pt")
    numbers = itertools.count()

    def sign(answer: Answer) -> Answer:
        where = dict(answer.headers)["Location"].partition("?")[0]
        return with_header(answer, "Location", f"{where}?signature={next(numbers)}")

    git_host.changes["releases"] = sign
    git_host.fail("objects", cut=1_000_000)
    git_host.fail("objects", times=9, status=403, only=lambda entry: entry.query == "signature=0")
    download_url_to_file(url, str(tmp_path / "out.pt"), SHA)
    assert [entry.query for entry in git_host.requests] == ["", "signature=0", "", "signature=1"]
    assert git_host.sent == len(BODY)
