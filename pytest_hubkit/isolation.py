"""Running the repo's code with a hub dir of its own, a guarded network and torch.hub reported."""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit._util.urls import try_parse
from hubkit.runtime.sandbox import current_guard, guarded_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.runtime import HubFunctions
    from hubkit.runtime.sandbox import Guard, Policy


# The command line of a program that loads the repo, which no repo knows.
PROGRAM = ("program.py", "--argument-of-the-program")


@contextlib.contextmanager
def isolated_command_line() -> Iterator[None]:
    """Hide the arguments of pytest: a repo that parses ``sys.argv`` gets those of a program."""
    before = sys.argv
    sys.argv = list(PROGRAM)
    try:
        yield
    finally:
        sys.argv = before


@contextlib.contextmanager
def isolated_hub_dir(torch_home: Path) -> Iterator[None]:
    """Give torch an empty hub dir, so that the user's cache makes no difference.

    Args:
        torch_home: The value of ``TORCH_HOME`` inside.
    """
    before = os.environ.get("TORCH_HOME")
    chosen = _swap_hub_dir(None)
    os.environ["TORCH_HOME"] = str(torch_home)
    try:
        yield
    finally:
        _swap_hub_dir(chosen)
        if before is None:
            os.environ.pop("TORCH_HOME", None)
        else:
            os.environ["TORCH_HOME"] = before


def _swap_hub_dir(folder: object) -> object:
    """Replace the folder that was set with ``torch.hub.set_dir``."""
    hub = sys.modules.get("torch.hub")
    before, attribute = getattr(hub, "_hub_dir", None), "_hub_dir"
    if hub is not None:
        setattr(hub, attribute, folder)
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
    with home, isolated_command_line(), guarded_network(root, who, policy=policy) as guard:
        yield guard


def guarded_hub_functions() -> HubFunctions:
    """torch.hub's functions, which report their calls to the guard.

    Loading another repo counts as network access: before it connects, torch.hub asks whether to
    trust the repo, which no test can answer.
    """
    from hubkit.runtime import HubFunctions

    return HubFunctions(
        load=StandIn("load", _report_repo),
        list=StandIn("list", _report_repo),
        help=StandIn("help", _report_repo),
        load_state_dict_from_url=StandIn("load_state_dict_from_url", _report_checkpoint),
        download_url_to_file=StandIn("download_url_to_file"),
        get_dir=StandIn("get_dir"),
        set_dir=StandIn("set_dir"),
        _get_cache_or_reload=StandIn("_get_cache_or_reload", _report_repo),
        _parse_repo_info=StandIn("_parse_repo_info", _report_repo),
    )


class StandIn:
    """Stands in for a function of torch.hub, with the signature that it has in this torch.

    Args:
        name: The function's name.
        prepare: Called first with the guard that is on and the arguments by name, defaults
            included.
    """

    def __init__(
        self, name: str, prepare: Callable[[Guard, dict[str, Any]], None] | None = None
    ) -> None:
        self.__name__ = name
        self._prepare = prepare

    @property
    def _original(self) -> Callable[..., Any]:
        # Not before it is called: a hubconf may do without torch.
        import torch

        original: Callable[..., Any] = inspect.unwrap(getattr(torch.hub, self.__name__))
        return original

    @property
    def __signature__(self) -> inspect.Signature:
        """What `inspect.signature` returns."""
        return inspect.signature(self._original)

    def __call__(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        """Call the function after `prepare`."""
        guard = current_guard()
        if guard is not None and self._prepare is not None:
            # A call that does not fit is torch's to refuse.
            with contextlib.suppress(TypeError):
                bound = self.__signature__.bind(*args, **kwargs)
                bound.apply_defaults()
                self._prepare(guard, bound.arguments)
        return self._original(*args, **kwargs)


def _report_repo(guard: Guard, arguments: dict[str, Any]) -> None:
    repo = arguments.get("repo_or_dir") or arguments.get("github")
    if arguments.get("source") != "local":
        guard.meet(f"the hub repo {repo}", means="torch.hub")


def _report_checkpoint(guard: Guard, arguments: dict[str, Any]) -> None:
    import torch

    url = arguments["url"]
    folder = arguments.get("model_dir") or os.path.join(torch.hub.get_dir(), "checkpoints")  # noqa: PTH118
    parts = try_parse(url)
    name = arguments.get("file_name") or (parts.file_name if parts else "")
    if name:
        guard.checkpoints[url] = str(Path(folder) / name)
