"""What surrounds the repo's code while an entrypoint runs in pytest's process."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit._util.urls import try_parse
from pytest_hubkit.network import ACTIVE, guarded_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.runtime import HubFunctions
    from pytest_hubkit.network import Guard, Policy


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
def guarded(root: Path, who: str, policy: Policy, torch_home: Path | None) -> Iterator[Guard]:
    """Run an entrypoint under a policy.

    Args:
        root: The repo's folder.
        who: What runs, for messages.
        policy: What it may reach.
        torch_home: The folder for what torch caches, empty or used by other calls; None for the
            user's own.
    """
    home = isolated_hub_dir(torch_home) if torch_home else contextlib.nullcontext()
    with home, guarded_network(root, who, policy=policy) as guard:
        yield guard


def guarded_hub_functions() -> HubFunctions:
    """torch.hub's functions, except that the guard learns what they are asked for.

    Loading another repo counts as using the network: torch.hub asks a human whether to trust it
    before it connects, which no test can answer.
    """
    from hubkit.runtime import HubFunctions

    return HubFunctions(
        load=_guarding("load"),
        list=_guarding("list"),
        help=_guarding("help"),
        load_state_dict_from_url=_noting_checkpoints(),
        download_url_to_file=_original("download_url_to_file"),
        get_dir=_original("get_dir"),
        set_dir=_original("set_dir"),
    )


def _original(name: str) -> Callable[..., Any]:
    def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401
        import torch

        return inspect.unwrap(getattr(torch.hub, name))(*args, **kwargs)

    return call


def _guarding(name: str) -> Callable[..., Any]:
    original = _original(name)

    def call(repo: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        guard = ACTIVE.get()
        if guard is not None and kwargs.get("source") != "local":
            guard.meet(f"the hub repo {repo}")
        return original(repo, *args, **kwargs)

    return call


def _noting_checkpoints() -> Callable[..., Any]:
    original = _original("load_state_dict_from_url")

    def call(url: str, model_dir: str | None = None, *args: object, **kwargs: Any) -> Any:  # noqa: ANN401
        import torch

        guard = ACTIVE.get()
        if guard is not None:
            folder = model_dir or os.path.join(torch.hub.get_dir(), "checkpoints")  # noqa: PTH118
            parts = try_parse(url)
            name = kwargs.get("file_name") or (parts.file_name if parts else "")
            if name:
                guard.checkpoints[url] = str(Path(folder) / name)
        return original(url, model_dir, *args, **kwargs)

    return call
