"""pytest plugin: ``pytest --hubconf`` runs the conformance suite on the repo's hubconf.

pytest loads this module in every run of everybody who has hubkit installed, so it imports next to
nothing. The rest is imported with ``--hubconf``, or when a test uses one of the fixtures.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import pytest

from pytest_hubkit.fixtures import (
    hub_dir,
    hub_entrypoint,
    hub_model,
    hubconf,
    parametrize_entrypoints,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_hubkit.inputs import HookedEntrypoint

__all__ = ["hub_dir", "hub_entrypoint", "hub_model", "hubconf"]

_MARKERS = (
    "hubkit_l1: checks of the hub protocol, added by --hubconf",
    "hubkit_l2: checks of the model's behavior, added by --hubconf",
    "hubkit_l3: checks of reproducibility and portability, added by --hubconf",
)


class HookSpecs:
    """Hooks that a repo's ``conftest.py`` may implement."""

    @pytest.hookspec(firstresult=True)
    def pytest_hubkit_inputs(
        self,
        entrypoint: HookedEntrypoint,
        model: Any,  # noqa: ANN401
        dims: Mapping[str, int | str],
    ) -> Any:  # noqa: ANN401
        """Return example input for an entrypoint whose input the configuration cannot describe.

        Args:
            entrypoint: The entrypoint, and how it was called.
            model: What it returned.
            dims: The sizes that are declared for it.

        Returns:
            ``{"args": (...), "kwargs": {...}}``, a tuple of arguments, one tensor, or None to
            leave it to others.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--hubconf`` and its options."""
    group = parser.getgroup("hubconf", "conformance suite for PyTorch Hub repos")
    group.addoption(
        "--hubconf",
        action="store_true",
        help="Run the conformance suite on the hubconf.py in rootdir, in addition to the other tests.",
    )
    add_options(group)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hook for example input."""
    pluginmanager.add_hookspecs(HookSpecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the suite if ``--hubconf`` is given."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if not config.getoption("hubconf"):
        return
    if not config.pluginmanager.hasplugin("xdist"):
        config.addinivalue_line("markers", "xdist_group(name): used by pytest-xdist, if installed")
    from pytest_hubkit.collection import register

    register(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that use ``hub_entrypoint`` or ``hub_model`` once per entrypoint."""
    if "hub_entrypoint" in metafunc.fixturenames:
        parametrize_entrypoints(metafunc)


DEVICES = ("cpu", "cuda", "mps", "meta")
_LEVELS = ("1", "2", "3")


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options of the suite to pytest's command line."""
    _add_selection(group)
    group.addoption(
        "--hubconf-network",
        choices=("deny", "allow"),
        default="deny",
        help="Network access and source of weights. deny (default): no network, not even loopback; "
        "weights come from the repo, dist/, --hubconf-weights or the hub dir; allow: download them.",
    )
    group.addoption(
        "--hubconf-loopback",
        action="store_true",
        help="Allow connections to this machine, for example to servers that the tests start.",
    )
    group.addoption(
        "--hubconf-weights",
        metavar="DIR",
        help="Take weights from this folder too; with --hubconf-network=allow, download them to it.",
    )
    group.addoption(
        "--hubconf-device",
        choices=DEVICES,
        default="cpu",
        help="Device to run the models on (default: cpu). Child processes always use the CPU.",
    )
    group.addoption(
        "--hubconf-update",
        action="store_true",
        help="Write golden outputs to tests/hubkit/golden.",
    )
    group.addoption(
        "--hubconf-keep",
        metavar="N",
        type=_read_count,
        default=1,
        help="Keep the models of at most N entrypoints in memory (default: 1). A larger N avoids "
        "rebuilding them if tests run in random order.",
    )
    group.addoption(
        "--hubconf-progress",
        action="store_true",
        help="Print what runs and what is left after three seconds of silence, without a terminal too.",
    )
    group.addoption(
        "--hubconf-report",
        metavar="[FORMAT=]FILE",
        action="append",
        default=[],
        help="Write a report at the end: html, json, markdown, badge (an SVG image) or endpoint (for "
        "shields.io). The default depends on the ending of the file's name. May be repeated.",
    )


def _add_selection(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--hubconf-level",
        metavar="N",
        type=read_level,
        default=3,
        help="Run levels 1 to N: 1 protocol, 2 behavior, 3 reproducibility and portability (default).",
    )
    group.addoption(
        "--hubconf-select",
        metavar="CODES",
        type=read_words,
        default=(),
        help="Run only these checks: codes, prefixes or names, for example C1,C204,golden-output.",
    )
    group.addoption(
        "--hubconf-ignore",
        metavar="CODES",
        type=read_words,
        default=(),
        help="Skip these checks.",
    )
    group.addoption(
        "--hubconf-slow",
        action="store_true",
        help="Run slow checks too. They take seconds per model: export, compile, TorchScript, ONNX.",
    )
    group.addoption(
        "--hubconf-all",
        action="store_true",
        help="Run all levels on all entrypoints, ignoring the setting `representative`, and all checks on all models of a design.",
    )
    group.addoption(
        "--hubconf-shard",
        metavar="I/N",
        type=read_shard,
        default=(1, 1),
        help="Check part I of N of the entrypoints, for example 2/3.",
    )


def _read_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def read_words(text: str) -> tuple[str, ...]:
    """Split codes and names at commas; codes become uppercase."""
    words = (word.strip() for word in text.split(","))
    return tuple(word.upper() if word[1:].isdigit() or len(word) == 1 else word
                 for word in words if word)  # fmt: skip


def read_level(text: str) -> int:
    """Read a level: "2" or "L2".

    Raises:
        argparse.ArgumentTypeError: It is not a level.
    """
    digit = text.upper().removeprefix("L")
    if digit not in _LEVELS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a level: use 1, 2 or 3")
    return int(digit)


def read_shard(text: str) -> tuple[int, int]:
    """Read a shard: "2/3".

    Raises:
        argparse.ArgumentTypeError: It is not a shard.
    """
    part, slash, parts = text.partition("/")
    if not (slash and part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shard: use 1/3, 2/3 or 3/3")
    return int(part), int(parts)
