"""``torch.hub`` with hubkit's behaviour, for code that is not to be edited."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from hubkit import hubdir
from hubkit.loader.api import help, list, load
from hubkit.loader.weights import download_nested_file, load_nested_state_dict
from hubkit.lockfile import find_lockfile
from hubkit.runtime import HubFunctions, install_finder, redirect, redirect_all, patch_torch

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def as_torch_hub() -> Iterator[None]:
    """Let calls of ``torch.hub`` go through hubkit: its cache, locks, trust and offline mode.

    ::

        with hubkit.as_torch_hub():
            model = some_library.make_model(pretrained=True)

    That holds for ``load``, ``list``, ``help``, ``load_state_dict_from_url``,
    ``download_url_to_file``, ``get_dir`` and ``set_dir``, also where a module has bound them before
    under names of its own, as ``torch.utils.model_zoo.load_url`` is one. Out of reach is what was
    put elsewhere than into a module before hubkit was first used: in a ``functools.partial``,
    say. It holds for the thread, or asyncio task, that entered, and for no other. It may be nested
    and used as a decorator. ``set_dir`` sets hubkit's hub dir, which stays set.

    Checkpoints are read with ``torch.hub``'s defaults, which the code was written for; with
    ``$HUBKIT_LOCKFILE`` they are held against that.
    """
    with redirect(_prepare()):
        yield


def install_as_torch_hub() -> None:
    """The same as `as_torch_hub` for the whole program and all its threads, from now on."""
    redirect_all(_prepare())


def uninstall_as_torch_hub() -> None:
    """Take `install_as_torch_hub` back; nothing happens when it was not called."""
    redirect_all(None)


def _prepare() -> HubFunctions:
    """What ``torch.hub`` is to mean, once it can be made to; torch itself is not imported."""
    install_finder()
    patch_torch()
    lockfile = find_lockfile(None)
    return HubFunctions(
        load=load,
        list=list,
        help=help,
        load_state_dict_from_url=functools.partial(load_nested_state_dict, lockfile=lockfile),
        download_url_to_file=functools.partial(download_nested_file, lockfile=lockfile),
        get_dir=hubdir.get_dir,
        set_dir=hubdir.set_dir,
    )
