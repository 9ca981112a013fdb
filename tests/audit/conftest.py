"""A hub that the tests share."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from tests.audit.hub import BAD, GOOD, Hub

if TYPE_CHECKING:
    from pathlib import Path

    from tests.git_host import GitHost

# To import them takes seconds, also where no test of this folder is run.
for _name in ("distributed", "duckdb"):
    if importlib.util.find_spec(_name) is None:
        pytest.skip(f"{_name} is not installed", allow_module_level=True)


@pytest.fixture
def hub(git_host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub with the repos acme/good and acme/bad."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    hub = Hub(git_host, tmp_path)
    hub.publish("good", {"hubconf.py": GOOD, "LICENSE": "MIT License\n"})
    hub.publish("bad", {"hubconf.py": BAD})
    return hub
