"""pytest plugin: ``pytest --hubconf`` exercises every entrypoint of the repo's hubconf.

pytest loads this module in every run of everybody who has hubkit installed, so it imports next to
nothing; the rest comes when ``--hubconf`` is given, or when a test asks for one of the fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_hubkit.arguments import add_options
from pytest_hubkit.fixtures import (
    hub_dir,
    hub_entrypoint,
    hub_model,
    hubconf,
    parametrize_entrypoints,
)

if TYPE_CHECKING:
    import pytest

__all__ = ["hub_dir", "hub_entrypoint", "hub_model", "hubconf"]

_MARKERS = (
    "hubkit_l1: checks of the hub protocol, added by --hubconf",
    "hubkit_l2: checks of the model's behaviour, added by --hubconf",
    "hubkit_l3: checks that it is reproducible and portable, added by --hubconf",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--hubconf`` and what belongs to it."""
    group = parser.getgroup("hubconf", "conformance of PyTorch Hub repos")
    group.addoption(
        "--hubconf",
        action="store_true",
        help="Exercise every entrypoint of hubconf.py at the rootdir, beside the other tests.",
    )
    add_options(group)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let a repo's conftest.py give example input."""
    from pytest_hubkit import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Switch the suite on when it is asked for."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if not config.getoption("hubconf"):
        return
    if not config.pluginmanager.hasplugin("xdist"):
        config.addinivalue_line("markers", "xdist_group(name): used by pytest-xdist, if installed")
    from pytest_hubkit.suite import register

    register(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that ask for ``hub_entrypoint`` or ``hub_model`` once per entrypoint."""
    if "hub_entrypoint" in metafunc.fixturenames:
        parametrize_entrypoints(metafunc)
