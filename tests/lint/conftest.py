"""A repo in git whose report is kept, and the folder that it is kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.git_host import commit_files

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "hubconf.py": 'dependencies = ["torch"]\n\nfrom net.parts import build as _build\n\n\n'
    'def net(pretrained=False):\n    """A net."""\n    return _build()\n',
    "net/__init__.py": "",
    "net/parts.py": "import timm\nimport torch\n\n\ndef build():\n    return torch.nn.Linear(1, 1)\n",
    "README.md": "# Nets\n",
    "data/far.txt": "out of reach\n",
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that records go into, in force and not there yet."""
    monkeypatch.delenv("HUBKIT_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hubkit" / "check"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo with findings in two files."""
    commit_files(tmp_path / "repo", FILES)
    return tmp_path / "repo"
