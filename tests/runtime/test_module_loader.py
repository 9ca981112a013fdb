"""Which file a module of a repo is, and which bytecode is of it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import py_compile
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.runtime import import_hubconf

if TYPE_CHECKING:
    from tests.runtime.conftest import MakeRepo

HUBCONF = "def net():\n    from pkg import part\n    return part\n"


def load(make_repo: MakeRepo, **files: str) -> Any:
    named = {path.replace("__slash__", "/"): text for path, text in files.items()}
    return import_hubconf(make_repo("repo", {"hubconf.py": HUBCONF, **named}))


@pytest.fixture
def writing_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"part.py": "", "part/__init__.py": ""}, "part/__init__.py"),
        ({"part.py": "", "part/data.txt": ""}, "part.py"),
        ({"part.py": "", "part.yaml": "", "part.test.py": ""}, "part.py"),
        ({"part.py/odd": "", "part/__init__.py": ""}, "part/__init__.py"),
        ({"part/inner.py": ""}, None),
    ],
)
def test_the_same_file_is_meant_as_in_python(
    make_repo: MakeRepo, files: dict[str, str], expected: str | None
) -> None:
    named = {f"pkg/{name}": text for name, text in files.items()}
    root = make_repo("repo", {"hubconf.py": HUBCONF, "pkg/__init__.py": "", **named})
    part = import_hubconf(root).call("net")
    assert part.__file__ == (expected and str(root / "pkg" / expected))
    plain = importlib.machinery.PathFinder.find_spec("part", [str(root / "pkg")])
    assert plain is not None
    spec = part.__spec__
    for attribute in ("origin", "cached", "has_location"):
        assert getattr(spec, attribute) == getattr(plain, attribute)
    assert [*(spec.submodule_search_locations or ())] == [*(plain.submodule_search_locations or ())]


def test_a_compiled_module_comes_first_as_in_python(make_repo: MakeRepo) -> None:
    from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader

    spec = importlib.util.find_spec("_testmultiphase")
    if spec is None or not isinstance(spec.loader, ExtensionFileLoader):
        pytest.skip("this Python has no extension module to copy")
    hubconf = "def net():\n    from pkg import _testmultiphase\n    return _testmultiphase\n"
    root = make_repo("repo", {"hubconf.py": hubconf, "pkg/_testmultiphase.py": ""})
    built = root / "pkg" / f"_testmultiphase{EXTENSION_SUFFIXES[0]}"
    shutil.copyfile(str(spec.origin), built)
    assert import_hubconf(root).call("net").__file__ == str(built)


def test_a_module_that_is_written_later_is_found(make_repo: MakeRepo) -> None:
    """As repos do that generate code on first use."""
    hubconf = """
        import importlib, os
        import pkg.one
        def net():
            path = os.path.join(os.path.dirname(__file__), "pkg", "made.py")
            with open(path, "w") as file:
                file.write("N = 1")
            importlib.invalidate_caches()
            import pkg.made
            return pkg.made.N
    """
    assert (
        load(make_repo, **{"pkg/one.py": "", "pkg/__init__.py": "", "hubconf.py": hubconf}).call(
            "net"
        )
        == 1
    )


def test_a_module_that_is_gone_is_said_to_be_missing(make_repo: MakeRepo) -> None:
    loaded = load(make_repo, **{"pkg/__init__.py": "", "pkg/part.py": "", "pkg/other.py": ""})
    importlib.import_module(f"{loaded.namespace.prefix}pkg.other")
    (loaded.root / "pkg" / "part.py").unlink()
    with pytest.raises(ImportError, match="cannot import name 'part' from 'pkg'"):
        loaded.call("net")


@pytest.mark.usefixtures("writing_bytecode")
def test_bytecode_is_used_for_just_its_source(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": HUBCONF, "pkg/__init__.py": "", "pkg/part.py": "N = 1"})
    file = root / "pkg" / "part.py"
    compiled = Path(py_compile.compile(str(file), doraise=True) or "")
    before = file.stat()
    file.write_text("N = 2")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert import_hubconf(root).call("net").N == 1  # so it is what was run
    file.write_text("N = 33")
    assert import_hubconf(root).call("net").N == 33
    compiled.write_bytes(compiled.read_bytes()[:-3])
    part = import_hubconf(root).call("net")
    with pytest.raises(EOFError):
        importlib.reload(part)
    compiled.write_bytes(b"")
    assert importlib.reload(part).N == 33


@pytest.mark.usefixtures("writing_bytecode")
def test_a_tree_that_was_moved_has_its_new_name_in_tracebacks(
    make_repo: MakeRepo, tmp_path: Path
) -> None:
    files = {"hubconf.py": "def net(): return 1 / 0"}
    root = make_repo("old", files)
    py_compile.compile(str(root / "hubconf.py"), doraise=True)
    moved = root.rename(tmp_path / "new")
    assert import_hubconf(moved).entrypoint("net").__code__.co_filename == str(moved / "hubconf.py")


@pytest.mark.usefixtures("writing_bytecode")
def test_bytecode_that_goes_by_a_hash_is_used_too(make_repo: MakeRepo) -> None:
    root = make_repo("repo", {"hubconf.py": "def net(): return 1"})
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    py_compile.compile(str(root / "hubconf.py"), doraise=True, invalidation_mode=mode)
    assert import_hubconf(root).call("net") == 1


def test_who_reads_the_code_of_a_module_again_gets_it_as_it_is_now(make_repo: MakeRepo) -> None:
    loaded = load(make_repo, **{"pkg/__init__.py": "", "pkg/part.py": "N = 1"})
    part = loaded.call("net")
    (loaded.root / "pkg" / "part.py").write_text("N = 22")
    variables: dict[str, object] = {}
    exec(part.__spec__.loader.get_code(part.__name__), variables)
    assert variables["N"] == 22
