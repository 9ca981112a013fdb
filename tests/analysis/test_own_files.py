"""Which files of the repo belong to which entrypoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis import read_repo, read_weights, require_hubconf

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
from pathlib import Path as _Path

from lib.nets import moved

_HERE = _Path(__file__).parent
_SHARED = _HERE / "weights" / "shared.pth"


def _restore(model):
    return _read(_HERE / "weights" / "helped.pth", model)


def _read(path, model):
    return model


def own():
    return _HERE / "weights/own.pth", _SHARED


def helped():
    return _restore(_SHARED)


def none():
    return _HERE / "weights" / "gone.pth"


renamed = own
"""
LIB = """\
import os


def moved():
    return os.path.join(os.path.dirname(__file__), "moved.pth")


def other():
    return os.path.join(os.path.dirname(__file__), "other.pth")
"""


def test_each_entrypoint_has_what_its_statements_lead_to(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "hubconf.py").write_text(SOURCE)
    (tmp_path / "lib" / "nets.py").write_text(LIB)
    names = ("weights/shared.pth", "weights/own.pth", "weights/helped.pth")
    for name in (*names, "lib/moved.pth", "lib/other.pth"):
        (tmp_path / name).write_bytes(b"x")
    facts = read_repo(tmp_path)
    hubconf = require_hubconf(facts)

    def found(name: str) -> set[str]:
        return set(read_weights(facts.files, hubconf, [name])[name].files)

    assert found("own") == {"weights/own.pth", "weights/shared.pth"}
    assert found("renamed") == found("own")
    assert found("helped") == {"weights/helped.pth", "weights/shared.pth"}
    assert found("moved") == {"lib/moved.pth"}
    assert found("none") == set()
    assert found("unknown") == set()
