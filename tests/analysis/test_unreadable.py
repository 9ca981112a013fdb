"""What stands where a hubconf should and cannot be read is told, and is nothing to wait for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from hubkit.analysis import read_repo, require_hubconf
from hubkit.cli import main
from hubkit.errors import HubconfNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def forbid(path: Path) -> None:
    path.write_text("x = 1\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("nothing is forbidden to this user")


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a dangling link": (
        lambda path: path.symlink_to("nowhere"),
        "is a symbolic link that is broken or points outside the repo",
    ),
    "a link to itself": (
        lambda path: path.symlink_to(path.name),
        "is a symbolic link that is broken or points outside the repo",
    ),
    "a link to a folder": (lambda path: path.symlink_to("."), "is a folder"),
    "a pipe": (os.mkfifo, "is not a regular file"),
    "a forbidden file": (forbid, "cannot be read: Permission denied"),
    "nothing": (str, "does not exist"),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_missing_or_irregular_hubconf_is_reported(kind: str, tmp_path: Path) -> None:
    make, said = ODD[kind]
    make(tmp_path / "hubconf.py")
    (tmp_path / "net.py").write_text("")
    facts = read_repo(tmp_path)
    assert facts.problem is not None
    assert facts.problem.message == f"hubconf.py {said}"
    with pytest.raises(HubconfNotFoundError, match=f"is not a hub repo: hubconf.py {said}"):
        require_hubconf(facts)
    done = CliRunner().invoke(main, ["check", str(tmp_path), "--output-format", "concise"])
    assert done.exit_code == 1
    what = "no hubconf.py" if kind == "nothing" else f"hubconf.py {said}"
    assert f"HUB001 {what}: torch.hub cannot load" in done.output


def test_a_module_in_reach_that_is_not_a_file_is_not_a_module(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("from net import build\nfrom parts import x\n")
    (tmp_path / "net.py").symlink_to("nowhere")
    os.mkfifo(tmp_path / "parts.py")
    facts = read_repo(tmp_path)
    assert {one.location.path for one in facts.unreadable} <= {"net.py", "parts.py"}
