"""Answers that do not end, swell when unpacked, or say absurd numbers: a typed error, soon."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import socket
import threading
import tracemalloc
import zlib
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hubkit import errors, limits
from hubkit.facts import FetchPolicy
from hubkit.hubdir import download_url_to_file, fetch_checkpoint, parse_repo
from hubkit.hubdir.http import Client
from hubkit.hubdir.protocol import packet, read_packets, read_parents
from hubkit.hubdir.refs import fetch_refs, read_refs
from hubkit.hubdir.retry import requested_delay, reset_at
from hubkit.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.git_host import Answer, GitHost

BODY = os.urandom(100_000)
ABSURD = [
    "\u00b2",
    "9" * 5000,
    "9" * 400,
    "9" * 19,
    "-5",
    "1e9",
    "nan",
    "inf",
    "5, 6",
    "+5",
    "0x10",
    "Fri, 31 Dec 9999 23:59:59 -2359",
]


@contextmanager
def endless_host(head: bytes, piece: bytes) -> Iterator[tuple[str, list[int]]]:
    """A host that answers everything with a head and then the same piece until it is left."""
    sent: list[int] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            sent.append(0)
            with connection:
                connection.recv(1 << 16)
                try:
                    connection.sendall(head)
                    while sent[-1] < 1 << 30:  # the test fails before this is reached
                        connection.sendall(piece)
                        sent[-1] += len(piece)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def with_headers(answer: Answer, headers: dict[str, str]) -> Answer:
    kept = tuple(header for header in answer.headers if header[0] not in headers)
    return replace(answer, headers=(*kept, *headers.items()))


@pytest.mark.parametrize("value", ABSURD)
def test_an_absurd_time_is_ignored(value: str) -> None:
    for name in ("retry-after", "x-ratelimit-reset"):
        assert requested_delay(429, {name: value}) is None
        assert reset_at({name: value}) is None


@pytest.mark.parametrize("value", ["\u00b2", "9" * 5000, "9" * 19])
@pytest.mark.parametrize("name", ["Content-Length", "Content-Range", "Retry-After"])
def test_absurd_numbers_in_answers_end_in_a_typed_error_or_not_at_all(
    git_host: GitHost, tmp_path: Path, name: str, value: str
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    shown = {"Content-Length": value, "Retry-After": value}
    shown["Content-Range"] = f"bytes {value}-{value}/{value}"
    git_host.fail("net", cut=50_000)
    git_host.changes["net"] = lambda answer: with_headers(
        replace(answer, status=206 if name == "Content-Range" else answer.status),
        {name: shown[name]},
    )
    # Where more is announced than comes, the client waits for it.
    try:
        fetch_checkpoint(url, model_dir=tmp_path, policy=FetchPolicy(read_timeout=0.5, pause=0.01))
    except errors.FetchError:
        assert list(tmp_path.glob("net.pt")) == []
    assert len(git_host.requests) < 10


def test_a_redirect_whose_body_does_not_end_is_not_read(tmp_path: Path) -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/gone\r\n\r\n"
    with endless_host(head, bytes(1 << 16)) as (url, sent):
        with pytest.raises(errors.UnreachableError):
            download_url_to_file(f"{url}/net.pt", str(tmp_path / "out.pt"))
        assert sum(sent) < 64 << 20


def test_a_file_that_does_not_end_is_given_up_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DOWNLOAD_BYTES", Limit(4 << 20, "bytes", ""))
    head = b'HTTP/1.1 200 OK\r\nETag: "one"\r\n\r\n'
    with endless_host(head, bytes(1 << 16)) as (url, sent):
        with pytest.raises(errors.UnreachableError, match="more than 4194304 bytes"):
            download_url_to_file(f"{url}/net.pt", str(tmp_path / "out.pt"))
        assert len(sent) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_SECONDS", Limit(0, "seconds", ""))
    with endless_host(b"HTTP/1.1 200 OK\r\n\r\n", b"0") as (url, sent):
        with (
            Client(FetchPolicy()) as client,
            client.get(f"{url}/x") as answer,
            pytest.raises(errors.UnreachableError, match="too slowly"),
        ):
            list(answer.read_pieces(limits.REFS_BYTES))
        assert len(sent) == 1


def test_several_layers_of_compression_are_refused(git_host: GitHost, tmp_path: Path) -> None:
    url = git_host.add_file("/net.pt", gzip.compress(gzip.compress(bytes(1 << 20))))
    git_host.changes["net"] = lambda answer: with_headers(
        answer, {"Content-Encoding": "gzip, gzip"}
    )
    with pytest.raises(errors.UnreachableError, match="layers of compression"):
        download_url_to_file(url, str(tmp_path / "out.pt"))
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_list_of_refs_is_bounded_as_it_is_unpacked(git_host: GitHost) -> None:
    swollen = gzip.compress(bytes(1 << 20) * 256)
    git_host.add_file("/acme/shapes.git/info/refs", swollen)
    git_host.changes["refs"] = lambda answer: with_headers(answer, {"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with Client(FetchPolicy()) as client, pytest.raises(errors.UnreachableError):
            fetch_refs(client, parse_repo("acme/shapes"))
        assert tracemalloc.get_traced_memory()[1] < 2 * limits.REFS_BYTES.most
    finally:
        tracemalloc.stop()


def test_a_list_of_flush_packets_is_refused_after_a_few() -> None:
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"0000" * 16

    with pytest.raises(ValueError, match="flush packets"):
        read_refs(pieces())
    assert taken < 10


def test_a_list_of_very_many_refs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REFS_COUNT", Limit(10, "refs", ""))
    lines = [packet(f"{'1' * 40} refs/pull/{number}/head\n") for number in range(12)]
    assert read_refs(lines[:10]).commits == {}
    with pytest.raises(ValueError, match="more than 10 refs"):
        read_refs(lines)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_packets_are_the_same_however_the_body_is_cut(size: int) -> None:
    body = packet("one") + b"0000" + packet("two" * 100) + b"00010004" + packet("three")
    cut = [body[at : at + size] for at in range(0, len(body), size)]
    assert list(read_packets(cut)) == [b"one", b"two" * 100, b"three"]
    with pytest.raises(ValueError, match="truncated"):
        list(read_packets([*cut[:-1], cut[-1][:-1]] if size > 1 else cut[:-1]))


def _pack(count: int, *objects: bytes) -> bytes:
    return b"PACK" + b"\0\0\0\2" + count.to_bytes(4, "big") + b"".join(objects) + bytes(20)


def test_commits_of_a_pack_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACK_KEPT", Limit(8 << 20, "bytes", ""))
    swollen = b"\x90\x80\x80\x40" + zlib.compress(b"parent x\n\n" + bytes((1 << 20) - 10), 9)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="take more than 8388608 bytes"):
            list(read_parents(_pack(64, *[swollen] * 64)))
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_a_small_pack_keeps_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PACK_RATIO_FROM", Limit(1 << 20, "bytes", ""))
    swollen = b"\x90\x80\x80\x40" + zlib.compress(b"parent x\n\n" + bytes((1 << 20) - 10), 9)
    with pytest.raises(ValueError, match="its commits take more than"):
        list(read_parents(_pack(8, *[swollen] * 8)))


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_the_unpacked_size_of_a_pack_is_bounded(monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    monkeypatch.setattr(limits, "PACK_INFLATED", Limit(4 << 20, "bytes", ""))
    swollen = bytes([kind << 4]) + zlib.compress(bytes(16 << 20), 9)
    with pytest.raises(ValueError, match="unpacks to more than 4194304 bytes"):
        list(read_parents(_pack(1, swollen)))


def test_a_pack_of_very_many_objects_or_instructions_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match="objects"):
        list(read_parents(_pack(2**32 - 1, bytes(100))))
    monkeypatch.setattr(limits, "PACK_STEPS", Limit(1000, "instructions", ""))
    commit = b"tree x\n\n"
    name = hashlib.sha1(b"commit %d\0%b" % (len(commit), commit), usedforsecurity=False)
    first = b"\x10" + zlib.compress(commit)
    second = b"\x70" + name.digest() + zlib.compress(b"\x00\x00" + b"\x81\x08" * 2000)
    with pytest.raises(ValueError, match="1000 instructions"):
        list(read_parents(_pack(2, first, second)))


@pytest.mark.parametrize("wrong", [{}, {"etag": '"other"'}], ids=["the same", "another version"])
def test_a_partial_file_that_is_whole_is_not_fetched_again(
    git_host: GitHost, tmp_path: Path, wrong: dict[str, str]
) -> None:
    url = git_host.add_file("/net.pt", BODY)
    download_url_to_file(url, str(tmp_path / "first.pt"))
    with Client(FetchPolicy()) as client, client.get(url) as answer:
        etag = answer.headers["ETag"]
    partial = tmp_path / f"out.pt.{'0' * 16}.partial"
    partial.write_bytes(BODY)
    partial.with_name(f"{partial.name}.json").write_text(json.dumps({"etag": etag, **wrong}))
    git_host.forget_requests()
    download_url_to_file(url, str(tmp_path / "out.pt"), hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "out.pt").read_bytes() == BODY
    assert [entry.status for entry in git_host.requests] == [200 if wrong else 416]
    assert sum(entry.sent for entry in git_host.requests) == (len(BODY) if wrong else 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.pt", "out.pt"]
