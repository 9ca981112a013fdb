"""The public names, and what importing them must not cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hubkit
from tests.git_host import GitHost, commit_files

HEAVY = (
    "torch",
    "requests",
    "urllib3",
    "jinja2",
    "markdown_it",
    "filelock",
    "docstring_parser",
    "tomlkit",
    "tqdm",
    "distributed",
    "duckdb",
    "pytest",
)
RUN = """
import sys
from hubkit.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def modules_after(code: str, *arguments: str, cwd: Path | None = None) -> set[str]:
    """Modules that a fresh interpreter holds after running the code."""
    report = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}", *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=cwd,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_dir_lists_the_public_names() -> None:
    assert dir(hubkit) == sorted(hubkit.__all__)


@pytest.mark.parametrize("name", hubkit.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(hubkit, name) is not None


def test_unknown_names_are_refused_as_usual() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        hubkit.lod  # noqa: B018


def test_no_submodule_hides_a_public_name() -> None:
    folder = Path(hubkit.__file__).parent
    modules = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not modules & set(hubkit.__all__)


def test_import_hubkit_imports_nothing_besides() -> None:
    assert modules_after("import hubkit") - modules_after("pass") == {"hubkit"}


def test_the_hub_dir_is_known_without_heavy_imports() -> None:
    assert not modules_after("import hubkit; hubkit.get_dir()") & set(HEAVY)


def test_the_plugin_costs_other_test_runs_nothing() -> None:
    loaded = modules_after("import pytest_hubkit.plugin")
    assert not loaded & (set(HEAVY) - {"pytest"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", "."],
        ["check", ".", "--output-format", "json"],
        ["list", "."],
        ["explain", "HUB301"],
    ],
    ids=" ".join,
)
def test_commands_that_read_import_neither_torch_nor_requests(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "LICENSE").write_text("MIT License\n")
    (tmp_path / "hubconf.py").write_text(
        'dependencies = ["torch"]\n\n\ndef net(pretrained=False):\n'
        '    """A net.\n\n    Args:\n        pretrained: Load weights.\n    """\n    import torch\n\n'
        "    return torch.nn.Linear(1, 1)\n"
    )
    loaded = modules_after(RUN, *arguments, cwd=tmp_path)
    assert not loaded & {"torch", "requests", "urllib3", "jinja2", "pytest"}


def test_help_imports_no_subcommand() -> None:
    loaded = modules_after(RUN, "--help")
    assert {name for name in loaded if name.startswith("hubkit.commands.")} == set()
    parts = {name.split(".")[1] for name in loaded if name.startswith("hubkit.")}
    assert parts == {"_util", "cli", "commands", "errors"}


def test_check_imports_its_own_format_only(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text("def net():\n    return 1\n")
    loaded = modules_after(RUN, "check", "--exit-zero", ".", cwd=tmp_path)
    assert "hubkit.reporters.full" in loaded
    assert not loaded & {"hubkit.reporters.junit", "hubkit.reporters.sarif", "xml.etree"}
    assert not loaded & {
        "hubkit.lint.fix",
        "hubkit.lint.patch",
        "configparser",
        "pickletools",
        "tempfile",
        "yaml",
    }


def test_init_imports_neither_torch_nor_requests(tmp_path: Path) -> None:
    loaded = modules_after(RUN, "init", "my-net", "--defaults", cwd=tmp_path)
    assert (tmp_path / "my-net" / "hubconf.py").is_file()
    assert not loaded & {"torch", "requests", "urllib3", "pytest"}


def test_list_of_a_cached_repo_imports_neither_torch_nor_requests(
    git_host: GitHost, tmp_path: Path
) -> None:
    commit_files(tmp_path / "rep", {"hubconf.py": "def net():\n    return 1\n"})
    git_host.add_repo("own", "rep", tmp_path / "rep")
    cold = modules_after(RUN, "list", "own/rep:main")
    asked = len(git_host.requests)
    warm = modules_after(RUN, "list", "own/rep:main")
    assert "requests" in cold
    assert not warm & {"torch", "requests", "urllib3", "jinja2", "filelock", "pytest"}
    assert len(git_host.requests) == asked
