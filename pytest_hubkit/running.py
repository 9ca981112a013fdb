"""What surrounds the repo's code while an entrypoint runs in pytest's process."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any

from pytest_hubkit.network import ACTIVE, denied_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hubkit.runtime import HubFunctions
    from pytest_hubkit.network import Guard


@contextlib.contextmanager
def isolated_hub_dir(torch_home: Path) -> Iterator[None]:
    """Let torch find an empty hub dir, so that what the author has cached makes no difference.

    Args:
        torch_home: The folder that ``TORCH_HOME`` names meanwhile.
    """
    before = os.environ.get("TORCH_HOME")
    chosen = _swap_chosen_dir(None)
    os.environ["TORCH_HOME"] = str(torch_home)
    try:
        yield
    finally:
        _swap_chosen_dir(chosen)
        if before is None:
            os.environ.pop("TORCH_HOME", None)
        else:
            os.environ["TORCH_HOME"] = before


def _swap_chosen_dir(chosen: object) -> object:
    """Replace what ``torch.hub.set_dir`` was last given."""
    hub = sys.modules.get("torch.hub")
    before, attribute = getattr(hub, "_hub_dir", None), "_hub_dir"
    if hub is not None:
        setattr(hub, attribute, chosen)
    return before


@contextlib.contextmanager
def offline(root: Path, who: str, torch_home: Path) -> Iterator[Guard]:
    """Run an entrypoint as on a machine that has no network and nothing cached.

    Args:
        root: The repo's folder.
        who: What runs, for messages.
        torch_home: An empty folder, or one that other calls have used.
    """
    with isolated_hub_dir(torch_home), denied_network(root, who) as guard:
        yield guard


def hub_functions_that_deny() -> HubFunctions:
    """torch.hub's functions, except that loading another repo counts as using the network.

    torch.hub asks a human whether to trust it before it connects, which no test can answer.
    """
    from hubkit.runtime import HubFunctions

    return HubFunctions(
        load=_denying("load"),
        list=_denying("list"),
        help=_denying("help"),
        load_state_dict_from_url=_original("load_state_dict_from_url"),
        download_url_to_file=_original("download_url_to_file"),
        get_dir=_original("get_dir"),
        set_dir=_original("set_dir"),
    )


def _original(name: str) -> Callable[..., Any]:
    def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401
        import torch

        return inspect.unwrap(getattr(torch.hub, name))(*args, **kwargs)

    return call


def _denying(name: str) -> Callable[..., Any]:
    original = _original(name)

    def call(repo: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        guard = ACTIVE.get()
        if guard is None or kwargs.get("source") == "local":
            return original(repo, *args, **kwargs)
        raise guard.deny(f"the hub repo {repo}")

    return call
