"""Entrypoints that hang, crash or are interrupted, and items in another order. None needs torch."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import outcomes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import HubRepo

pytestmark = pytest.mark.torch  # in the process of pytest or its children

HUBCONF = '''
import os as _os
import sys as _sys
import time as _time


def fine():
    """Does as it should."""
    return "fine"


def other(pretrained=False):
    """Does {what}."""
    {body}
    return "other"
'''
CONFIG = """
[entrypoints.fine]
kind = "utility"
[entrypoints.other]
kind = "utility"
"""
# Who runs in the background of a shell inherits that Ctrl-C is ignored.
# An interruption of `import torch` aborts the process, so that comes first.
HEEDING = (
    "import runpy, signal, torch; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('pytest', run_name='__main__')"
)
LEVEL_1 = "--hubconf-select=C101,C102,C104,C105,C106,C108,C109"
IN_PYTEST = 'if "pytest" in _sys.modules:\n        '
IN_CHILD = 'if "pytest" not in _sys.modules:\n        '


def write(repo: HubRepo, body: str, **files: str) -> None:
    hubconf = HUBCONF.format(what="something else", body=body)
    repo.write({"hubconf.py": hubconf, "hubkit.toml": CONFIG, **files})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("where", "number"),
    [(IN_PYTEST, signal.SIGINT), (IN_PYTEST, signal.SIGTERM), (IN_CHILD, signal.SIGTERM)],
    ids=["here", "here-terminated", "child"],
)
def test_an_interruption_shows_the_table_and_leaves_no_process_and_no_file(
    repo: HubRepo, tmp_path: Path, where: str, number: signal.Signals
) -> None:
    started, temporary = tmp_path / "started", tmp_path / "temporary"
    os.mkfifo(started)
    temporary.mkdir()
    write(
        repo,
        f'{where}with open("{started}", "w") as file:\n            '
        "file.write(str(_os.getpid()))\n        _time.sleep(600)",
    )
    with subprocess.Popen(
        [sys.executable, "-c", HEEDING, "--hubconf", LEVEL_1, "-p", "no:cacheprovider"],
        cwd=repo.root, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    ) as running:  # fmt: skip
        try:
            pid = int(started.read_text())
            running.send_signal(number)
            said, _ = running.communicate(timeout=120)
        finally:
            running.kill()
    assert (pid == running.pid) == (where == IN_PYTEST)
    assert running.returncode == pytest.ExitCode.INTERRUPTED, said
    # In the child it is the very first check.
    if where == IN_PYTEST:
        assert "interrupted: checks that are not shown did not run" in said
        assert re.search(r"^fine +ok", said, re.MULTILINE)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert list(temporary.iterdir()) == []


def test_a_crash_in_a_child_is_reported_and_not_tried_here(repo: HubRepo) -> None:
    write(repo, "_os._exit(7)")
    said = outcomes(repo.run("--hubconf", LEVEL_1, "-v"))
    assert {name for name, outcome in said.items() if outcome == "FAILED"} >= {"other::C106"}
    assert {outcome for name, outcome in said.items() if name.startswith("fine")} == {"PASSED"}
    assert said["C101"] == "PASSED"


def test_a_crash_in_pytest_costs_a_worker_and_is_reported(
    repo: HubRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    write(repo, f"{IN_PYTEST}_os._exit(7)")
    select = (
        "--hubconf",
        LEVEL_1,
        "-n",
        "1",
        "--hubconf-report=out.json",
        "-p",
        "no:cacheprovider",
    )
    result = repo.run(*select, "--deselect=hubconf.py::check")
    result.stdout.fnmatch_lines(["*worker 'gw0' crashed while running 'hubconf.py::other::C106*"])
    document = json.loads((repo.root / "out.json").read_text("utf-8"))
    fine, other = document["entrypoints"]
    assert fine["levels"]["1"]["failed"] == []
    assert other["levels"]["1"]["failed"] == ["C106"]
    skipped = {one["code"]: one["reason"] for one in other["checks"] if one["outcome"] == "skipped"}
    assert skipped == dict.fromkeys(("C108", "C109"), "(C106) it crashed a process earlier")
    assert not list(temporary.iterdir())


# At once, and not after a time within which all else must have ended.
RUN_OUT_OF_TIME = (
    '_os.kill(_os.getpid() if "pytest" in _sys.modules else _os.getppid(), 14); _time.sleep(600)'
)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs the signal of a time limit")
@pytest.mark.parametrize(
    ("where", "failed"),
    [
        (IN_PYTEST, {"other::C106"}),
        # The first two find out for which case the child hangs.
        ("", {"C101", "C102", "other::C106"}),
    ],
    ids=["here", "everywhere"],
)
def test_a_hanging_entrypoint_costs_the_time_limit_of_few_checks(
    repo: HubRepo, where: str, failed: set[str]
) -> None:
    write(repo, f"{where}{RUN_OUT_OF_TIME}")
    limit = ("--timeout=500", "--timeout-method=signal", "--deselect=hubconf.py::check")
    # The signal is for the process that started the child.
    said = outcomes(repo.run("--hubconf", LEVEL_1, "-v", *limit, warm_children=False))
    found = {name for name, outcome in said.items() if outcome == "FAILED"}
    assert found - {"other::C108"} == failed
    fine = {name: outcome for name, outcome in said.items() if name.startswith("fine")}
    assert set(fine.values()) == {"PASSED"}


CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))"
ISOLATE = "from hubkit.runtime.sandbox import isolate_network as i; raise SystemExit(not i())"


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are POSIX's")
def test_programs_that_an_entrypoint_runs_do_not_download(repo: HubRepo) -> None:
    """One names its URL and is denied; the other has no network, in the child and here."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        command = f'[_sys.executable, "-c", {CONNECT!r}, "{canary.getsockname()[1]}"]'
        body = f"import subprocess\n    subprocess.run({command})"
        if subprocess.run([sys.executable, "-c", ISOLATE], check=False).returncode:
            body = "import subprocess"
        write(repo, f'{body}\n    subprocess.run(["true", "https://weights.example/net.pt"])')
        result = repo.run("--hubconf", LEVEL_1, "-v", "-p", "no:cacheprovider")
        with pytest.raises(BlockingIOError):
            canary.accept()
    assert outcomes(result)["other::C106"] == "FAILED"
    result.stdout.fnmatch_lines(
        [
            "*other(pretrained=False) downloads *: https://weights.example/net.pt",
            "*requested at hubconf.py:* by subprocess.Popen",
        ]
    )


def test_a_download_at_import_is_reported_with_its_place(repo: HubRepo) -> None:
    write(repo, "")
    code = (repo.root / "hubconf.py").read_text("utf-8")
    download = "import urllib.request as _r\n_r.urlopen('http://weights.example/net.pt')\n"
    repo.write({"hubconf.py": f"{code}\n\n{download}"})
    result = repo.run_here("--hubconf", "--hubconf-select=C101", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(
        [
            "*Importing hubconf.py fails in a fresh process: *tried to reach http://weights.*",
            "*requested http://weights.example/net.pt at hubconf.py:* by socket.getaddrinfo",
            "*Download in the entrypoint instead: *",
        ]
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are POSIX's")
def test_programs_are_named_when_an_entrypoint_fails(repo: HubRepo) -> None:
    write(repo, 'import subprocess\n    subprocess.run(["false", "weights.pt"], check=True)')
    result = repo.run("--hubconf", LEVEL_1, "-v", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(
        [
            "*other(pretrained=False) fails with CalledProcessError*",
            "*started false weights.pt at hubconf.py:* by subprocess.Popen",
        ]
    )


REVERSED = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
# One check of one entrypoint, then the same of the next.
INTERLEAVED = """
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.name)
"""


def test_the_order_of_items_makes_no_difference(repo: HubRepo) -> None:
    write(repo, 'print("loading")\n    raise ValueError("broken")')
    arguments = ("--hubconf", LEVEL_1, "-v", "-p", "no:cacheprovider")
    usual = outcomes(repo.run_here(*arguments))
    assert set(usual.values()) == {"PASSED", "FAILED", "SKIPPED"}
    for order in (REVERSED, INTERLEAVED):
        repo.write({"conftest.py": order})
        again = outcomes(repo.run_here(*arguments))
        assert again == usual
        assert list(again) != list(usual)


def test_models_are_built_again_only_when_others_took_their_place(
    repo: HubRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = repo.root / "built"
    monkeypatch.setenv("HERE_IS_NO_CHILD", str(os.getpid()))
    here = 'if _os.environ["HERE_IS_NO_CHILD"] == str(_os.getpid()):\n        '
    write(repo, f'{here}open("{built}", "a").write("x")')
    repo.write({"conftest.py": INTERLEAVED})
    counts = []
    for keep in ("1", "2"):
        built.write_text("")
        arguments = ("--hubconf", "--hubconf-select=C106,C109,C107", f"--hubconf-keep={keep}")
        repo.run_here(*arguments, "-p", "no:cacheprovider", "--deselect=hubconf.py::check")
        counts.append(len(built.read_text()))
    assert counts == [2, 1]


def test_the_debugger_lands_in_the_entrypoint(repo: HubRepo) -> None:
    write(repo, 'secret = 41\n    raise ValueError("broken")')
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--hubconf", "--pdb", "hubconf.py::other::C106-loads-untrained-offline"],
        cwd=repo.root, input="p secret + 1\nq\n", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "entering PDB" in done.stdout
    assert "(Pdb) 42" in done.stdout
