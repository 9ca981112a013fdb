"""hubkit and griffe find the same functions, parameters and docstrings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.repos import case_names, write_case

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("griffe")

FILES = {
    "hubconf.py": '''
from zoo import Net, net as small
from zoo.parts import *
from zoo.parts import _hidden


def large(a, /, b=1, *c, d, e=2, **f):
    """Large."""


async def later(width: int = 1): ...
''',
    "zoo/__init__.py": "from .net import Net, net\n",
    "zoo/net.py": '''
class Base:
    def __init__(self, width=1, *, bias=True):
        """Build it."""


class Net(Base):
    """A network."""


def net(pretrained=False, **kwargs):
    """
    A network,
        indented.
    """
''',
    "zoo/parts.py": """
__all__ = ["head", "Tail"]

def head(size): ...

def other(size): ...

def _hidden(): ...

class Tail:
    def __init__(self, size, depth=2): ...
""",
}


def test_a_package_is_read_alike(tmp_path: Path) -> None:
    from tests.oracle import compare

    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert list(compare(tmp_path)) == []


def test_differences_are_found(tmp_path: Path) -> None:
    from tests.oracle import compare

    guarded = 'if __name__ == "__main__":\n    def net(): ...\n'
    (tmp_path / "hubconf.py").write_text(guarded)
    assert list(compare(tmp_path)) == ["net: griffe finds hubconf.net, hubkit nothing"]


def test_the_repos_of_the_rules_are_read_alike(tmp_path: Path) -> None:
    from tests.oracle import compare

    names = [name for name in case_names() if not name.startswith("HUB002")]  # does not parse
    found = {
        name: lines
        for at, name in enumerate(names)
        if (lines := list(compare(write_case(name, tmp_path / str(at)))))
    }
    assert found == {}
