"""Are the modules that a hubconf declares installed?"""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from typing import TYPE_CHECKING

from hubkit.analysis import distribution_name, import_name
from hubkit.errors import MissingDependenciesError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TORCH = '"torch-hubkit[torch]"'


def require_dependencies(names: Iterable[str], root: Path) -> None:
    """Insist that all declared modules can be imported, without importing any.

    Names are read generously: ``torch>=2`` and ``scikit-learn``, with which torch.hub always
    fails, mean ``torch`` and ``sklearn``.

    Args:
        names: The entries of ``dependencies``.
        root: The repo's folder; modules that it holds itself are there.

    Raises:
        MissingDependenciesError: Some are not installed; names all of them.
        MissingExtraError: It is just torch that is not installed.
    """
    wanted = dict.fromkeys(_module_of(name) for name in names)
    missing = tuple(name for name in wanted if not _is_there(name, root))
    if missing == ("torch",):
        raise no_torch(f"{root / 'hubconf.py'} needs torch")
    if missing:
        packages = (TORCH if name == "torch" else distribution_name(name) for name in missing)
        raise MissingDependenciesError(
            f"{root / 'hubconf.py'} needs modules that are not installed: {', '.join(missing)}.",
            missing=missing,
            hint=f"Install them: pip install {shlex.join(dict.fromkeys(packages))}",
        )


def no_torch(what: str) -> MissingExtraError:
    """The error for when torch is needed and not installed.

    Args:
        what: What needs it, such as "hubconf.py needs torch".
    """
    return MissingExtraError(
        f"{what}, which is not installed.", hint=f"Install it: pip install {TORCH}"
    )


def _module_of(entry: str) -> str:
    match = re.match(r"\s*([\w.-]+)", entry)
    name = match[1] if match else entry
    if all(part.isidentifier() for part in name.split(".")):
        return name
    return import_name(name) or name.replace("-", "_")


def _is_there(name: str, root: Path) -> bool:
    """Whether a module can be imported, as far as can be told without running its parents."""
    top, _, inner = name.partition(".")
    if (root / top).is_dir() or (root / f"{top}.py").is_file() or name in sys.modules:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except ImportError:
        return False
    except ValueError:
        # In sys.modules and without a spec: somebody put it there by hand.
        return True
    for part in inner.split(".") if inner else ():
        if spec is None or spec.submodule_search_locations is None:
            return False
        spec = importlib.machinery.PathFinder.find_spec(
            f"{spec.name}.{part}", spec.submodule_search_locations
        )
    return spec is not None
