"""Functions run in a child process, which may crash, hang, exit or leave others behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, convert

from hubkit import limits
from hubkit._util.process import (
    Call,
    ChildError,
    ChildReplyError,
    Completed,
    kill_group,
    run_child,
)

POSIX = pytest.mark.skipif(os.name == "nt", reason="there are no process groups")


class Request(Struct, frozen=True):
    do: str
    text: str = ""
    number: int = 0


class Reply(Struct, frozen=True):
    text: str
    numbers: tuple[int, ...] = ()


def reply_in_child(message: object) -> Any:
    """What the child runs."""
    request = convert(message, Request)
    if request.do == "echo":
        sys.stdout.write(f"{request.text}\n")
        sys.stderr.write("warning\n")
        return Reply(request.text, (1, 2))
    if request.do == "exit":
        sys.stderr.write("last words\n")
        sys.stderr.flush()
        os._exit(request.number)
    if request.do == "hang":
        time.sleep(600)
    if request.do == "kill":
        os.kill(os.getpid(), request.number)
    if request.do == "leave":
        program = [sys.executable, "-c", "import time; time.sleep(600)"]
        with Path(request.text).open("wb") as pipe:
            subprocess.Popen(program, stdout=pipe)
        return Reply("left")
    if request.do == "surrogate":
        return Reply("\udc80")
    return {"text": 1}


def run(do: str, text: str = "", number: int = 0, **options: Any) -> Completed[Reply]:
    request = Request(do, text, number)
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    call = Call("tests._util.test_process:reply_in_child", request, env=path, **options)
    return run_child(call, Reply)


@pytest.mark.parametrize("text", ["plain", "\u00fc \u4e16", "\0"])
def test_the_reply_is_a_typed_message(text: str) -> None:
    assert run("echo", text) == Completed(Reply(text, (1, 2)), f"{text}\n", "warning\n")


def test_only_the_end_of_long_output_is_kept() -> None:
    stdout = run("echo", "x" * 3 * limits.OUTPUT_BYTES.most).stdout
    assert len(stdout) == limits.OUTPUT_BYTES.most
    assert stdout.endswith("x\n")


def test_text_that_is_not_unicode_survives() -> None:
    assert run("surrogate").reply.text == "\udc80"


def test_an_exit_is_reported_with_the_last_output() -> None:
    with pytest.raises(ChildError, match="exited with status 7") as caught:
        run("exit", number=7)
    assert caught.value.output == "last words"


@POSIX
@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (37, "signal 37")])
def test_a_signal_is_reported_by_its_name(number: int, name: str) -> None:
    with pytest.raises(ChildError, match=f"crashed with {name}"):
        run("kill", number=number)


def test_a_child_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(ChildError, match="longer than 1 seconds and was stopped"):
        run("hang", timeout=1)


def test_a_reply_of_another_type_is_refused() -> None:
    with pytest.raises(ChildReplyError, match="Expected `str`, got `int`"):
        run("nonsense")


def test_a_huge_reply_is_refused() -> None:
    with pytest.raises(ChildReplyError, match="longer than"):
        run("echo", "x" * limits.REPLY_BYTES.most)


@POSIX
def test_what_a_child_leaves_behind_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert run("leave", str(path)).reply.text == "left"
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # ends once nobody holds the other end
    os.close(reader)


# Watches from outside what kills: by then the leader must still own the number of its group.
WATCH = """
import os, sys
reaped = []
def watch(event, args):
    if event == "os.killpg":
        try:
            os.waitid(os.P_PID, args[0], os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            reaped.append(args[0])
sys.addaudithook(watch)
from tests._util.test_process import run
run("echo")
print(reaped)
"""


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="nothing tells a zombie")
def test_a_group_is_killed_before_its_leader_is_reaped() -> None:
    """Afterwards its number may belong to somebody else's processes."""
    command = [sys.executable, "-c", WATCH]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@POSIX
def test_a_process_that_was_waited_for_has_no_group_any_more() -> None:
    """Its number may be another's by now; here it still is that of a process that it started."""
    pipe = subprocess.PIPE
    script = 'exec 3<&0; { read line <&3; echo "$line"; } &'
    with subprocess.Popen(
        ["sh", "-c", script], stdin=pipe, stdout=pipe, start_new_session=True
    ) as p:
        p.wait()
        kill_group(p)
        assert p.communicate(b"alive\n")[0] == b"alive\n"
