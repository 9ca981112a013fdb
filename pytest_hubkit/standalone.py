"""Run the suite without the repo's pytest configuration, for ``hubkit conform``."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import pytest_hubkit.plugin
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

_INI = Path(__file__).with_name("standalone.ini")
_HOOK = "pytest_hubkit_inputs"
_SETTINGS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
_OUTPUT = {
    -1: ("-q", "-o", "console_output_style=classic"),
    0: ("-q", "--hubconf-progress"),
    1: ("-v", "--hubconf-progress"),
}
_PLAIN = ("--no-header", "--disable-warnings", "--tb=short", "-r", "f")


def run(root: Path, entrypoints: Sequence[str], options: Sequence[str], *, verbosity: int) -> int:
    """Run the suite on a repo.

    The repo's pytest configuration, ``PYTEST_ADDOPTS`` and installed plugins are ignored. Of its
    conftest.py, only the hook for example input is used.

    Args:
        root: The folder that holds ``hubconf.py``.
        entrypoints: Names of entrypoints, or of cases as in "unet[grey]"; empty for the whole repo.
        options: Options of ``pytest --hubconf``.
        verbosity: From 1 on, print a line per check; below 0, only failures and the table.

    Returns:
        pytest's exit code.

    Raises:
        UsageError: A conftest.py that has the hook cannot be imported.
    """
    hubconf = str(root / "hubconf.py")
    nodes = [f"{hubconf}::{name}" for name in entrypoints] or [hubconf]
    arguments = [
        *("-c", str(_INI), f"--rootdir={root}", "-p", "no:cacheprovider", "--noconftest"),
        # It attaches handlers to each of torch's many loggers, three times per item.
        *("-p", "no:logging"),
        *(*_OUTPUT[min(verbosity, 1)], *_PLAIN, "--hubconf", *options, *nodes),
    ]
    plugins = [pytest_hubkit.plugin, *_hooks(root), *([_NoLetters()] if verbosity < 0 else [])]
    with _without_settings():
        return int(pytest.main(arguments, plugins=plugins))


class _NoLetters:
    """Print nothing when a test ends; it still is counted."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Drop the letter of each status."""
        category, _, word = yield
        return category, "", word


@contextlib.contextmanager
def _without_settings() -> Iterator[None]:
    """Hide pytest's environment variables from it, and from the processes that it starts."""
    before = {name: os.environ.pop(name, None) for name in _SETTINGS}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _hooks(root: Path) -> Iterator[ModuleType]:
    """Plugins with nothing but the hook, from each conftest.py that defines it."""
    for path in (root / "conftest.py", root / "tests" / "conftest.py"):
        if not path.is_file() or _HOOK not in path.read_text("utf-8", errors="replace"):
            continue
        plugin = ModuleType(f"hubkit_inputs_of_{path.parent.name}")
        setattr(plugin, _HOOK, getattr(_import(path), _HOOK))
        yield plugin


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"conftest_in_{path.parent.name}", path)
    assert spec is not None  # noqa: S101 - it ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    # As pytest does, so that it can import modules next to it.
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(
            f"{path} cannot be imported: {type(error).__name__}: {error}",
            hint=f"It defines {_HOOK}, the hook for example input.",
        ) from error
    finally:
        sys.path.remove(str(path.parent))
    return module
