"""How the suite runs, as the command line says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from hubkit.runtime.sandbox import Policy
from pytest_hubkit.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

Network = Literal["deny", "cache", "allow"]


class Options(Struct, frozen=True):
    """How the suite runs.

    Attributes:
        network: "deny" keeps everything offline; "cache" serves weights that are there already;
            "allow" downloads them.
        loopback: Whether this machine may be reached whatever ``network`` says.
        weights: Folder of checkpoints to serve from, or None for the user's hub dir.
        device: Where models run.
        update: Whether golden outputs are written instead of compared.
        keep: How many cases may have their models in memory at a time.
        selection: Which checks run on which entrypoints.
    """

    network: Network = "deny"
    loopback: bool = False
    weights: Path | None = None
    device: str = "cpu"
    update: bool = False
    keep: int = 1
    selection: Selection = field(default_factory=Selection)

    @property
    def policy(self) -> Policy:
        """What the repo's code may reach."""
        return Policy(everything=self.network == "allow", loopback=self.loopback)


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
        update=config.getoption("hubconf_update"),
        keep=config.getoption("hubconf_keep"),
        selection=Selection(
            level=config.getoption("hubconf_level"),
            select=config.getoption("hubconf_select"),
            ignore=config.getoption("hubconf_ignore"),
            slow=config.getoption("hubconf_slow"),
            shard=config.getoption("hubconf_shard"),
            everything=config.getoption("hubconf_all"),
        ),
    )
