"""Import statements that are run again and again, while what they mean changes."""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

HUBCONF = """
import os, sys
def absolute():
    import pkg.leaf
    return pkg.leaf
def renamed():
    import pkg.leaf as leaf
    return leaf
def taken():
    from pkg import leaf
    return leaf
def name():
    from pkg.leaf import NAME
    return NAME
def relative():
    import pkg.other
    return pkg.other.leaf()
def outside():
    import iniconfig
    return iniconfig
def forget(name):
    for key in [key for key in sys.modules if key.endswith(name)]:
        del sys.modules[key]
"""
OTHER = "def leaf():\n    from .leaf import NAME\n    from . import leaf\n    return leaf\n"
FILES = {"pkg/__init__.py": "", "pkg/leaf.py": "NAME = 'leaf'", "pkg/other.py": OTHER}
WAYS = ["absolute", "renamed", "taken", "relative"]


@pytest.fixture
def repo(make_repo: MakeRepo) -> Any:
    module = import_hubconf(make_repo("repo", {**FILES, "hubconf.py": HUBCONF})).module
    for way in (*WAYS, "name", "outside"):
        getattr(module, way)()
    return module


@pytest.mark.parametrize("way", WAYS)
def test_a_module_that_is_removed_is_imported_again(repo: Any, way: str) -> None:
    old = getattr(repo, way)()
    repo.forget(".pkg.leaf")
    if way in ("taken", "relative"):  # as in Python: what is there as an attribute stays
        del sys.modules[old.__name__.rpartition(".")[0]].leaf
    new = getattr(repo, way)()
    assert new is not old
    assert new is sys.modules[old.__name__]
    assert repo.name() == "leaf"


def test_a_package_that_is_removed_is_imported_again(repo: Any) -> None:
    old = repo.absolute()
    repo.forget(".pkg.leaf")
    repo.forget(".pkg")
    assert repo.renamed() is not old
    assert repo.absolute() is repo.renamed()


def test_a_module_that_is_replaced_is_seen(repo: Any) -> None:
    leaf = repo.renamed()
    other = ModuleType(leaf.__name__)
    vars(other)["NAME"] = "other"
    sys.modules[leaf.__name__] = other
    assert repo.name() == "other"


def test_a_name_that_is_replaced_or_removed_is_seen(repo: Any) -> None:
    leaf = repo.renamed()
    leaf.NAME = "changed"
    assert repo.name() == "changed"
    del leaf.NAME
    with pytest.raises(ImportError, match="cannot import name 'NAME'"):
        repo.name()


def test_a_module_that_may_not_be_imported_any_more_is_refused(repo: Any) -> None:
    sys.modules[repo.renamed().__name__] = None  # type: ignore[assignment]
    with pytest.raises(ModuleNotFoundError, match=r"import of pkg\.leaf halted"):
        repo.name()


def test_others_modules_are_asked_for_anew_too(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("iniconfig")
    monkeypatch.setitem(sys.modules, "iniconfig", other)
    assert repo.outside() is other


def test_who_watches_imports_sees_those_of_repos(
    repo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Import profilers and lazy importers put an ``__import__`` of their own in its place."""
    plain, seen = builtins.__import__, []

    def watch(name: str, *args: Any, **kwargs: Any) -> ModuleType:
        seen.append(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", watch)
    assert repo.outside().__name__ == "iniconfig"
    assert "iniconfig" in seen


def test_a_name_that_a_repo_makes_its_own_later_is_its_own_then(make_repo: MakeRepo) -> None:
    hubconf = """
        import sys
        from types import ModuleType
        def which():
            import iniconfig
            return iniconfig
        def net():
            before = which()
            mine = sys.modules["iniconfig"] = ModuleType("iniconfig")
            mine.__file__ = __file__
            return before, mine
    """
    import iniconfig

    loaded = import_hubconf(make_repo("repo", {"hubconf.py": hubconf}))
    before = sys.modules.pop("iniconfig")
    try:
        old, mine = loaded.call("net")
    finally:
        sys.modules["iniconfig"] = before
    assert old.__file__ == iniconfig.__file__
    assert loaded.module.which() is mine


def test_modules_in_a_circle_are_taken_as_far_as_they_are(make_repo: MakeRepo) -> None:
    """What is imported in the middle of an import is not yet what it will be."""
    files = {
        "ring/__init__.py": "def late():\n    from ring import b\n    return b\nfrom ring import a\n",
        "ring/a.py": "import ring\nfrom ring import b\nB = ring.late()",
        "ring/b.py": "from . import a\nA = a\ndef again():\n    from . import a\n    return a.B",
        "hubconf.py": "import ring\ndef net():\n    return ring.a.B is ring.b, ring.b.again() is ring.b",
    }
    assert import_hubconf(make_repo("repo", files)).call("net") == (True, True)


def test_a_lazy_module_is_as_lazy_as_ever(make_repo: MakeRepo) -> None:
    files = {
        "lazy/__init__.py": "def __getattr__(name):\n    if name[0] == '_': raise AttributeError(name)\n"
        "    from importlib import import_module\n    return import_module('lazy.' + name)\n",
        "lazy/part.py": "N = 1",
        "hubconf.py": "def net():\n    from lazy import part\n    return part.N\n",
    }
    loaded = import_hubconf(make_repo("repo", files))
    assert [loaded.call("net") for _ in range(3)] == [1, 1, 1]
