"""Children that are forks of a process with imported modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hubkit._util.child_server import ChildServer, Resources
from hubkit._util.forks import Nursery, run_main
from hubkit._util.process import ChildError, child_environment
from tests._util.test_process import Reply, run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Nursery.is_possible(), reason="processes are not forked here")


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    started = Nursery(("colorsys", "no_such_module"), child_environment(path))
    yield started
    started.close()


def describe(_: bytes) -> bytes:
    """What the child sees of itself."""
    seen = (sys.argv, os.environ.get("COLOR"), "colorsys" in sys.modules, os.getppid(), sys.path[0])
    return repr(seen).encode()


def ask(nursery: Nursery, **env: str) -> Any:
    server = ChildServer(
        "tests._util.test_forks:describe",
        Resources(120),
        interpreter=nursery.interpreter,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), **env},
    )
    try:
        return eval(server.call(b"?"))
    finally:
        server.close()


def test_a_fork_has_the_modules_and_an_environment_of_its_own(nursery: Nursery) -> None:
    argv, color, has_module, parent, first = ask(nursery, COLOR="green")
    assert (argv, color, has_module) == ([""], "green", True)
    assert first != ""
    assert parent != os.getpid()
    assert ask(nursery, COLOR="red")[1] == "red"


def test_a_fork_replies_prints_and_starts_nothing_that_outlives_it(
    nursery: Nursery, tmp_path: Path
) -> None:
    done = run("echo", "text", interpreter=nursery.interpreter)
    assert done.reply == Reply("text", (1, 2))
    assert (done.stdout, done.stderr) == ("text\n", "warning\n")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert (
        run("leave", str(tmp_path / "pipe"), interpreter=nursery.interpreter).reply.text == "left"
    )
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.parametrize(
    ("do", "number", "said"),
    [("exit", 7, "exited with status 7"), ("kill", 9, "SIGKILL"), ("kill", 11, "SIGSEGV")],
)
def test_a_fork_ends_as_an_interpreter_does(
    nursery: Nursery, do: str, number: int, said: str
) -> None:
    with pytest.raises(ChildError, match=said):
        run(do, number=number, interpreter=nursery.interpreter)


def test_a_fork_that_takes_too_long_ends_with_its_interpreter(nursery: Nursery) -> None:
    with pytest.raises(ChildError, match="longer than 1 seconds"):
        run("hang", timeout=1, interpreter=nursery.interpreter)
    assert run("echo", "on", interpreter=nursery.interpreter).reply.text == "on"


def test_without_its_nursery_it_is_an_interpreter() -> None:
    nursery = Nursery((), child_environment({}))
    nursery.close()
    assert run("echo", "alone", interpreter=nursery.interpreter).reply.text == "alone"


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 0), ("import sys; sys.exit(3)", 3), ("raise SystemExit", 0), ("1 / 0", 1)],
)
def test_main_code_ends_with_a_status(
    code: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    assert run_main(code) == status
    assert ("ZeroDivisionError" in capsys.readouterr().err) is (code == "1 / 0")
