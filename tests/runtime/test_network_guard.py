"""The network guard: what it stops, what it only notices, and what goes on working."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime.sandbox import (
    NetworkDeniedError,
    Policy,
    current_guard,
    guarded_network,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


class Canary:
    """A TCP and a UDP server on one port of loopback that nothing may reach."""

    def __init__(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.address = self.tcp.getsockname()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(self.address)
        self.tcp.setblocking(False)
        self.udp.setblocking(False)

    @property
    def port(self) -> int:
        return int(self.address[1])

    def heard(self) -> bool:
        """Whether something has arrived; on loopback it does so before the sender goes on."""
        heard: list[object] = []
        with contextlib.suppress(BlockingIOError):
            self.tcp.accept()[0].close()
            heard.append("tcp")
        with contextlib.suppress(BlockingIOError):
            heard.append(self.udp.recv(1))
        return bool(heard)

    def close(self) -> None:
        self.tcp.close()
        self.udp.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


def run(code: str, **names: object) -> dict[str, Any]:
    scope: dict[str, Any] = dict(names)
    exec(dedent(code), scope)
    return scope


@pytest.fixture(scope="module")
def isolates() -> bool:
    """Whether a fresh process of this user can leave the network."""
    code = "from hubkit.runtime.sandbox import isolate_network as i; raise SystemExit(not i())"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_download_is_denied_by_its_url(tmp_path: Path) -> None:
    with guarded_network(tmp_path, "net()") as guard, pytest.raises(OSError, match="net"):
        urllib.request.urlopen("http://weights.example.org/net.pth")
    assert [attempt.target for attempt in guard.attempts] == ["http://weights.example.org/net.pth"]


def test_the_repos_file_and_the_operation_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "import socket\n\ndef load():\n    socket.create_connection(('a.example', 80))\n"
    )
    scope: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    with guarded_network(tmp_path, "net()") as guard, pytest.raises(NetworkDeniedError) as caught:
        scope["load"]()
    assert caught.value.attempt is guard.attempts[0]
    assert guard.attempts[0].place == "net.py:4"
    assert guard.attempts[0].target == "a.example:80"
    assert guard.attempts[0].origin == "at net.py:4 by socket.getaddrinfo"


WAYS = {
    "connect": "tcp.connect(address)",
    "connect_ex": "tcp.connect_ex(address)",
    "early": "early(tcp, address)",
    "_socket": "import _socket; _socket.socket.connect(tcp, address)",
    "sendto": "udp.sendto(b'x', address)",
    "sendmsg": "udp.sendmsg([b'x'], [], 0, address)",
    "fast open": "tcp.sendto(b'x', 0x20000000, address)",
    "getaddrinfo": "socket.getaddrinfo('a.example', 80)",
    "gethostbyname": "socket.gethostbyname('a.example')",
    "gethostbyname_ex": "socket.gethostbyname_ex('a.example')",
    "gethostbyaddr": "socket.gethostbyaddr('192.0.2.1')",
    "getnameinfo": "socket.getnameinfo(('192.0.2.1', 80), 0)",
    "ctypes": "import ctypes; ctypes.CDLL(None).connect",
    "_ctypes": "import _ctypes; _ctypes.dlsym(_ctypes.dlopen(None, 0), 'connect')",
    "subprocess": "import subprocess; subprocess.run(['true', f'http://127.0.0.1:{address[1]}/'])",
    "shell": "import subprocess; subprocess.run('true ftp://a.example/x', shell=True)",
    "ssh": "import subprocess; subprocess.run(['true', 'git@a.example:owner/repo.git'])",
    "system": "import os; os.system('true https://a.example/x')",
    "posix_spawn": "import os; os.posix_spawn('/bin/true', ['true', 'http://a.example/'], {})",
    "exec": "import os; os.execv('/bin/true', ['true', 'http://a.example/'])",
}


@needs_posix
@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_the_network_is_denied_and_recorded(
    way: str, canary: Canary, tmp_path: Path
) -> None:
    names = {"socket": socket, "address": canary.address, "early": socket.socket.connect}
    with (
        socket.socket() as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        guarded_network(tmp_path, "net()") as guard,
        pytest.raises(NetworkDeniedError),
    ):
        run(WAYS[way], tcp=tcp, udp=udp, **names)
    assert len(guard.attempts) == 1
    assert not canary.heard()


LATE = """
import _thread, socket, threading

go, done, errors = threading.Event(), threading.Event(), []

def late():
    go.wait()
    with socket.socket() as client:
        try:
            client.connect(address)
        except OSError as error:
            errors.append(error)
    done.set()

def later():
    threading.Thread(target=late).start()
"""


@pytest.mark.parametrize(
    "start",
    [
        "threading.Thread(target=late).start()",
        "_thread.start_new_thread(late, ())",
        "_thread.start_new(late, ())",
        "threading.Thread(target=later).start()",
        "from concurrent.futures import ThreadPoolExecutor as Pool; Pool(1).submit(late)",
    ],
)
def test_a_thread_that_lives_on_stays_guarded(start: str, canary: Canary, tmp_path: Path) -> None:
    with guarded_network(tmp_path, "net()") as guard:
        scope = run(LATE + start, address=canary.address)
    with guarded_network(tmp_path, "another()") as other:
        scope["go"].set()
        scope["done"].wait()
    assert [type(error) for error in scope["errors"]] == [NetworkDeniedError]
    assert (len(guard.attempts), other.attempts) == (1, [])
    assert not canary.heard()
    assert current_guard() is None
    with socket.create_connection(canary.address):
        assert canary.heard()


def test_a_socket_is_of_its_own_family(canary: Canary, tmp_path: Path) -> None:
    code = """
        import socket

        class Local(socket.socket):
            family = socket.AF_UNIX

        def connect():
            with Local(socket.AF_INET) as sock:
                sock.connect(address)
    """
    connect = run(code, address=canary.address)["connect"]
    with guarded_network(tmp_path, "net()"), pytest.raises(NetworkDeniedError):
        connect()
    assert not canary.heard()


def test_a_pools_thread_may_do_what_its_caller_may(canary: Canary, tmp_path: Path) -> None:
    with guarded_network(tmp_path, "net()"):
        scope = run(f"{LATE}threading.Thread(target=late).start()", address=canary.address)
    with guarded_network(tmp_path, "net(weights)", policy=Policy(everything=True)) as guard:
        scope["go"].set()
        scope["done"].wait()
    assert scope["errors"] == []
    assert [attempt.target for attempt in guard.attempts] == [f"127.0.0.1:{canary.port}"]
    assert canary.heard()


@needs_posix
def test_a_forked_process_stays_guarded(canary: Canary, tmp_path: Path) -> None:
    with guarded_network(tmp_path, "net()") as guard:
        child = os.fork()
    if child == 0:  # also after the guard has ended
        try:
            socket.socket().connect(canary.address)
        except NetworkDeniedError:
            os._exit(7)
        finally:
            os._exit(8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not canary.heard()
    assert [notice.means for notice in guard.notices] == ["os.fork"]


CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"


@needs_posix
@pytest.mark.parametrize("options", [{}, {"preexec_fn": bool}, {"close_fds": False}])
def test_a_program_has_no_network(
    isolates: bool, canary: Canary, tmp_path: Path, options: dict[str, Any]
) -> None:
    if not isolates:
        pytest.skip("this system gives no network namespace")
    command = [sys.executable, "-c", CONNECT, str(canary.port)]
    with guarded_network(tmp_path, "net()") as guard:
        done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert "ConnectionRefusedError" in done.stderr
    assert not canary.heard()
    assert guard.evidence[0].startswith(f"started {sys.executable} -c")
    assert subprocess.run(command, check=False).returncode == 0
    assert canary.heard()


@needs_posix
def test_programs_that_use_no_network_work(tmp_path: Path) -> None:
    code = "import os; print(os.getuid(), os.getgid()); open('made', 'w').close()"
    command = [sys.executable, "-c", code]
    with guarded_network(tmp_path, "net()") as guard:
        printed = subprocess.check_output(command, cwd=tmp_path, text=True)
        os.system(f"echo a > {tmp_path / 'b'}")
    assert printed.split() == [str(os.getuid()), str(os.getgid())]
    assert (tmp_path / "made").stat().st_uid == os.getuid()
    assert (tmp_path / "b").read_text() == "a\n"
    assert guard.attempts == []
    assert [notice.means for notice in guard.notices] == ["subprocess.Popen", "os.system"]


@needs_posix
@pytest.mark.parametrize("word", ["file:///tmp/a", "git+file:///tmp/a", "sqlite:///a.db", "C://a"])
def test_urls_that_stay_on_this_machine_are_none(word: str, tmp_path: Path) -> None:
    with guarded_network(tmp_path, "net()") as guard:
        subprocess.run(["true", word], check=True)
    assert guard.attempts == []


@needs_posix
@pytest.mark.parametrize("program", ["subprocess", "C library"])
def test_an_isolated_process_has_no_network(isolates: bool, canary: Canary, program: str) -> None:
    """A fresh interpreter, and a socket below Python, are no way around the guard."""
    if not isolates:
        pytest.skip("this system gives no network namespace")
    code = {
        "subprocess": f"""
            import os, sys
            os.posix_spawn(sys.executable, [sys.executable, "-c", {CONNECT!r}, "{canary.port}"], os.environ)
            os.wait()
        """,
        "C library": f"""
            import ctypes, socket, struct
            libc, sock = ctypes.CDLL(None), socket.socket()
            address = struct.pack("=HH4s8x", 2, socket.htons({canary.port}), bytes([127, 0, 0, 1]))
            print(libc.syscall(42, sock.fileno(), address, 16))
        """,
    }[program]
    if program == "C library" and (sys.platform, os.uname().machine) != ("linux", "x86_64"):
        pytest.skip("the number of the system call is another one")
    isolated = (
        f"from hubkit.runtime.sandbox import isolate_network\nisolate_network()\n{dedent(code)}"
    )
    subprocess.run([sys.executable, "-c", isolated], check=True)
    assert not canary.heard()


def test_loopback_is_denied_unless_the_policy_allows_it(canary: Canary, tmp_path: Path) -> None:
    denied = pytest.raises(NetworkDeniedError, match=f"127.0.0.1:{canary.port}")
    with guarded_network(tmp_path, "net()"), socket.socket() as client, denied:
        client.connect(canary.address)
    with guarded_network(tmp_path, "net()", policy=Policy(loopback=True)) as guard:
        socket.create_connection(("localhost", canary.port)).close()
        with pytest.raises(NetworkDeniedError):
            socket.getaddrinfo("a.example", 80)
    assert [attempt.target for attempt in guard.attempts] == ["a.example:80"]
    assert canary.heard()


@needs_posix
def test_sockets_within_the_machine_work(tmp_path: Path) -> None:
    """`connect_ex` returns 0, or the number of the error."""
    code = f"""
        import socket
        path = {str(tmp_path / "s")!r}
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            missing = client.connect_ex(path)
            server.bind(path)
            server.listen()
            results = missing, client.connect_ex(path)
        print(*results)
    """
    with guarded_network(tmp_path, "net()"):
        assert run(code)["results"] == (errno.ENOENT, 0)


def test_nothing_is_guarded_afterwards(canary: Canary, tmp_path: Path) -> None:
    with guarded_network(tmp_path, "a") as outer, guarded_network(tmp_path, "b") as inner:
        assert current_guard() is inner
    with pytest.raises(NetworkDeniedError), guarded_network(tmp_path, "c"):
        socket.create_connection(("a.example", 80))
    assert current_guard() is None
    assert outer.attempts == []
    thread = threading.Thread(target=lambda: socket.create_connection(canary.address).close())
    thread.start()
    thread.join()
    assert canary.heard()
