"""The network guard."""

from __future__ import annotations

import socket
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.network import NetworkDeniedError, guarded_network

if TYPE_CHECKING:
    from pathlib import Path


def test_a_download_is_denied_by_its_url(tmp_path: Path) -> None:
    with guarded_network(tmp_path, "net()") as guard, pytest.raises(OSError, match="net"):
        urllib.request.urlopen("http://weights.example.org/net.pth")
    assert [attempt.target for attempt in guard.attempts] == ["http://weights.example.org/net.pth"]


def test_the_file_of_the_repo_that_asks_is_told(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "import socket\n\ndef load():\n    socket.create_connection(('a.example', 80))\n"
    )
    scope: dict[str, object] = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    with guarded_network(tmp_path, "net()") as guard, pytest.raises(NetworkDeniedError) as caught:
        scope["load"]()  # type: ignore[operator]
    assert caught.value.attempt is guard.attempts[0]
    assert guard.attempts[0].place == "net.py:4"
    assert guard.attempts[0].target == "a.example:80"


def test_loopback_is_denied_too(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        address = ("127.0.0.1", server.server_port)
        with guarded_network(tmp_path, "net()"), socket.socket() as client:
            with pytest.raises(NetworkDeniedError, match=f"127.0.0.1:{server.server_port}"):
                client.connect(address)
            with pytest.raises(NetworkDeniedError):
                client.connect_ex(address)
        with socket.create_connection(address):
            pass


def test_sockets_within_the_machine_still_work(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with guarded_network(tmp_path, "net()"), socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_everything_is_as_before_afterwards(tmp_path: Path) -> None:
    def state() -> tuple[object, ...]:
        return (*(vars(socket.socket).get(name) for name in ("connect", "connect_ex")), lookup())

    def lookup() -> object:
        return socket.getaddrinfo

    before = state()
    with guarded_network(tmp_path, "a"), guarded_network(tmp_path, "b"):
        assert state() != before
    assert state() == before
    with pytest.raises(NetworkDeniedError), guarded_network(tmp_path, "c"):
        socket.create_connection(("a.example", 80))
    assert state() == before
