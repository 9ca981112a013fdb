"""Every way to import, as a repo's code may use it."""

from __future__ import annotations

import importlib.util
import sys
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

PACKAGE = {
    "pkg/__init__.py": "NAME = 'pkg'",
    "pkg/inner/__init__.py": "",
    "pkg/inner/leaf.py": "NAME = 'leaf'\nclass Leaf: pass\n",
    "pkg/inner/other.py": "from . import leaf\nfrom .leaf import NAME\nfrom ..sister import NAME as S\n",
    "pkg/sister.py": "NAME = 'sister'\n__all__ = ['NAME']\nHIDDEN = 1\n",
    "pkg/data.txt": "data",
    "plain.py": "NAME = 'plain'",
}


def run(make_repo: MakeRepo, body: str, **files: str) -> Any:
    """What an entrypoint with this body returns, in a repo with the package above."""
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    named = {path.replace("__slash__", "/"): text for path, text in files.items()}
    root = make_repo("repo", {**PACKAGE, **named, "hubconf.py": f"def net():\n{lines}"})
    return import_hubconf(root).call("net")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import plain\nreturn plain.NAME", "plain"),
        ("import pkg\nreturn pkg.NAME", "pkg"),
        ("import pkg.inner.leaf\nreturn pkg.inner.leaf.NAME", "leaf"),
        ("import pkg.inner.leaf as deep\nreturn deep.NAME", "leaf"),
        ("from pkg import inner\nimport pkg.inner.leaf\nreturn inner.leaf.NAME", "leaf"),
        ("from pkg.inner import leaf\nreturn leaf.NAME", "leaf"),
        ("from pkg.inner.leaf import NAME\nreturn NAME", "leaf"),
        ("from pkg.inner.other import leaf, NAME, S\nreturn leaf.NAME, NAME, S", ("leaf", "leaf", "sister")),
        ("import pkg.sister, plain, os.path\nreturn pkg.sister.NAME, os.path.sep", ("sister", "/")),
        ("space = {}\nexec('from pkg.sister import *', space)\nreturn 'NAME' in space, 'HIDDEN' in space", (True, False)),
        ("return eval('__import__(\"pkg\").NAME')", "pkg"),
        ("return __import__('pkg.inner.leaf').NAME", "pkg"),
        ("return __import__('pkg.inner.leaf', fromlist=['x']).NAME", "leaf"),
        ("import importlib\nreturn importlib.import_module('pkg.inner.leaf').NAME", "leaf"),
        ("from importlib import import_module\nreturn import_module('.leaf', 'pkg.inner').NAME", "leaf"),
        ("import importlib, pkg\nreturn importlib.import_module('.sister', pkg.__name__).NAME", "sister"),
        ("import importlib.util\nreturn importlib.util.find_spec('pkg.inner').name.endswith('.pkg.inner')", True),
        ("from importlib import resources\nreturn resources.files('pkg').joinpath('data.txt').read_text()", "data"),
        ("import importlib.resources as r, pkg\nreturn r.files(pkg).joinpath('data.txt').read_text()", "data"),
        ("import pkgutil\nreturn pkgutil.get_data('pkg', 'data.txt')", b"data"),
        ("import pkgutil\nreturn pkgutil.resolve_name('pkg.inner.leaf:Leaf').__name__", "Leaf"),
        (
            "import pkgutil, pkg\nreturn sorted(i.name for i in pkgutil.walk_packages(pkg.__path__, 'pkg.'))",
            ["pkg.inner", "pkg.inner.leaf", "pkg.inner.other", "pkg.sister"],
        ),
        ("from pydoc import locate\nreturn locate('pkg.inner.leaf.Leaf').__name__", "Leaf"),
        ("import plain, sys\nreturn sys.modules[plain.__name__] is plain", True),
        ("import importlib, plain\nreturn importlib.reload(plain) is plain", True),
        ("import hubconf\nreturn hubconf.net is net", True),
    ],
)  # fmt: skip
def test_an_import_means_the_repos_module(make_repo: MakeRepo, body: str, expected: object) -> None:
    before = {name for name in sys.modules if "." not in name}
    assert run(make_repo, body) == expected
    assert not {"pkg", "plain"} & ({name for name in sys.modules if "." not in name} - before)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("import nothing_there", ModuleNotFoundError, "No module named 'nothing_there'"),
        ("import pkg.nothing", ModuleNotFoundError, "No module named 'pkg.nothing'"),
        ("from pkg import nothing", ImportError, "cannot import name 'nothing' from 'pkg'"),
        ("import plain.x", ModuleNotFoundError, "No module named 'plain.x'; 'plain' is not a"),
        ("from . import plain", ImportError, "relative import with no known parent package"),
        ("import bad_up", ImportError, "relative import with no known parent package"),
        ("import pkg.too_far", ImportError, "relative import beyond top-level package"),
    ],
)
def test_an_import_error_names_what_the_author_wrote(
    make_repo: MakeRepo, body: str, kind: type[ImportError], message: str
) -> None:
    files = {"bad_up.py": "from .plain import x", "pkg__slash__too_far.py": "from ..plain import x"}
    with pytest.raises(ImportError, match=message) as caught:
        run(make_repo, body, **files)
    assert type(caught.value) is kind
    assert "hubkit" not in f"{caught.value} {caught.value.name}"


def test_an_import_error_can_be_caught_by_name_in_the_repo(make_repo: MakeRepo) -> None:
    body = "try: import pkg.nothing\nexcept ImportError as error: return error.name"
    assert run(make_repo, body) == "pkg.nothing"


def test_a_repos_module_comes_before_an_installed_one(make_repo: MakeRepo) -> None:
    import iniconfig

    body = "import iniconfig\nreturn iniconfig.OWN"
    assert run(make_repo, body, **{"iniconfig__slash____init__.py": "OWN = True"}) is True
    assert sys.modules["iniconfig"] is iniconfig
    assert not hasattr(iniconfig, "OWN")


def test_what_python_has_loaded_of_its_own_comes_first(make_repo: MakeRepo) -> None:
    assert run(make_repo, "import types\nreturn types.ModuleType", **{"types.py": ""})


def test_a_folder_without_init_is_a_package(make_repo: MakeRepo) -> None:
    body = "import models.deep.net as net\nfrom models import other\nreturn net.N, other.N"
    files = {"models__slash__deep__slash__net.py": "N = 1", "models__slash__other.py": "N = 2"}
    assert run(make_repo, body, **files) == (1, 2)


def test_a_folder_without_init_is_meant_for_what_it_holds_only(make_repo: MakeRepo) -> None:
    """Python would take the installed package for both; the repo would not work then."""
    files = {"iniconfig__slash__ours.py": "N = 1"}
    body = "from iniconfig import IniConfig\nfrom iniconfig import ours\nreturn IniConfig, ours.N"
    import iniconfig

    assert run(make_repo, body, **files) == (iniconfig.IniConfig, 1)


def test_a_folder_of_data_hides_no_installed_package(make_repo: MakeRepo) -> None:
    import iniconfig

    body = "import iniconfig\nreturn iniconfig.IniConfig"
    assert run(make_repo, body, **{"iniconfig__slash__data.txt": ""}) is iniconfig.IniConfig


def test_circular_imports_work_as_usual(make_repo: MakeRepo) -> None:
    files = {
        "a.py": "import b\nN = 'a'\ndef of_b(): return b.N",
        "b.py": "import a\nN = 'b'\ndef of_a(): return a.N",
    }
    assert run(make_repo, "import a, b\nreturn a.of_b(), b.of_a()", **files) == ("b", "a")


def test_compiled_files_without_source_are_imported(make_repo: MakeRepo) -> None:
    import py_compile

    root = make_repo(
        "repo", {**PACKAGE, "hubconf.py": "import quiet\n", "quiet.py": "import plain"}
    )
    py_compile.compile(str(root / "quiet.py"), cfile=str(root / "quiet.pyc"))
    (root / "quiet.py").unlink()
    assert import_hubconf(root).module.quiet.plain.NAME == "plain"


def test_folders_put_on_the_path_are_searched_and_taken_off(make_repo: MakeRepo) -> None:
    hubconf = """
        import os, sys
        here = os.path.dirname(os.path.abspath(__file__))
        sys.path.insert(0, os.path.join(here, "src"))
        sys.path.append(here)
        from deep import N
        def late():
            import later
            return later.N
        def first():
            import twice
            return twice.N
    """
    files = {
        "hubconf.py": hubconf,
        "src/deep.py": "N = 1",
        "src/later.py": "import deep\nN = deep.N + 1",
        "src/twice.py": "N = 'src'",
        "twice.py": "N = 'root'",
    }
    before = list(sys.path)
    loaded = import_hubconf(make_repo("repo", files))
    assert sys.path == before
    assert loaded.module.N == 1
    assert loaded.module.late() == 2
    assert loaded.call("first") == "src"


def test_relative_folders_on_the_path_are_taken_off(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts add ``./``, which lets all of the process import what lies in the caller's folder."""
    monkeypatch.chdir(make_repo("elsewhere", {"of_the_caller.py": ""}))
    before = list(sys.path)
    hubconf = """
        import sys
        sys.path.append("./")
        import part
        def net():
            sys.path.insert(0, "src")
            return part.N
    """
    root = make_repo("repo", {"hubconf.py": hubconf, "part.py": "N = 1"})
    assert import_hubconf(root).call("net") == 1
    assert sys.path == before
    assert importlib.util.find_spec("of_the_caller") is None


def test_a_folder_is_taken_off_again_by_the_repo_itself(make_repo: MakeRepo) -> None:
    hubconf = """
        import os, sys
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "src"))
        import deep
        sys.path.pop(0)
    """
    before = list(sys.path)
    import_hubconf(
        make_repo(
            "repo", {"hubconf.py": hubconf, "src/deep.py": "import shallow", "src/shallow.py": ""}
        )
    )
    assert sys.path == before


def test_the_callers_folders_mean_nothing_to_the_repo(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller works in a folder of the tree that has a module of the same name."""
    root = make_repo(
        "repo", {"hubconf.py": "import utils", "utils.py": "N = 1", "tests/utils.py": ""}
    )
    monkeypatch.chdir(root / "tests")
    monkeypatch.syspath_prepend("")
    assert import_hubconf(root).module.utils.N == 1


def test_modules_put_into_sys_modules_by_hand_stay_in_the_repo(make_repo: MakeRepo) -> None:
    hubconf = """
        import sys, pkg.inner
        sys.modules["old_name_of_pkg"] = pkg.inner
        import old_name_of_pkg
        def net():
            import old_name_of_pkg.leaf
            return old_name_of_pkg.leaf.NAME
    """
    loaded = import_hubconf(make_repo("repo", {**PACKAGE, "hubconf.py": hubconf}))
    assert "old_name_of_pkg" not in sys.modules
    assert loaded.call("net") == "leaf"


@pytest.mark.parametrize("replaced", [False, True])
def test_modules_under_bare_names_stay_in_the_repo_though_others_go(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """What a library imports from the tree, while it takes other modules away."""
    library, theirs = ModuleType("swaplike"), ModuleType("left_behind")
    code = """
        import importlib, sys
        def swap(folder):
            for name in ("victim_one", "victim_two", "left_behind"):
                sys.modules.pop(name, None)
            sys.path.insert(0, folder)
            return importlib.import_module("left_behind").WHO
    """
    exec(dedent(code), vars(library))
    for name in ("swaplike", "victim_one", "victim_two"):
        monkeypatch.setitem(sys.modules, name, library)
    if replaced:
        monkeypatch.setitem(sys.modules, "left_behind", theirs)
    hubconf = """
        import os, swaplike
        def net():
            return swaplike.swap(os.path.dirname(__file__))
    """
    root = make_repo("repo", {"hubconf.py": hubconf, "left_behind.py": "WHO = 'repo'"})
    assert import_hubconf(root).call("net") == "repo"
    assert sys.modules.get("left_behind") is (theirs if replaced else None)


@pytest.mark.parametrize("who", ["repo", "library"])
def test_a_module_that_was_replaced_in_its_place_is_restored(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """As many modules are imported as before, in the same order."""
    library, theirs = ModuleType("swaplike"), ModuleType("part")
    code = """
        import importlib.util, sys
        def swap(path):
            spec = importlib.util.spec_from_file_location("part", path)
            module = sys.modules["part"] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.WHO
    """
    exec(dedent(code), vars(library))
    for name, module in (("swaplike", library), ("part", theirs), ("last_one", library)):
        monkeypatch.setitem(sys.modules, name, module)
    hubconf = {
        "library": "import os, part, swaplike",
        "repo": f"import os\n{dedent(code)}\nclass swaplike: swap = staticmethod(swap)",
    }[who]
    net = "def net(): return swaplike.swap(os.path.join(os.path.dirname(__file__), 'part.py'))"
    root = make_repo("repo", {"hubconf.py": f"{hubconf}\n{net}", "part.py": "WHO = 'repo'"})
    loaded = import_hubconf(root)
    for _ in range(2):
        assert loaded.call("net") == "repo"
        assert sys.modules["part"] is theirs


def test_a_file_of_the_tree_run_by_its_path_sees_the_tree(make_repo: MakeRepo) -> None:
    body = """
import importlib.util, os
path = os.path.join(os.path.dirname(__file__), "experiment.py")
spec = importlib.util.spec_from_file_location("experiment", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
return module.plain.NAME
"""
    assert run(make_repo, body, **{"experiment.py": "import plain"}) == "plain"


def test_extension_modules_of_the_tree_are_imported(make_repo: MakeRepo) -> None:
    from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader

    spec = importlib.util.find_spec("_testmultiphase")
    if spec is None or not isinstance(spec.loader, ExtensionFileLoader):
        pytest.skip("this Python has no extension module to copy")
    root = make_repo(
        "repo",
        {"hubconf.py": "from native import _testmultiphase as own", "native/__init__.py": ""},
    )
    target = root / "native" / f"_testmultiphase{EXTENSION_SUFFIXES[0]}"
    from pathlib import Path

    target.write_bytes(Path(str(spec.origin)).read_bytes())
    own = import_hubconf(root).module.own
    assert own.__file__ == str(target)
    assert own.foo(1, 2) == 3


def test_modules_that_import_one_another_nest_deep(make_repo: MakeRepo) -> None:
    """A chain that Python itself allows, and that has little room left for frames of ours."""
    depth = 95
    files = {f"link{n}.py": f"from link{n + 1} import N" for n in range(depth)}
    assert run(make_repo, "import link0\nreturn link0.N", **files, **{f"link{depth}.py": "N = 1"})
