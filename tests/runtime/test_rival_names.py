"""Whose code a name means: repos of the same shape, the caller, what is installed.

Each scenario runs under torch.hub too, which shows what it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.rival import Fails, Files, check, scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

TWIN = {
    "models/__init__.py": "",
    "models/net.py": """
        import utils
        class Net:
            def say(self):
                from models.late import NAME
                return utils.NAME + NAME
        net = Net
    """,
    "models/late.py": "NAME = '$name'",
    "utils.py": "NAME = '$name'",
}
FOLDERS = {path: text for path, text in TWIN.items() if path != "models/__init__.py"}


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        scenario(
            "one repo after another",
            "result = [load(name, 'net').say() for name in 'aba']",
            ["aa", "bb", "aa"],
            ["aa", "aa", "aa"],
            TWIN,
        ),
        scenario(
            "in the other order",
            "result = [load(name, 'net').say() for name in 'bab']",
            ["bb", "aa", "bb"],
            ["bb", "bb", "bb"],
            TWIN,
        ),
        scenario(
            "folders without init",
            "result = [load(name, 'net').say() for name in 'aba']",
            ["aa", "bb", "aa"],
            ["aa", "aa", "aa"],
            FOLDERS,
        ),
        scenario(
            "two refs of one repo",
            """
            import shutil
            shutil.copytree(folder + "/own_b_main", folder + "/own_a_v2")
            refs = "own/a:main", "own/a:v2", "own/a:main"
            nets = [hub.load(ref, "net", trust_repo=True, verbose=False) for ref in refs]
            result = [net.say() for net in nets]
            """,
            ["aa", "bb", "aa"],
            ["aa", "aa", "aa"],
            TWIN,
        ),
        scenario(
            "the caller has such modules",
            """
            callers("utils", "models")
            import utils, models
            mine = utils
            result = load("a", "net").say(), sys.modules["utils"] is mine, utils.NAME
            """,
            ("aa", True, "mine"),
            Fails("ModuleNotFoundError: No module named 'models.net'"),
            TWIN,
        ),
        scenario(
            "the caller imports such modules afterwards",
            """
            callers("utils", "models")
            load("a", "net")
            import utils, models
            result = utils.NAME, models.NAME
            """,
            ("mine", "mine"),
            Fails("AttributeError: module 'models' has no attribute 'NAME'"),
            TWIN,
        ),
        scenario(
            "what is left behind",
            """
            before, path = dict(sys.modules), list(sys.path)
            load("a", "net").say(), load("b", "net").say()
            new = sorted(name for name in sys.modules if "." not in name and name not in before)
            kept = all(sys.modules[name] is module for name, module in before.items())
            result = new, kept, sys.path == path
            """,
            ([], True, True),
            (["models", "utils"], True, True),
            {**TWIN, "hubconf.py": "import models.late\nfrom models.net import net"},
        ),
        scenario(
            "eight threads at once",
            """
            import shutil, threading, types
            from concurrent.futures import ThreadPoolExecutor
            names = [f"t{number}" for number in range(8)]
            for name in names:
                shutil.copytree(folder + "/own_a_main", f"{folder}/own_{name}_main")
                open(f"{folder}/own_{name}_main/utils.py", "w").write(f"NAME = {name!r}")
            sync = sys.modules["sync"] = types.ModuleType("sync")
            sync.wait = threading.Barrier(8).wait
            with ThreadPoolExecutor(8) as pool:
                said = [*pool.map(lambda name: load(name, "net").say(), names)]
            result = len({*said})
            """,
            8,
            1,
            {**TWIN, "hubconf.py": "import sync\nsync.wait()\nfrom models.net import net\nsync.wait()"},
        ),
        scenario(
            "listing beside a module of the caller",
            """
            import types
            sys.modules["models"] = types.ModuleType("models")
            result = hub.list("own/a:main", trust_repo=True, verbose=False)
            """,
            ["net"],
            [],
            {"hubconf.py": "from models import *", "models.py": "def net(): ..."},
        ),
        scenario(
            "two packages that import each other",
            "result = [load(name, 'net') for name in 'ab']",
            ["a of b", "b of b"],
            ["a of b", "a of b"],
            {
                "hubconf.py": "from left import net",
                "left/__init__.py": "NAME = '$name'\nimport right\ndef net(): return right.of()",
                "right/__init__.py": "import left\ndef of(): return left.NAME + ' of b'",
            },
        ),
    ],
)  # fmt: skip
def test_a_repos_names_are_its_own(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


INSTALLED = {
    "hubconf.py": "from docstring_parser import NAME\ndef net(): return NAME",
    "docstring_parser/__init__.py": "NAME = '$name'",
}


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        scenario(
            "it was imported before",
            "import docstring_parser\nresult = load('a', 'net'), hasattr(docstring_parser, 'parse_from_object')",
            ("a", True),
            Fails("ImportError: cannot import name 'NAME' from 'docstring_parser'"),
            INSTALLED,
        ),
        scenario(
            "it is imported afterwards",
            "said = load('a', 'net')\nimport docstring_parser\nresult = said, hasattr(docstring_parser, 'parse_from_object')",
            ("a", True),
            ("a", False),
            INSTALLED,
        ),
    ],
)
def test_a_checkout_of_an_installed_package_is_used_in_the_repo_alone(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)


@pytest.mark.parametrize(
    ("files", "program", "ours", "theirs"),
    [
        scenario(
            "classes of the hubconf",
            "result = type(load('a', 'Net')) is type(load('a', 'Net'))",
            True,
            False,
            {"hubconf.py": "class Net: ..."},
        ),
        scenario(
            "code that was edited",
            """
            old = load("a", "Net")
            open(folder + "/own_a_main/part.py", "w").write("class Net: N = 'edited'")
            result = old.N, load("a", "Net").N
            """,
            ("a", "edited"),
            ("a", "a"),
            {"hubconf.py": "from part import Net", "part.py": "class Net: N = '$name'"},
        ),
        scenario(
            "code that is mended after it failed",
            """
            try:
                load("a", "net")
            except NameError:
                pass
            open(folder + "/own_a_main/models/net.py", "w").write("def net(): return 'mended'")
            result = load("a", "net")
            """,
            "mended",
            "mended",
            {"models/net.py": "oops"},
        ),
    ],
)
def test_loading_again_gives_the_same_code_or_the_new(
    tmp_path: Path, files: Files, program: str, ours: object, theirs: object
) -> None:
    check(tmp_path, files, program, ours, theirs)
