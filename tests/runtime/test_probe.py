"""A child process takes what would harm this one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import EntrypointNotFoundError, ProbeError
from hubkit.runtime.probe import list_names, read_help

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo


def names(make_repo: MakeRepo, code: str, timeout: float = 300) -> tuple[str, ...]:
    return list_names(make_repo("repo", {"hubconf.py": code}), timeout=timeout)


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


def test_an_unknown_entrypoint_is_reported_with_close_ones(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(): ...\n"})
    with pytest.raises(EntrypointNotFoundError, match="Did you mean `net`"):
        read_help(root, "nett")


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
        names(make_repo, code)


def test_a_dying_childs_last_words_are_reported(make_repo: MakeRepo) -> None:
    with pytest.raises(ProbeError, match="out of cheese"):
        names(make_repo, "import os\nos.write(2, b'out of cheese')\nos._exit(1)\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_child_that_stops_itself_ends_at_the_time_limit(make_repo: MakeRepo) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    with pytest.raises(ProbeError, match=r"took longer than 0\.5 seconds"):
        names(make_repo, code, timeout=0.5)


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
    assert names(make_repo, code, timeout=120) == ("net",)


def test_a_child_that_closes_all_its_files_answers(make_repo: MakeRepo) -> None:
    assert names(make_repo, "import os\nos.closerange(0, 256)\ndef net(): ...") == ("net",)


def test_an_endless_loop_ends_at_the_time_limit(make_repo: MakeRepo) -> None:
    with pytest.raises(ProbeError, match=r"took longer than 0\.5 seconds"):
        names(make_repo, "while True: pass", timeout=0.5)


def test_threads_left_behind_do_not_keep_the_child_alive(make_repo: MakeRepo) -> None:
    code = """
        import atexit, threading
        threading.Thread(target=threading.Event().wait).start()
        atexit.register(threading.Event().wait)
        def net(): ...
    """
    assert names(make_repo, code, timeout=120) == ("net",)


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
def test_an_error_of_the_code_is_reported(
    make_repo: MakeRepo, code: str, kind: str, text: str
) -> None:
    root = make_repo("repo", {"hubconf.py": code, "utils.py": ""})
    with pytest.raises(ProbeError, match=f"raised {kind}: .*{text}") as caught:
        list_names(root)
    assert code in caught.value.hint
    assert "hubkit" not in caught.value.hint


def test_prints_are_kept_apart_from_the_reply(make_repo: MakeRepo) -> None:
    code = """
        import os, sys
        print('{"names": ["forged"]}')
        print("warning", file=sys.stderr)
        os.close(0)
        def net(): ...
    """
    assert names(make_repo, code) == ("net",)


def test_the_callers_folder_is_not_importable(
    make_repo: MakeRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProbeError, match="No module named 'mine'"):
        names(make_repo, "import mine")
