"""A child process takes what would harm this one."""

from __future__ import annotations

import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from hubkit import limits
from hubkit.errors import EntrypointNotFoundError, ProbeError
from hubkit.runtime.probe import (
    ProbeReply,
    ProbeRequest,
    list_names,
    read_help,
    run_in_child,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo


def probe(make_repo: MakeRepo, code: str, **request: Any) -> ProbeReply:
    return run_in_child(ProbeRequest(make_repo("repo", {"hubconf.py": code}), **request))


def test_names_made_at_run_time_are_listed(make_repo: MakeRepo) -> None:
    code = """
        for size in ("small", "large"):
            globals()[f"net_{size}"] = lambda: None
        value = 3
    """
    assert list_names(make_repo("repo", {"hubconf.py": code})) == ("net_large", "net_small")


def test_help_is_the_docstring(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net():\n    'A net.'\ndef bare(): ...\n"})
    assert read_help(root, "net") == "A net."
    assert read_help(root, "bare") is None


def test_an_unknown_entrypoint_is_said_with_close_ones(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(): ...\n"})
    with pytest.raises(EntrypointNotFoundError, match="Did you mean `net`"):
        read_help(root, "nett")


@pytest.mark.parametrize("engine", ["hubkit", pytest.param("torch", marks=pytest.mark.torch)])
def test_an_entrypoint_is_called_with_arguments(make_repo: MakeRepo, engine: Any) -> None:
    files = {
        "hubconf.py": "from shapes import Box\ndef box(side): return Box(side)\n",
        "shapes.py": "class Box:\n    def __init__(self, side): print('side', side)\n",
    }
    root = make_repo("repo", files)
    request = ProbeRequest(root, "load", "box", kwargs={"side": 2}, engine=engine)
    reply = run_in_child(request)
    assert reply.type.endswith("shapes.Box")
    assert (reply.failure, reply.is_module, reply.stdout) == (None, False, "side 2\n")


@pytest.mark.torch
def test_a_module_is_recognised(make_repo: MakeRepo) -> None:
    code = "import torch\ndef net(): return torch.nn.Linear(1, 1)\n"
    reply = probe(make_repo, code, task="load", name="net")
    assert reply.is_module
    assert reply.type == "torch.nn.modules.linear.Linear"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os._exit(3)", "status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_child_that_dies_is_one_error(make_repo: MakeRepo, code: str, said: str) -> None:
    with pytest.raises(ProbeError, match=said):
        probe(make_repo, code)


def test_a_dying_childs_last_words_are_told(make_repo: MakeRepo) -> None:
    with pytest.raises(ProbeError, match="out of cheese"):
        probe(make_repo, "import os\nos.write(2, b'out of cheese')\nos._exit(1)\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_child_that_stops_itself_ends_at_the_time_limit(make_repo: MakeRepo) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    with pytest.raises(ProbeError, match=r"took longer than 0\.5 seconds"):
        probe(make_repo, code, timeout=0.5)


@pytest.mark.skipif(sys.platform == "win32", reason="forks are POSIX's")
def test_a_grandchild_in_a_session_of_its_own_keeps_nobody_waiting(make_repo: MakeRepo) -> None:
    """It has the child's output open, and outlives what ends the child's process group."""
    code = """
        import os
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.close(writer)
                os.read(reader, 1)
            os._exit(0)
        os.wait()
        holder = writer
        def net(): ...
    """
    assert probe(make_repo, code, timeout=60).names == ("net",)


def test_a_child_that_closes_all_its_files_answers(make_repo: MakeRepo) -> None:
    assert probe(make_repo, "import os\nos.closerange(0, 256)\ndef net(): ...").names == ("net",)


def test_an_endless_loop_ends_at_the_time_limit(make_repo: MakeRepo) -> None:
    with pytest.raises(ProbeError, match=r"took longer than 0\.5 seconds"):
        probe(make_repo, "while True: pass", timeout=0.5)


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")
def test_what_the_child_started_ends_with_it(make_repo: MakeRepo, tmp_path: Path) -> None:
    holder = """
        import fcntl, sys, threading
        file = open(sys.argv[1], "w")
        fcntl.flock(file, fcntl.LOCK_EX)
        print("locked", flush=True)
        threading.Event().wait()
    """
    code = f"""
        import subprocess, sys
        command = [sys.executable, "-c", {dedent(holder)!r}, {str(tmp_path / "lock")!r}]
        print(subprocess.Popen(command, stdout=subprocess.PIPE).stdout.readline())
    """
    assert "locked" in probe(make_repo, code).stdout
    import fcntl

    with (tmp_path / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits for as long as the holder lives


def test_threads_left_behind_do_not_keep_the_child_alive(make_repo: MakeRepo) -> None:
    code = """
        import atexit, threading
        threading.Thread(target=threading.Event().wait).start()
        atexit.register(threading.Event().wait)
        def net(): ...
    """
    assert probe(make_repo, code, timeout=60).names == ("net",)


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("raise SystemExit('enough')", "SystemExit", "enough"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("input()", "EOFError", "EOF"),
        ("import no_such_thing.at_all", "ModuleNotFoundError", "No module named 'no_such_thing'"),
        ("from utils import nothing", "ImportError", "from 'utils'"),
    ],
)
def test_what_the_code_raises_is_a_reply(
    make_repo: MakeRepo, code: str, kind: str, text: str
) -> None:
    reply = run_in_child(ProbeRequest(make_repo("repo", {"hubconf.py": code, "utils.py": ""})))
    assert reply.failure
    assert reply.failure.type == kind
    assert text in reply.failure.message
    assert code in reply.failure.traceback
    assert "hubkit" not in reply.failure.traceback


def test_prints_are_kept_apart_from_the_reply(make_repo: MakeRepo) -> None:
    code = """
        import os, sys
        print('{"names": ["forged"]}')
        print("warning", file=sys.stderr)
        os.close(0)
        def net(): ...
    """
    reply = probe(make_repo, code)
    assert reply.names == ("net",)
    assert reply.stdout == '{"names": ["forged"]}\n'
    assert reply.stderr == "warning\n"


def test_a_flood_of_prints_is_cut(make_repo: MakeRepo) -> None:
    reply = probe(make_repo, f"print('x' * {3 * limits.OUTPUT_BYTES.most}, end='!')")
    assert len(reply.stdout) == limits.OUTPUT_BYTES.most
    assert reply.stdout.endswith("x!")


def test_offline_refuses_and_reports_connections(make_repo: MakeRepo) -> None:
    code = """
        import socket
        for place in (("example.org", 443), ("127.0.0.1", 9)):
            try:
                socket.create_connection(place)
            except OSError as error:
                print(error)
        try:
            socket.socket().connect(("127.0.0.1", 9))
        except OSError:
            pass
    """
    reply = probe(make_repo, code, offline=True)
    assert reply.connections == ("example.org:443", "127.0.0.1:9", "127.0.0.1:9")
    assert "offline" in reply.stdout


def test_surroundings_are_as_asked(make_repo: MakeRepo, tmp_path: Path) -> None:
    code = """
        import os, sys
        print(os.getcwd(), os.environ["SHAPE"], os.environ.get("HOME"), sys.path[0], sep="|")
        def net(): ...
    """
    reply = probe(
        make_repo, code, cwd=tmp_path, env={"SHAPE": "round", "HOME": None}, path=("/first",)
    )
    assert reply.stdout == f"{tmp_path}|round|None|/first\n"


def test_nothing_of_the_callers_folder_is_importable(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    reply = probe(make_repo, "import mine")
    assert reply.failure
    assert reply.failure.module == "mine"
