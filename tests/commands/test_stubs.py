"""``hubkit stubs``: a typed module that parses, and that calls entrypoints as they are called."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from hubkit.cli import main
from tests.git_host import GitHost, commit_files

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

QUOTED = '''def quoted():
    """"Quoted" \\\\ and \\x1b[31m and \\"""three\\""" and \\t tab \\r and \\u202e and é \\ud800.

      Indented "

    {braces} % and \\\\N{DASH} and a last quote\\""""
    return _echo()
'''
HOSTILE = '''
dependencies = []
MARK = object()


def _echo(*args, **kwargs):
    return args, kwargs


def plain(pretrained: bool = False, *, width: int = 4):
    """Return what it was called with."""
    return _echo(pretrained, width=width)


def reserved(repo_or_dir, model=1, source="s", hubkit=2, Any=3, REPO=4, *, kwargs=5, trust_repo=6):
    return _echo(repo_or_dir, model, source, hubkit, Any, REPO, kwargs=kwargs, trust_repo=trust_repo)


def kinds(a, b=MARK, /, c=MARK, d=1, *args: int, e, f: "str" = MARK, **more: float):
    return _echo(a, b is MARK, c is MARK, d, *args, e=e, f=f is MARK, **more)


def defaults(a=float("inf"), b=-1, c=(1, "x", [2]), d={"k": 1}, e=1e999, f="\\\\ \\" \\n é \\u202e",
             g=b"x", h=lambda: 0, i=0x10, j=...):
    return _echo(i=i)


def wrong(a: str = 3, b: int = None, c: "list[int]" = [1, "x"], d: "tuple[int, ...]" = (1, 2)):
    return _echo(a, b, c, d)


@QUOTED@

def load_plain(x=1):
    return _echo(x)


def größe(größe=1):
    """\\\\"""
    return _echo(größe)


class Builder:
    """Build."""

    def __new__(cls, *args, **kwargs):
        return _echo(*args, **kwargs)

    def __init__(self, size: "Literal[1, 2]" = 1, *, self_: int = 0) -> None:
        pass
'''.replace("@QUOTED@", QUOTED)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["stubs", *map(str, arguments)])


def load_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "hubconf.py").write_text(HOSTILE, "utf-8")
    return tmp_path / "repo"


@pytest.fixture
def module(repo: Path) -> ModuleType:
    done = run(repo, "-o", repo.parent / "typed.py")
    assert done.exit_code == 0, done.output
    return load_module(repo.parent / "typed.py")


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "expected"),
    [
        ("plain", (), {}, ((False,), {"width": 4})),
        ("plain", (True,), {"width": 8}, ((True,), {"width": 8})),
        (
            "reserved",
            (),
            {"repo_or_dir": "r", "source": "x", "kwargs": 9, "trust_repo": 8, "hubkit": 7},
            (("r", 1, "x", 7, 3, 4), {"kwargs": 9, "trust_repo": 8}),
        ),
        ("kinds", (1,), {"e": 2}, ((1, True, True, 1), {"e": 2, "f": True})),
        ("kinds", (1,), {"d": 5, "e": 2, "a": 3.0}, ((1, True, True, 5), {"e": 2, "f": True, "a": 3.0})),
        ("kinds", (1, 2, 3, 4, 5, 6), {"e": 0, "f": ""}, ((1, False, False, 4, 5, 6), {"e": 0, "f": False})),
        ("defaults", (), {}, ((), {"i": 16})),
        ("wrong", (), {}, ((3, None, [1, "x"], (1, 2)), {})),
        ("load_plain", (2,), {}, ((2,), {})),
        ("größe", (), {"größe": 3}, ((3,), {})),
        ("Builder", (), {"size": 2}, ((), {"size": 2})),
    ],
)  # fmt: skip
def test_a_call_is_the_call_of_the_entrypoint(
    module: ModuleType, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], expected: object
) -> None:
    assert getattr(module, f"load_{name}")(*args, **kwargs) == expected


def test_signatures_say_what_the_source_says(module: ModuleType) -> None:
    kinds = str(inspect.signature(module.load_kinds)).replace(repr(module._DEFAULT), "DEFAULT")
    assert kinds == (
        "(a: 'Any', b: 'Any' = DEFAULT, /, c: 'Any' = DEFAULT, d: 'Any' = 1, *args: 'int', "
        "e: 'Any', f: 'str' = DEFAULT, **more: 'float') -> 'tuple[Any, Any]'"
    )
    wrong = inspect.signature(module.load_wrong).parameters
    assert [one.annotation for one in wrong.values()] == [
        *("str | int", "int | None", "list[int] | list[Any]", "tuple[int, ...]")
    ]
    defaults = [one.default for one in inspect.signature(module.load_defaults).parameters.values()]
    known = {1: -1, 2: (1, "x", [2]), 5: '\\ " \n é \u202e', 8: 16}
    assert {at: one for at, one in enumerate(defaults) if one is not module._DEFAULT} == known


def test_docstrings_survive(module: ModuleType) -> None:
    expected = ast.get_docstring(ast.parse(QUOTED).body[0])  # type: ignore[arg-type]
    assert inspect.getdoc(module.load_quoted) == expected
    assert module.load_größe.__doc__ == "\\"


def test_the_module_is_the_same_each_time_and_checked(repo: Path) -> None:
    path = repo.parent / "typed.py"
    missing = run(repo, "-o", path, "--check")
    assert (missing.exit_code, path.exists()) == (1, False)
    assert run(repo, "-o", path).exit_code == 0
    first = path.read_bytes()
    assert run(repo, "-o", path).exit_code == 0
    assert path.read_bytes() == first
    assert run(repo, "-o", path, "--check").exit_code == 0
    path.write_bytes(first.replace(b"\n", b"\r\n"))
    assert run(repo, "-o", path, "--check").exit_code == 0
    (repo / "hubconf.py").write_text(HOSTILE.replace("width: int = 4", "width: int = 5"), "utf-8")
    stale = run(repo, "-o", path, "--check")
    assert stale.exit_code == 1
    assert "is out of date" in stale.stderr
    assert path.read_bytes() == first.replace(b"\n", b"\r\n")


def test_check_needs_a_file(repo: Path) -> None:
    assert run(repo, "--check").exit_code == 2


def test_names_made_at_run_time_need_a_run(repo: Path) -> None:
    (repo / "hubconf.py").write_text("globals().update([('net', lambda: 1)][:])\n")
    reading = run(repo)
    assert "load_net" not in reading.stdout
    assert "creates names at run time" in reading.stderr
    running = run(repo, "--run")
    assert "def load_net(*args: Any, **kwargs: Any) -> Any:" in running.stdout
    assert run("acme/net", "--run").exit_code == 2


def test_a_repo_on_a_host_is_pinned(git_host: GitHost, tmp_path: Path) -> None:
    files = {"hubconf.py": HOSTILE, "LICENSE": "MIT License\n"}
    sha = commit_files(tmp_path / "work", files)
    git_host.add_repo("acme", "net", tmp_path / "work")
    path = tmp_path / "typed.py"
    assert run("acme/net", "-o", path).exit_code == 0
    assert f'REPO = "acme/net:{sha}"' in path.read_text("utf-8")
    assert run("acme/net", "-o", path, "--check").exit_code == 0
    moved = commit_files(tmp_path / "work", {"README.md": "New."})
    git_host.add_repo("acme", "net", tmp_path / "work")
    assert run("acme/net", "-o", path, "--check").exit_code == 1
    assert run("acme/net", "-o", path).exit_code == 0
    assert f'REPO = "acme/net:{moved}"' in path.read_text("utf-8")


def test_importing_the_module_imports_no_torch(repo: Path) -> None:
    path = repo.parent / "typed.py"
    source = "import torch\ndef net(x: torch.Tensor): return torch.nn.Linear(1, 1)\n"
    (repo / "hubconf.py").write_text(source)
    assert run(repo, "-o", path).exit_code == 0
    code = "import sys, json, typed; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo.parent, capture_output=True, check=True, text=True
    )
    assert not {"torch", "requests", "hubkit.loader"} & set(json.loads(done.stdout))
