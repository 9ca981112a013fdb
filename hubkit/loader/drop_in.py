"""Redirect ``torch.hub`` to hubkit, for code that cannot be edited."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from hubkit import hubdir
from hubkit.loader.api import hub_functions
from hubkit.lockfile import find_lockfile
from hubkit.runtime import (
    after_hub_import,
    install_finder,
    patch_torch,
    redirect,
    redirect_all,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from hubkit.runtime import HubFunctions


def set_dir(d: str | os.PathLike[str]) -> None:
    """Use another hub dir in this process, also in ``torch.hub``, imported before or after.

    Args:
        d: The folder; created when something is first written to it.

    Raises:
        UsageError: It starts with ``~``, and the user has no home folder.
    """
    hubdir.set_dir(d)
    if "torch.hub" not in sys.modules:
        install_finder()
        after_hub_import(hubdir.get_dir)


@contextlib.contextmanager
def as_torch_hub() -> Iterator[None]:
    """Redirect calls of ``torch.hub`` to hubkit, with its cache, locks, trust and offline mode.

    ::

        with hubkit.as_torch_hub():
            model = some_library.make_model(pretrained=True)

    This redirects ``load``, ``list``, ``help``, ``load_state_dict_from_url``,
    ``download_url_to_file``, ``get_dir`` and ``set_dir``, also under other names that modules have
    bound them to before, such as ``torch.utils.model_zoo.load_url``. A reference outside modules
    that was made before hubkit was first used, in a ``functools.partial`` for example, is not
    redirected. Only the current thread, or asyncio task, is affected. The context manager can be
    nested and used as a decorator. ``set_dir`` sets the hub dir of both, which stays set.

    Checkpoints are read with ``torch.hub``'s defaults, as the code expects. If
    ``$HUBKIT_LOCKFILE`` is set, they must match the lock file.
    """
    with redirect(_prepare()):
        yield


def install_as_torch_hub() -> None:
    """Redirect ``torch.hub`` like `as_torch_hub`, in the whole program and all its threads."""
    redirect_all(_prepare())


def uninstall_as_torch_hub() -> None:
    """Undo `install_as_torch_hub`. Does nothing if it was not called."""
    redirect_all(None)


def _prepare() -> HubFunctions:
    """Make the redirection possible, and return its target. Does not import torch."""
    install_finder()
    patch_torch()
    return hub_functions(None, find_lockfile(None))
