"""Names that modules make while they are imported, read from source.

Each hubconf is also run: what is read must be what ``torch.hub.list`` would show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.runtime.probe import list_names

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Hubconf
    from tests.analysis.conftest import ReadHubconf

FILES = {
    "zoo/__init__.py": "",
    "zoo/nets.py": '''
        def build(name, width=1, pretrained=False, **kwargs):
            """A net."""
        def small(pretrained=False):
            """A small net."""
        def large(): ...
        NETS = {"net_small": small, "net_large": large}
        ''',
    "zoo/tables.py": """
        from zoo.nets import build, large, small
        WIDTHS = {"a": 1, "b": 2}
        NAMES = ["x"]
        NAMES.append("y")
        NAMES += ["z"]
        PAIRS = [("p", small), ("q", large)]
        """,
    "zoo/registry.py": """
        ENTRYPOINTS = {}
        CLASSES = {}
        def register(fn):
            name = fn.__name__
            if name in ENTRYPOINTS:
                print("again")
            ENTRYPOINTS[name] = fn
            return fn
        def register_as(name=None):
            def wrap(fn):
                key = fn.__name__ if name is None else name
                CLASSES[key] = fn
                return fn
            return wrap
        """,
    "zoo/registered.py": '''
        from zoo import registry
        from zoo.registry import register, register_as
        @register
        def tiny(pretrained=False):
            """A tiny net."""
        @registry.register
        def huge(): ...
        def other(): ...
        @register_as("medium")
        def _medium(width=3): ...
        @register_as()
        class Medium: ...
        ''',
    "zoo/made.py": """
        import sys
        from functools import partial
        from zoo.nets import build
        _this = sys.modules[__name__]
        def net_b(*args, **kwargs): ...
        for _kind, _width in zip(["a", "b"], [1, 2]):
            _name = f"net_{_kind}"
            setattr(_this, _name, partial(build, _kind, width=_width))
        """,
}

READ = {
    "a literal": ("globals()['net'] = len", ["net"]),
    "a loop": ("for _n in ['a', 'b']:\n    locals()[_n] = len", ["a", "b"]),
    "numbers": (
        "for _n in ['net_b' + str(_i) for _i in range(3) if _i != 1]:\n    globals()[_n] = len",
        ["net_b0", "net_b2"],
    ),
    "keywords": ("globals().update(net=len, other=min)", ["net", "other"]),
    "a comprehension": ("vars().update({f'net{_i}': len for _i in (1, 2)})", ["net1", "net2"]),
    "a variable": ("_all = globals()\n_all['net'] = len", ["net"]),
    "setattr": (
        "import sys\nfor _n in 'ab cd'.split():\n    setattr(sys.modules[__name__], _n, len)",
        ["ab", "cd"],
    ),
    "the module's dict": ("import sys\nsys.modules[__name__].__dict__.update(net=len)", ["net"]),
    "a table elsewhere": (
        "from zoo.nets import NETS as _NETS\nfor _n, _f in _NETS.items():\n    globals()[_n] = _f",
        ["net_large", "net_small"],
    ),
    "a lookup": (
        "from zoo import nets\nfor _n in nets.NETS:\n    globals()[_n] = nets.NETS[_n]",
        ["net_large", "net_small"],
    ),
    "getattr": (
        (
            "from zoo import nets\nfor _n in ('small', 'large'):\n"
            "    globals()[_n.upper()] = getattr(nets, _n)"
        ),
        ["LARGE", "SMALL"],
    ),
    "a list that grows": (
        "from zoo.tables import NAMES\nfor _n in NAMES:\n    globals()[_n] = len",
        ["x", "y", "z"],
    ),
    "pairs": (
        "from zoo.tables import PAIRS\nfor _n, _f in PAIRS:\n    globals()[_n] = _f",
        ["p", "q"],
    ),
    "conditions": (
        (
            "for _n in ('a', 'b', 'c'):\n    if _n == 'b':\n        continue\n"
            "    if not _n.startswith('c'):\n        _n = _n + '_net'\n    globals()[_n] = len"
        ),
        ["a_net", "c"],
    ),
    "a function": (
        (
            "def _add(name, prefix='net_'):\n    globals()[prefix + name] = len\n"
            "_add('a')\n_add('b', prefix='')"
        ),
        ["b", "net_a"],
    ),
    "a function that fills": (
        (
            "def _fill(space, names):\n    for name in names:\n        space[name] = len\n"
            "_fill(globals(), ['a', 'b'])"
        ),
        ["a", "b"],
    ),
    "closures": (
        "for _n in ('a', 'b'):\n    def _f(width=1):\n        ...\n    globals()[_n] = _f",
        ["a", "b"],
    ),
    "a star": ("from zoo.made import *", ["build", "net_a", "net_b", "partial"]),
    "filter": (
        (
            "from zoo import made\n_names = filter(lambda n: n.startswith('net'), dir(made))\n"
            "globals().update({_n: getattr(made, _n) for _n in _names})"
        ),
        ["net_a", "net_b"],
    ),
    "exec": (
        "for _n in ('a', 'b'):\n    exec(f'def {_n}(pretrained=False): ...')",
        ["a", "b"],
    ),
    "a registry": (
        (
            "import zoo.registered\nfrom zoo.registry import ENTRYPOINTS\n"
            "globals().update(ENTRYPOINTS)"
        ),
        ["huge", "tiny"],
    ),
    "a registry with names": (
        "import zoo.registered\nimport zoo.registry\nglobals().update(zoo.registry.CLASSES)",
        ["Medium", "medium"],
    ),
    "constants": ("globals().update(size=3, names=['a'], net=len)", ["net"]),
}


def names(hubconf: Hubconf) -> list[str]:
    return sorted([*hubconf.names, *(leak.name for leak in hubconf.leaks)])


@pytest.mark.parametrize("case", READ)
def test_names_are_read(read: ReadHubconf, tmp_path: Path, case: str) -> None:
    source, expected = READ[case]
    hubconf = read(source + "\n", FILES)
    assert not hubconf.has_dynamic_names
    assert names(hubconf) == expected
    assert list(list_names(tmp_path)) == expected


@pytest.mark.parametrize(
    "source",
    [
        "import os\nfor _n in os.listdir('.'):\n    globals()[_n] = len",
        "for _n in ('a', input()):\n    globals()[_n] = len",
        "_NAMES = ['a']\n_NAMES.remove('a')\nfor _n in _NAMES:\n    globals()[_n] = len",
        "for _n in ('a', 'b'):\n    if input():\n        break\n    globals()[_n] = len",
        (
            "_TABLE = {}\ndef _fill(): _TABLE['a'] = len\n[_fill() for _ in (1,)]\n"
            "globals().update(_TABLE)"
        ),
        (
            "from zoo import registry\nregistry.ENTRYPOINTS.pop('a', None)\n"
            "globals().update(registry.ENTRYPOINTS)"
        ),
        "while input():\n    globals()['net'] = len",
        "exec('from os import *')",
        "[globals().__setitem__(_n, len) for _n in ('a', 'b')]",
    ],
)
def test_what_cannot_be_followed_is_open(read: ReadHubconf, source: str) -> None:
    hubconf = read(source + "\n", FILES)
    assert hubconf.has_dynamic_names


def test_a_partial_in_a_loop_shows_the_values_of_its_round(read: ReadHubconf) -> None:
    hubconf = read("from zoo.made import net_a, net_b\n", FILES)
    small, large = hubconf.entrypoints
    assert (small.kind, large.made_by) == ("value", "partial")
    assert [(one.name, one.default) for one in large.parameters or ()] == [
        ("width", "2"),
        ("pretrained", "False"),
        ("kwargs", None),
    ]


def test_settings_in_a_table_are_bound(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from functools import partial as _partial
        from zoo.nets import build as _build
        _TABLE = {"a": dict(name="a", width=2), "b": {"name": "b"}}
        for _name, _settings in _TABLE.items():
            globals()["net-" + _name] = _partial(_build, **_settings)
        net = _partial(_build, **_TABLE.get(input()))
        """,
        FILES,
    )
    parameters = {one.name: one.parameters for one in hubconf.entrypoints}
    assert [(one.name, one.default) for one in parameters["net-a"] or ()] == [
        ("name", '"a"'),
        ("width", "2"),
        ("pretrained", "False"),
        ("kwargs", None),
    ]
    assert [one.required for one in parameters["net-b"] or ()] == [False, False, False, False]
    assert parameters["net"] is None
    assert {one.summary for one in hubconf.entrypoints} == {"A net."}


def test_functions_of_a_registry_have_their_docstrings(read: ReadHubconf) -> None:
    hubconf = read(*READ_REGISTRY)
    tiny = hubconf.entrypoint("tiny")
    assert tiny is not None
    assert tiny.docstring == "A tiny net."
    assert tiny.definition.path == "zoo/registered.py"


READ_REGISTRY = (READ["a registry"][0] + "\n", FILES)


def test_a_factory_in_a_loop_has_the_docstring_of_what_it_makes(read: ReadHubconf) -> None:
    hubconf = read(
        '''
        def _make(size):
            def build(pretrained=False):
                """Builds."""
            return build
        for _size in ("s", "l"):
            globals()["net_" + _size] = _make(_size)
        '''
    )
    assert [(one.name, one.docstring) for one in hubconf.entrypoints] == [
        ("net_s", "Builds."),
        ("net_l", "Builds."),
    ]
    assert len(hubconf.distinct) == 1


def test_of_many_names_only_the_wanted_one_is_read(read: ReadHubconf, tmp_path: Path) -> None:
    hubconf = read(
        '''
        from functools import partial as _partial
        def _build(size, pretrained=False):
            """Builds."""
        for _size in range(200):
            globals()[f"net{_size}"] = _partial(_build, _size)
        '''
    )
    assert (len(hubconf.entrypoints), len(hubconf.unchecked)) == (0, 200)
    assert not hubconf.has_dynamic_names
    wanted = require_hubconf(read_repo(tmp_path, "net7"))
    (net,) = wanted.entrypoints
    assert [one.name for one in net.parameters or ()] == ["pretrained"]
    assert len(wanted.listed) == 200
