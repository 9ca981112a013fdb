"""Fixtures that more than one part's tests need."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import running_browser
from tests.git_host import GitHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser import Browser

# Our models are tiny and our processes many: torch's threads would wait for one another's turn,
# and a training of seconds takes minutes on a busy machine. Children inherit it.
os.environ["OMP_NUM_THREADS"] = "1"
# Each process would compile hubkit again, which takes longer than what most of them do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Nor is what a test finds to be what an earlier one found; those of the cache have one of their own.
os.environ["HUBKIT_NO_CACHE"] = "1"
# How much of it is shown depends on the machine; those of progress unset it.
os.environ["HUBKIT_NO_PROGRESS"] = "1"

# A busy machine makes no example wrong. A fixture that is shared by the examples is meant to be.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")

# What a developer, a hook of git or a CI host may have set; tests set what they need. pytest itself
# prints more where it finds CI or BUILD_NUMBER.
_FOREIGN = re.compile(
    r"GIT_(?!EXEC_PATH$)|GITHUB_|GH_TOKEN$|HUBKIT_(?!DEFECTS$|NO_CACHE$|NO_PROGRESS$)|NETRC$|TORCH_HOME$|TORCH_HUB$"
    r"|XDG_CACHE_HOME$|CI$|BUILD_NUMBER$|TF_BUILD$|GITLAB_CI$|(NO|FORCE)_COLOR$|PY_COLORS$|COLUMNS$|LINES$"
    r"|PYTEST_ADDOPTS$"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the slow tests: at the end, one worker would wait for another."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def _no_foreign_settings() -> Iterator[None]:
    """Neither tests nor the fixtures of modules see settings of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(_FOREIGN.match, list(os.environ)):
            patch.delenv(name)
        yield


@pytest.fixture
def progress_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is shown as to users."""
    monkeypatch.delenv("HUBKIT_NO_PROGRESS")


@pytest.fixture
def hub_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty hub dir of the test's own, in force by TORCH_HOME."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("hubkit.hubdir.layout._hub_dir", None)
    if "torch.hub" in sys.modules:
        monkeypatch.setattr(sys.modules["torch.hub"], "_hub_dir", None)
    yield tmp_path / "torch" / "hub"
    if "torch.hub" in sys.modules:  # perhaps imported by the test, with the test's own setting
        vars(sys.modules["torch.hub"])["_hub_dir"] = None


@pytest.fixture
def git_host(hub_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHost]:
    """A git host on loopback that takes GitHub's place, beside an empty hub dir."""
    assert not hub_dir.exists()
    with GitHost() as host:
        monkeypatch.setenv("HUBKIT_GITHUB_URL", host.url)
        yield host


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium that all tests share."""
    with running_browser(tmp_path_factory.mktemp("pages")) as found:
        yield found
