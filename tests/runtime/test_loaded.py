"""Repos that look for modules in ``sys.modules``, or put them there."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

FILES = {"part.py": "N = 1", "pkg/__init__.py": "", "pkg/leaf.py": "N = 2", "other.py": "N = 3"}
HEAD = "import sys\nimport part, pkg.leaf\n"


def net(make_repo: MakeRepo, body: str, head: str = HEAD) -> Any:
    """What an entrypoint with this body gives."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    root = make_repo("repo", {**FILES, "hubconf.py": f"{head}def net():\n{lines}"})
    return import_hubconf(root).module.net()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return sys.modules['part'] is part, sys.modules['pkg.leaf'] is pkg.leaf", (True, True)),
        ("return 'part' in sys.modules, 'other' in sys.modules", (True, False)),
        ("return sys.modules.get('part').N, sys.modules.get('other')", (1, None)),
        ("return sys.modules[__name__].net is net", True),
        ("from sys import modules\nreturn modules['part'].N", 1),
        ("import sys as s\nreturn s.modules['part'].N", 1),
        ("return sys.modules['sys'].maxsize == sys.maxsize, sys.modules['os'].sep", (True, "/")),
        ("return sorted(n for n in sys.modules if n.split('.')[0] in ('part', 'pkg'))", ["part", "pkg", "pkg.leaf"]),
        ("return len(sys.modules) == len(list(sys.modules)) == len(sys.modules.copy())", True),
        ("old = sys.modules.pop('part')\nimport part\nreturn part is old, part.N", (False, 1)),
        ("del sys.modules['pkg.leaf']\nimport pkg.leaf\nreturn sys.modules['pkg.leaf'] is pkg.leaf", True),
        ("sys.modules['part'] = pkg.leaf\nimport part\nreturn part.N", 2),
        ("sys.modules[pkg.__name__] = part\nfrom pkg import N\nreturn N", 1),
        ("sys.modules['old.name'] = pkg.leaf\nfrom old.name import N\nreturn N", 2),
        ("sys.modules['part'] = None\ntry: import part\nexcept ImportError as error: return str(error)", "import of part halted; None in sys.modules"),
    ],
)  # fmt: skip
def test_it_finds_its_own_by_their_names(make_repo: MakeRepo, body: str, expected: object) -> None:
    before = set(sys.modules)
    assert net(make_repo, body) == expected
    assert not {"part", "pkg", "pkg.leaf", "old", "old.name"} & (set(sys.modules) - before)


def test_the_callers_module_of_that_name_is_left_alone(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = ModuleType("part")
    monkeypatch.setitem(sys.modules, "part", mine)
    body = "before = sys.modules.pop('part')\nsys.modules['part'] = pkg.leaf\nimport part\nreturn before.N, part.N"
    assert net(make_repo, body) == (1, 2)
    assert sys.modules["part"] is mine


def test_what_is_put_into_sys_is_there_for_all(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mine"])
    body = "sys.modules\nsys.argv = ['theirs']\nsys.flag = 1\nreturn sys.argv, sys.flag"
    assert net(make_repo, body) == (["theirs"], 1)
    assert sys.argv == ["theirs"]
    del sys.flag  # type: ignore[attr-defined]


def test_who_does_not_look_there_has_the_original(make_repo: MakeRepo) -> None:
    root = make_repo(
        "repo", {"hubconf.py": "import sys\nimport part", "part.py": "import sys\nsys.modules"}
    )
    hubconf = import_hubconf(root).module
    assert hubconf.sys is sys
    assert hubconf.part.sys is not sys
    assert hubconf.part.sys.path is sys.path


@pytest.mark.parametrize("compiled", [False, True])
def test_bytecode_tells_it_too(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    import py_compile

    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    code = "import part\nclass A:\n    def n(self):\n        import sys\n        return sys.modules['part'].N\n"
    root = make_repo("repo", {**FILES, "hubconf.py": code})
    if compiled:
        py_compile.compile(str(root / "hubconf.py"), doraise=True)
    assert import_hubconf(root).module.A().n() == 1
