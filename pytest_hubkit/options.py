"""What the command line says about how the suite runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_hubkit.network import Policy

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

Network = Literal["deny", "cache", "allow"]
DEVICES = ("cpu", "cuda", "mps", "meta")


@dataclass(frozen=True, slots=True)
class Options:
    """How the suite runs.

    Attributes:
        network: "deny" keeps everything offline; "cache" serves weights that are there already;
            "allow" downloads them.
        loopback: Whether this machine may be reached whatever ``network`` says.
        weights: Folder of checkpoints to serve from, or None for the user's hub dir.
        device: Where models run.
        slow: Whether checks run that are off by default for what they cost.
        update: Whether golden outputs are written instead of compared.
    """

    network: Network = "deny"
    loopback: bool = False
    weights: Path | None = None
    device: str = "cpu"
    slow: bool = False
    update: bool = False

    @property
    def policy(self) -> Policy:
        """What the repo's code may reach."""
        return Policy(everything=self.network == "allow", loopback=self.loopback)


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options to pytest's command line.

    Args:
        group: Where they are shown.
    """
    group.addoption(
        "--hubconf-network",
        choices=("deny", "cache", "allow"),
        default="deny",
        help="deny (default): no network, loopback included, and nothing cached. cache: no network, "
        "and pretrained weights come from --hubconf-weights or the hub dir. allow: they are "
        "downloaded.",
    )
    group.addoption(
        "--hubconf-loopback",
        action="store_true",
        help="Let entrypoints connect to this machine, for servers that the tests start.",
    )
    group.addoption(
        "--hubconf-weights",
        metavar="DIR",
        help="The folder of checkpoints to use instead of those in the hub dir.",
    )
    group.addoption(
        "--hubconf-device",
        choices=DEVICES,
        default="cpu",
        help="Where models run (default: cpu). What is measured in child processes runs on cpu.",
    )
    group.addoption(
        "--hubconf-slow",
        action="store_true",
        help="Run also what takes seconds a model: export, compile, TorchScript, ONNX.",
    )
    group.addoption(
        "--hubconf-update",
        action="store_true",
        help="Write tests/hubkit/golden.json from the outputs of this run.",
    )


def read_options(config: pytest.Config) -> Options:
    """What was given.

    Args:
        config: pytest's configuration.
    """
    folder = config.getoption("hubconf_weights")
    return Options(
        network=config.getoption("hubconf_network"),
        loopback=config.getoption("hubconf_loopback"),
        weights=(config.invocation_params.dir / folder).resolve() if folder else None,
        device=config.getoption("hubconf_device"),
        slow=config.getoption("hubconf_slow"),
        update=config.getoption("hubconf_update"),
    )
