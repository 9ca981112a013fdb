"""Small hub repos, exercised by real runs of pytest."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pytest_hubkit.checks import all_checks
from tests import warm
from tests.warm import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Test"), ("EMAIL", "test@example.org"))
    },
}
_OUTCOME = re.compile(
    r"^hubconf\.py::(\S+) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)", re.MULTILINE
)


class _LibraryKeeper:
    """Keeps hubkit and the installed libraries that a run in this process imports.

    Parts of torch, its compiler among them, register operators and cannot be imported twice, and
    hold on to the sympy that they found. Of hubkit there must be one copy, which other tests
    import. Pytester forgets what is new after each run, and once more when its test ends.
    """

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}

    def pytest_unconfigure(self) -> None:
        root = Path(__file__).parents[2]
        kept = sysconfig.get_path("purelib"), str(root / "hubkit"), str(root / "pytest_hubkit")
        packages = {
            name
            for name, module in sys.modules.items()
            if "." not in name and (getattr(module, "__file__", None) or "").startswith(kept)
        }
        # With the modules that have no file, such as those within torch._C.
        self._modules |= {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] in packages
        }

    def put_back(self) -> None:
        for name, module in self._modules.items():
            sys.modules.setdefault(name, module)


@dataclass(frozen=True, slots=True)
class HubRepo:
    """A hub repo in the folder in which pytest runs.

    Attributes:
        pytester: Runs pytest there.
        keeper: Keeps what runs in this process import.
    """

    pytester: pytest.Pytester
    keeper: _LibraryKeeper

    @property
    def root(self) -> Path:
        return self.pytester.path

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), "utf-8")

    def commit(self) -> None:
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Release")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, check=True, env={**os.environ, **GIT})

    def run(
        self, *arguments: str, warm: bool = True, warm_children: bool = True
    ) -> pytest.RunResult:
        """Run pytest in a process of its own, in which torch is imported already.

        Args:
            arguments: Those of pytest.
            warm: Whether torch is imported already.
            warm_children: Whether torch is imported already in its children, too.
        """
        command = ("-m", "pytest", f"--basetemp={self.root / 'runpytest'}", *arguments)
        if warm:
            done = run_python(*command, cwd=self.root, warm_children=warm_children)
        else:
            done = subprocess.run(
                [sys.executable, *command],
                check=False,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
            )
        # As pytester does, so that a test that fails shows it.
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        lines = done.stdout.splitlines(), done.stderr.splitlines()
        return pytest.RunResult(done.returncode, *lines, 0)

    def run_here(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in this process, for hubconfs that import nothing large."""
        result = self.pytester.runpytest_inprocess(*arguments, plugins=[self.keeper])
        self.keeper.put_back()
        # What it has frozen at its end is garbage here.
        gc.unfreeze()
        return result

    def collect(self, *arguments: str) -> list[str]:
        """Ids of what would run."""
        result = self.run_here("--collect-only", "-q", *arguments)
        return [line for line in result.outlines if "::" in line and " " not in line]


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """What became of each item of the hubconf, in a run with ``-v``: "unet::C104" -> "PASSED"."""
    return {re.sub(r"-.*", "", name): said for name, said in _OUTCOME.findall(result.stdout.str())}


# Runs in this process forget what they import, but not which codes are taken.
all_checks()


@pytest.fixture(scope="session")
def torch_stays() -> None:
    """The same for torch, which does not survive being imported twice, and what wraps it."""
    import torch  # noqa: F401

    import pytest_hubkit.collection  # noqa: F401


@pytest.fixture(autouse=True)
def _warm_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What hubkit starts in children when pytest runs here has torch imported already."""
    if request.node.get_closest_marker("torch"):
        warm.warm_children(monkeypatch)


@pytest.fixture
def library_keeper() -> Iterator[_LibraryKeeper]:
    """Puts back what pytester forgets; asked for before pytester, it does so after it."""
    keeper = _LibraryKeeper()
    yield keeper
    keeper.put_back()


@pytest.fixture
def repo(
    library_keeper: _LibraryKeeper, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> HubRepo:
    """An empty folder in which to write a hub repo and to run pytest."""
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    # It takes a second to import, in each run.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    return HubRepo(pytester, library_keeper)
