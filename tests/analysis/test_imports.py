from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import Hubconf, Import
    from tests.analysis.conftest import ReadHubconf


def by_top(hubconf: Hubconf) -> dict[str, Import]:
    return {found.top: found for found in hubconf.imports}


def test_imports_of_the_repos_modules_in_reach_count(read: ReadHubconf) -> None:
    hubconf = read(
        "import torch\nfrom models.net import net\n",
        {
            "models/__init__.py": "import einops.layers.torch",
            "models/net.py": "from .blocks import Block\nimport models.extra\nimport os",
            "models/blocks.py": "from timm import create_model\ndef f():\n    import lazy",
            "models/extra.py": "import yaml",
            "models/unreached.py": "import nothing",
        },
    )
    found = by_top(hubconf)
    assert set(found) == {"torch", "einops", "os", "timm", "yaml"}
    assert found["einops"].module == "einops.layers.torch"
    assert found["torch"].chain == ("hubconf",)
    assert found["timm"].chain == ("hubconf", "models.net", "models.blocks")
    assert (found["timm"].location.path, found["timm"].location.line) == ("models/blocks.py", 1)
    assert not any(one.in_function or one.guarded for one in hubconf.imports)


def test_imports_inside_the_hubconfs_functions_run_later(read: ReadHubconf) -> None:
    hubconf = read(
        """
        def net():
            import cv2
            from models import Net
            return Net()
        """,
        {"models.py": "import torch"},
    )
    found = by_top(hubconf)
    assert found["cv2"].in_function
    assert found["torch"].in_function
    assert found["torch"].chain == ("hubconf", "models")


def test_what_is_imported_eagerly_too_is_not_late(read: ReadHubconf) -> None:
    hubconf = read(
        "def net():\n    from models.a import x\nimport models.b\n",
        {"models/a.py": "import torch", "models/b.py": "from models import a"},
    )
    assert not by_top(hubconf)["torch"].in_function


@pytest.mark.parametrize(
    ("source", "guarded"),
    [
        ("try:\n    import x\nexcept ImportError:\n    pass", True),
        ("try:\n    import x\nexcept (ValueError, ModuleNotFoundError):\n    x = None", True),
        ("try:\n    import x\nexcept:\n    x = None", True),
        ("try:\n    import x\nexcept Exception:\n    x = None", True),
        ("try:\n    import y\nexcept ImportError:\n    import x", True),
        ("try:\n    import x\nexcept ValueError:\n    pass", False),
        ("try:\n    import x\nexcept ImportError as e:\n    raise RuntimeError from e", False),
        ("try:\n    pass\nexcept ImportError:\n    pass\nelse:\n    import x", False),
        ("import contextlib\nwith contextlib.suppress(ImportError):\n    import x", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import x", True),
        ("if __name__ == '__main__':\n    import x", True),
        ("import sys\nif sys.version_info < (3, 11):\n    import x", True),
        ("if True:\n    import x", False),
        ("class A:\n    import x", False),
        ("with open('f'):\n    import x", False),
    ],
)
def test_guards(read: ReadHubconf, source: str, guarded: bool) -> None:
    assert by_top(read(source))["x"].guarded is guarded


def test_what_a_guarded_module_imports_is_guarded(read: ReadHubconf) -> None:
    hubconf = read(
        "try:\n    import fast\nexcept ImportError:\n    fast = None\n",
        {"fast.py": "import triton"},
    )
    assert by_top(hubconf)["triton"].guarded


def test_a_folder_of_data_is_not_a_module(read: ReadHubconf) -> None:
    hubconf = read("import datasets", {"datasets/readme.md": "data"})
    assert set(by_top(hubconf)) == {"datasets"}


def test_modules_that_do_not_parse_are_reported_and_passed_over(tmp_path: Path) -> None:
    sources = {"hubconf": "import bad\nimport good", "bad": "x\ndef (", "good": "import torch"}
    for name, text in sources.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    facts = read_repo(tmp_path)
    assert facts.hubconf is not None
    assert set(by_top(facts.hubconf)) == {"torch"}
    assert [(p.location.path, p.location.line) for p in facts.unreadable] == [("bad.py", 2)]
