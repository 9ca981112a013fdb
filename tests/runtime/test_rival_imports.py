"""Imports that run once ``load`` has returned, and code that asks Python about itself.

With torch.hub the repo is on ``sys.path`` for as long as ``load`` runs and its hubconf is in
``sys.modules`` at no time. What torch.hub manages as well is marked as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.rival import Fails, Files, check, scenario

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark import ParameterSet

pytestmark = pytest.mark.torch

REPO = {
    "models/__init__.py": "",
    "models/late.py": "NAME = '$name'\n__all__ = ['NAME']\nclass Late: NAME = '$name'\n",
    "other/__init__.py": "",
    "other/late.py": "NAME = '$name'\nclass Late: NAME = '$name'\n",
    "other/deep/far.py": "NAME = '$name'",
    "other/data.txt": "$name",
    "spaces/near.py": "NAME = '$name'",
}
CLASS = """
    class Net:
        def forward(self):
            {}
    def net():
        return Net()
"""
NOTHING = Fails("ModuleNotFoundError: No module named 'other")


def late(what: str, body: str, theirs: object, *, ours: object = ("a", "b")) -> ParameterSet:
    """A scenario of what a ``forward`` does after both repos have been loaded."""
    lines = body.replace("\n", "\n            ")
    return scenario(
        what,
        "nets = load('a', 'net'), load('b', 'net')\nresult = tuple(net.forward() for net in nets)",
        ours,
        theirs,
        {**REPO, "models/net.py": CLASS.format(lines)},
    )


WRONG = ("a", "a")


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        late("a statement", "from other.late import NAME; return NAME", NOTHING),
        late("a statement with as", "import other.deep.far as far; return far.NAME", NOTHING),
        late("a relative statement", "from .late import NAME; return NAME", WRONG),
        late("from the package", "from . import late; return late.NAME", WRONG),
        late("a star", "space = {}\nexec('from other.late import *', space)\nreturn space['NAME']", NOTHING),
        late("a folder without init", "import spaces.near; return spaces.near.NAME", Fails("ModuleNotFoundError")),
        late("the function of builtins", "return __import__('other.late', fromlist=['x']).NAME", NOTHING),
        late("importlib", "import importlib; return importlib.import_module('other.late').NAME", NOTHING),
        late("importlib and a relative name", "from importlib import import_module\nreturn import_module('.late', __package__).NAME", WRONG),
        late("a spec", "import importlib.util; return importlib.util.find_spec('other') is not None", (False, False), ours=(True, True)),
        late("a data file by pkgutil", "import pkgutil; return pkgutil.get_data('other', 'data.txt').decode()", Fails("AttributeError: 'NoneType'")),
        late("a data file by resources", "from importlib import resources; return resources.files('other').joinpath('data.txt').read_text()", NOTHING),
        late("a walk through a package", "import pkgutil, other\nreturn [info.name for info in pkgutil.walk_packages(other.__path__, 'other.')]", NOTHING, ours=(["other.late"],) * 2),
        late("a dotted name by pkgutil", "import pkgutil; return pkgutil.resolve_name('other.late:Late').NAME", NOTHING),
        late("a dotted name by pydoc", "import pydoc; return pydoc.locate('other.late.Late').NAME", Fails("AttributeError: 'NoneType'")),
        late("a dotted name by a library", "import logging.config\nreturn logging.config.BaseConfigurator({}).resolve('other.late.Late').NAME", Fails("ValueError: Cannot resolve 'other.late.Late'")),
        late("a pickle that names a module", "import pickle; return pickle.loads(b'cother.late\\nLate\\n)R.').NAME", NOTHING),
    ],
)  # fmt: skip
def test_an_import_after_load_finds_the_repo(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


def hubconf(
    what: str, code: str, theirs: object, *, ours: object = True, program: str = ""
) -> ParameterSet:
    """A scenario of what a hubconf finds when its entrypoint ``net`` runs."""
    return scenario(
        what, program or "result = load('a', 'net')", ours, theirs, {**REPO, "hubconf.py": code}
    )


MISSING = Fails("KeyError: 'hubconf.py'")


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        hubconf("its own module", "import sys\ndef net(): return sys.modules[__name__].net is net", MISSING),
        hubconf(
            "a registry by the module of a function",
            """
            import sys
            def register(function):
                vars(sys.modules[function.__module__])["__all__"] = [function.__name__]
                return function
            @register
            def net(): return __all__
            """,
            MISSING,
            ours=["net"],
        ),
        hubconf(
            "a dataclass with postponed annotations",
            """
            from __future__ import annotations
            from dataclasses import dataclass
            from typing import ClassVar
            @dataclass
            class Config:
                size: int = 1
                many: ClassVar[int] = 2
            def net(): return Config() == Config(1)
            """,
            Fails("AttributeError: 'NoneType' object has no attribute '__dict__'"),
        ),
        hubconf(
            "the type hints of a class",
            """
            from __future__ import annotations
            import typing
            class Part: ...
            class Net: part: Part
            def net(): return typing.get_type_hints(Net) == {"part": Part}
            """,
            Fails("NameError: name 'Part' is not defined"),
        ),
        hubconf(
            "the source of a class",
            "import inspect\nclass Net: ...\ndef net(): return inspect.getsource(Net)",
            Fails("TypeError: <class 'hubconf.py.Net'> is a built-in class"),
            ours="class Net: ...\n",
        ),
        hubconf(
            "a script by jit",
            """
            import torch
            class Net(torch.nn.Module):
                def forward(self, x: torch.Tensor):
                    return helper(x)
            def helper(x: torch.Tensor):
                return x + 1
            def net(): return torch.jit.script(Net())(torch.ones(1)).item()
            """,
            2.0,
            ours=2.0,
        ),
        hubconf("importing itself", "def net():\n    import hubconf\n    return hubconf.net is net", False),
    ],
)  # fmt: skip
def test_a_hubconf_is_a_module_like_any_other(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        hubconf("its file", "def net():\n    with open(__file__) as file: return len(file.read()) > 9", True),
        hubconf("a guard for scripts", "ran = __name__ == '__main__'\ndef net(): return not ran", True),
        hubconf(
            "imports for the type checker",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING: import nowhere\ndef net() -> 'nowhere.X': return True",
            True,
        ),
        hubconf("the hints of a function", "import typing\nclass X: ...\ndef net() -> 'X': return typing.get_type_hints(net) == {'return': X}", True),
        hubconf("a deep copy", "import copy\nclass Net: ...\ndef net(): return type(copy.deepcopy(Net())) is Net", True),
        hubconf("a star import at the top", "from other.late import *\ndef net(): return Late.NAME", "a", ours="a"),
    ],
)  # fmt: skip
def test_what_works_with_torch_hub_works_here(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)
