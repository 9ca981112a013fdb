"""Calls that a repo makes, arguments that collide, hubconfs that do harm: beside torch.hub."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.runtime.rival import Fails, Files, check, run_under, scenario

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark import ParameterSet

pytestmark = pytest.mark.torch

NESTED = {
    "parts.py": "NAME = '$name'",
    "hubconf.py": """
        import torch
        from torch.hub import get_dir, load as early
        import parts
        def name(): return parts.NAME
        def net(**how): return early(get_dir() + "/own_b_main", "name", source="local", **how)
        def far(): return torch.hub.load("own/c:main", "name")
        def own(): return open(torch.hub.get_dir() + "/own_$name_main/parts.py").read()
    """,
}


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        scenario("a folder", "result = load('a', 'name'), load('a', 'net')", ("a", "b"), ("a", "a"), NESTED),
        scenario("a repo that nobody trusts", "result = load('a', 'far')", Fails("UntrustedRepoError: "), Fails("EOFError"), NESTED),
        scenario("its own folder by torch's name", "result = load('b', 'own')", "NAME = 'b'", "NAME = 'b'", NESTED),
    ],
)  # fmt: skip
def test_a_repo_loads_another(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


ECHO = {"hubconf.py": "def net(model=None, verbose=None): return model, verbose"}


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        scenario("model", "result = load('a', 'net', model='vit')", ("vit", None), Fails("TypeError: load() got multiple values for argument 'model'"), ECHO),
        scenario("verbose", "result = load('a', 'net', verbose=False)", (None, None), (None, None), ECHO),
        scenario("verbose in kwargs", "result = load('a', 'net', kwargs={'verbose': 3})", (None, 3), Fails("TypeError: net() got an unexpected keyword argument 'kwargs'"), ECHO),
    ],
)  # fmt: skip
def test_an_argument_that_collides_is_reached(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


LIST = "result = hub.list('own/a:main', trust_repo=True, verbose=False)"


def harmful(what: str, code: str, program: str, ours: object, theirs: object) -> ParameterSet:
    """A hubconf that has to be run to be listed."""
    made = f"globals()['net'[:]] = print\n{code}\n"
    return scenario(what, program, ours, theirs, {"hubconf.py": made})


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        harmful("an exit", "import os; os._exit(3)", LIST, Fails("ProbeError: "), Fails("exit status 3")),
        harmful("a crash", "import os; os.kill(os.getpid(), 11)", LIST, Fails("ProbeError: "), Fails("exit status -11")),
        harmful("an exception to end the program", "raise SystemExit(4)", LIST, Fails("ProbeError: "), Fails("exit status 4")),
        harmful("prints", "print('hello')", f"import io\nout = sys.stdout = io.StringIO()\n{LIST}\nresult = out.getvalue()", "", "hello\n"),
        harmful("a closed stdin", "import os; os.close(0)", f"import os\n{LIST}\nresult = os.fstat(0) is not None", True, Fails("OSError: [Errno 9]")),
        harmful("a changed folder", "import os; os.chdir('/proc')", f"import os\n{LIST}\nresult = os.getcwd() != '/proc'", True, False),
    ],
)  # fmt: skip
def test_listing_harms_nobody(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


@pytest.mark.skipif(sys.platform == "win32", reason="alarms are POSIX's")
def test_torch_hub_hangs_with_a_hubconf_that_does(tmp_path: Path) -> None:
    """What `tests.runtime.test_probe` ends at its time limit."""
    files = {"hubconf.py": "import threading\nthreading.Event().wait()"}
    program = f"import signal\nsignal.alarm(1)\n{LIST}"
    assert run_under("torch.hub", tmp_path, files, program) == "exit status -14"
