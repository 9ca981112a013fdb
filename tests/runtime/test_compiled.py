"""A checkout of a package whose compiled parts were never built."""

from __future__ import annotations

import importlib
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

import pytest

from hubkit.errors import NotBuiltError
from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.conftest import MakeRepo

SETUP = (
    "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('fastops._C', ['c.c'])])"
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as it is installed, with its compiled module."""
    package = tmp_path / "site" / "fastops"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / f"_C{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("statement", ["from fastops import _C", "import fastops._C", "from . import _C"])  # fmt: skip
def test_what_the_installed_one_has_compiled_is_named(make_repo: MakeRepo, statement: str) -> None:
    files = {"hubconf.py": "import fastops", "fastops/__init__.py": "from fastops import ops"}
    root = make_repo("repo", {**files, "fastops/ops.py": statement})
    with pytest.raises(NotBuiltError, match=r"has no fastops\._C.*\n.*pip install -e") as caught:
        import_hubconf(root)
    assert caught.value.part == "fastops._C"
    assert isinstance(caught.value.__cause__, ImportError)


def test_what_the_repos_setup_would_compile_is_named(make_repo: MakeRepo) -> None:
    files = {"fastops/__init__.py": "", "setup.py": SETUP}
    root = make_repo("repo", {**files, "hubconf.py": "def net():\n    import fastops._C"})
    with pytest.raises(NotBuiltError, match=r"fastops\._C"):
        import_hubconf(root).call("net")


@pytest.mark.torch
def test_a_torch_operator_of_the_package_is_named(make_repo: MakeRepo) -> None:
    """As torchvision does when it is imported from a checkout."""
    code = """
        import torch
        @torch.library.register_fake("fastops::nms")
        def nms(boxes): ...
    """
    root = make_repo("repo", {"hubconf.py": "import fastops", "fastops/__init__.py": code})
    with pytest.raises(NotBuiltError, match="fastops::nms"):
        import_hubconf(root)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import fastops.slow", ModuleNotFoundError),
        ("from fastops import slow", ImportError),
        ("import elsewhere._C", ModuleNotFoundError),
        ("raise RuntimeError('operator other::nms does not exist')", RuntimeError),
        ("raise RuntimeError('no luck')", RuntimeError),
    ],
)
@pytest.mark.usefixtures("installed")
def test_other_errors_stay_what_they_are(
    make_repo: MakeRepo, code: str, kind: type[Exception]
) -> None:
    root = make_repo("repo", {"hubconf.py": code, "fastops/__init__.py": "", "setup.py": SETUP})
    with pytest.raises(kind) as caught:
        import_hubconf(root)
    assert type(caught.value) is kind
