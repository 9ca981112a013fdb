"""Compiled parts that a checkout lacks.

A checkout of an installed package comes before the installed one in its repo. Its compiled
modules and the operators that they register are not in git, so what it raises is about a name
such as ``pkg._C`` or ``torchvision::nms`` that its user has never heard of.
"""

from __future__ import annotations

import re
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from typing import TYPE_CHECKING

from hubkit._util.paths import read_inside
from hubkit.errors import NotBuiltError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path

    from hubkit.runtime.namespace import Namespace

_CANNOT_IMPORT = re.compile(r"cannot import name '(\w+)' from (?:partially \S+ module )?'([\w.]+)'")
_NO_OPERATOR = re.compile(r"operator (\w+::\w+) does not exist")


def explain_not_built(error: Exception, namespace: Namespace) -> NotBuiltError | None:
    """What to say of an error of a repo's code when a compiled part is what it misses, else None.

    Args:
        error: What the code raised, in its own words.
        namespace: The repo's.
    """
    part = _missing_module(error) if isinstance(error, ImportError) else _missing_operator(error)
    top = part.partition(".")[0].partition("::")[0]
    if not part or not namespace.owns(top):
        return None
    if "::" not in part and not _is_compiled(part, namespace.root):
        return None
    return NotBuiltError(
        f"The copy of {top} in {namespace.root} has no {part}, a compiled part that is not in git.",
        part=part,
        hint=f"Build it there (pip install -e {namespace.root}), or use the installed {top}"
        " without its repo.",
    )


def _missing_module(error: ImportError) -> str:
    """Dotted name of the module that an import did not find, or empty."""
    match = _CANNOT_IMPORT.match(str(error.msg))
    if match:
        return f"{match[2]}.{match[1]}"
    return error.name or "" if isinstance(error, ModuleNotFoundError) else ""


def _missing_operator(error: Exception) -> str:
    """Name of the torch operator that is not registered, such as "torchvision::nms", or empty."""
    if not isinstance(error, RuntimeError):
        return ""
    match = _NO_OPERATOR.search(str(error))
    return match[1] if match else ""


def _is_compiled(module: str, root: Path) -> bool:
    """Whether a module is one that is compiled: as installed, or as the repo's build says."""
    installed = _find_installed(module)
    if installed is not None:
        return str(installed.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return _is_named_in(root / "setup.py", module)


def _find_installed(module: str) -> ModuleSpec | None:
    """The spec of a module outside all hub repos; imports nothing."""
    folders: Sequence[str] | None = None
    spec = None
    parts = module.split(".")
    for depth in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: depth + 1]), folders)
        folders = None if spec is None else spec.submodule_search_locations
        if folders is None:
            break
    return spec if spec is not None and spec.name == module else None


def _is_named_in(setup: Path, module: str) -> bool:
    try:
        text = read_inside(setup.parent, setup.name).decode("utf-8", "replace")
    except OSError:
        return False
    return re.search(rf"""["']{re.escape(module)}["']""", text) is not None
