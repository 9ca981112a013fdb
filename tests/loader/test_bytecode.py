"""Of what was fetched only source runs: bytecode may hold something else."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import hubkit
from hubkit.cli import main
from hubkit.facts import FetchPolicy
from hubkit.hubdir import bytecode_folder, fetch_repo, parse_repo, read_inventory, remove_tree
from tests.bytecode import make_bytecode
from tests.git_host import commit_files

if TYPE_CHECKING:
    from tests.git_host import GitHost

HUBCONF = "from part import version\n"
NAMES = [Path(importlib.util.cache_from_source(f"{name}.py")).name for name in ("hubconf", "part")]
EVIL = [*(f"__pycache__/{name}" for name in NAMES), "part.pyc", "hubconf.pyc"]


@pytest.fixture(autouse=True)
def canary(hub_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that bytecode would make."""
    assert not hub_dir.exists()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("HUBKIT_TRUST", "acme/*")
    return tmp_path / "canary"


def publish(git_host: GitHost, tmp_path: Path, files: dict[str, str | bytes]) -> None:
    """``acme/net`` on the host; the archive of its commit holds more files."""
    plain = {"hubconf.py": HUBCONF, "part.py": "def version(): return 'source'\n"}
    sha = commit_files(tmp_path / "work", {**plain})
    git_host.add_repo("acme", "net", tmp_path / "work")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.comment = sha.encode()
        for name, text in {**plain, **files}.items():
            archive.writestr(f"net/{name}", text)
    git_host.add_archive(sha, content.getvalue())


def test_bytecode_of_an_archive_does_not_run(
    git_host: GitHost, tmp_path: Path, hub_dir: Path, canary: Path
) -> None:
    publish(git_host, tmp_path, {name: make_bytecode("part.py", canary) for name in EVIL})
    assert hubkit.load("acme/net", "version") == "source"
    assert not canary.exists()
    left = [path for path in hub_dir.rglob("*.pyc") if "bytecode" not in path.parts]
    assert left == []


@pytest.mark.parametrize("name", ["made", "torch_made"])
def test_bytecode_without_source_does_not_run(
    git_host: GitHost, tmp_path: Path, hub_dir: Path, canary: Path, name: str
) -> None:
    """Dropped from archives, and refused where an older torch.hub unpacked it."""
    files = {"hubconf.py": "def version():\n    import made\n"}
    if name == "made":
        publish(git_host, tmp_path, {**files, "made.pyc": make_bytecode("made.py", canary)})
    else:
        folder = hub_dir / "acme_net_main"
        folder.mkdir(parents=True)
        (folder / "hubconf.py").write_text(files["hubconf.py"])
        (folder / "made.pyc").write_bytes(make_bytecode("made.py", canary))
    with pytest.raises(ImportError, match="made"):
        hubkit.load("acme/net:main", "version")
    assert not canary.exists()


def test_bytecode_in_a_folder_of_torch_hub_does_not_run(hub_dir: Path, canary: Path) -> None:
    folder = hub_dir / "acme_net_main"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "part.py").write_text("def version(): return 'source'\n")
    for name in NAMES:
        (folder / "__pycache__" / name).write_bytes(make_bytecode(name, canary))
    assert hubkit.load("acme/net:main", "version") == "source"
    name = hubkit.import_module("acme/net:main", "part").__name__
    (folder / "hubconf.py").write_text(f"{HUBCONF}globals()['made'[:]] = version\n")
    assert hubkit.list("acme/net:main") == ["made"]
    program = [sys.executable, "-c", f"import {name}"]
    assert subprocess.run(program, env=os.environ, check=False).returncode == 0
    assert hubkit.help("acme/net:main", "made") is None
    assert not canary.exists()


def test_compiled_files_are_kept_beside_the_tree(
    git_host: GitHost, tmp_path: Path, hub_dir: Path
) -> None:
    publish(git_host, tmp_path, {})
    assert hubkit.load("acme/net", "version") == "source"
    tree = next((hub_dir / ".hubkit" / "repos").rglob("hubconf.py")).parent
    assert not list(tree.rglob("__pycache__"))
    assert sorted(path.name for path in bytecode_folder(tree).iterdir()) == sorted(NAMES)
    assert CliRunner().invoke(main, ["cache", "verify"]).exit_code == 0


def test_compiled_files_go_with_their_tree(git_host: GitHost, tmp_path: Path) -> None:
    publish(git_host, tmp_path, {})
    tree = fetch_repo(parse_repo("acme/net"), FetchPolicy()).path
    kept = bytecode_folder(tree)
    kept.mkdir(parents=True)
    (tree / "part.py").write_text("")
    fetch_repo(parse_repo("acme/net"), FetchPolicy(refresh=True))
    assert not kept.exists()
    kept.mkdir(parents=True)
    remove_tree(read_inventory().trees[0])
    assert not kept.exists()


@pytest.mark.parametrize("left", [0, 7, 16, -3])
def test_a_truncated_compiled_file_is_compiled_again(
    git_host: GitHost, tmp_path: Path, left: int
) -> None:
    """As a full disk or a killed process leaves it."""
    publish(git_host, tmp_path, {})
    program = [sys.executable, "-c", "import hubkit; print(hubkit.load('acme/net', 'version'))"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def load() -> str:
        return subprocess.run(
            program, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert load() == "source\n"
    tree = fetch_repo(parse_repo("acme/net"), FetchPolicy()).path
    compiled = [bytecode_folder(tree) / name for name in NAMES]
    whole = [path.read_bytes() for path in compiled]
    for path, data in zip(compiled, whole, strict=True):
        path.write_bytes(data[:left])
    assert load() == "source\n"
    assert [path.read_bytes() for path in compiled] == whole
