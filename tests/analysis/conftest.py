from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, require_hubconf
from hubkit.facts import Hubconf

if TYPE_CHECKING:
    from pathlib import Path

ReadHubconf = Callable[..., Hubconf]


@pytest.fixture
def read(tmp_path: Path) -> ReadHubconf:
    """Write a repo from keyword texts (``hubconf`` and dotted paths) and read its hubconf."""

    def _read(hubconf: str, files: dict[str, str] | None = None) -> Hubconf:
        for name, text in {"hubconf.py": hubconf, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return require_hubconf(read_repo(tmp_path))

    return _read
