"""Modules that pickles name, found in the loaded repos.

A checkpoint of a whole model names the modules of the repo that it was trained in, such as
``models.yolo``. Unlike other imports of the program, such a name means a module of the only loaded
repo that has one.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from opcode import opname
from typing import TYPE_CHECKING

from hubkit.errors import AmbiguousModuleError
from hubkit.runtime.import_hook import loaded_namespaces
from hubkit.runtime.namespace import owns
from hubkit.runtime.sys_modules import FIND_CLASS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from hubkit.runtime.namespace import Namespace

_CALLS = {number for number, name in enumerate(opname) if name.startswith(("CALL", "PRECALL"))}


def reads_pickle(frame: FrameType) -> bool:
    """Whether a frame, whose code may read pickles, imports a module for one.

    Unpicklers in Python have a method ``find_class``. The one in C has no frame; then the frame is
    that of its caller, which is about to return from ``load`` or ``loads``.
    """
    code = frame.f_code
    return code.co_name == FIND_CLASS or code.co_code[frame.f_lasti] in _CALLS


def find_owner(name: str) -> Namespace | None:
    """The loaded repo that has a module; None if none has.

    Raises:
        AmbiguousModuleError: Several have.
    """
    # Of one folder, what was imported last has its present files.
    owners = {one.root: one for one in loaded_namespaces() if _has_module(one, name)}
    if len(owners) > 1:
        labels = sorted(owner.label for owner in owners.values())
        raise AmbiguousModuleError(
            f"The pickle names the module {name}, which several loaded repos have: "
            f"{', '.join(labels)}.",
            name=name,
            hint=f'Choose one: with hubkit.modules_of("{labels[0]}"): ...',
        )
    return next(iter(owners.values()), None)


def _has_module(namespace: Namespace, name: str) -> bool:
    """Whether a repo has a module, imported or not; runs nothing."""
    if namespace.prefix + name in sys.modules:
        return True
    if not owns(namespace, name):
        return False
    folders: Sequence[str] | None = namespace.state.search_path
    parts = name.split(".")
    for depth in range(len(parts)):
        spec = folders and PathFinder.find_spec(".".join(parts[: depth + 1]), folders)
        if not spec:
            return False
        folders = spec.submodule_search_locations
    return True
