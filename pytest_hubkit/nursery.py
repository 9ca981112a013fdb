"""What the child processes of a hubconf have in common: what they import first, and where from."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.forks import Nursery
from hubkit._util.process import child_environment

if TYPE_CHECKING:
    from hubkit.facts import RepoFacts

# Libraries that take long to import and start no threads, so that a process with them can fork.
_SLOW = ("torch", "torchvision", "torchaudio", "timm")
_OWN = ("pytest_hubkit.child.load", "pytest_hubkit.child.worker", "pytest_hubkit.models")


def third_party_modules(facts: RepoFacts) -> list[str]:
    """Third-party modules to import first: those that importing hubconf is certain to import.

    torch too if it is a dependency, since whoever calls ``torch.hub.load`` has imported it. If
    the repo imported it late, its random generators would not be seeded, and its warnings
    filters would be the repo's doing.
    """
    hubconf = facts.hubconf
    declared = hubconf.dependencies.names if hubconf and hubconf.dependencies else ()
    names = [
        one.module
        for one in (hubconf.imports if hubconf else ())
        if not one.guarded and (not one.in_function or one.chain == ("hubconf",))
    ]
    names = [*(one for one in declared if one == "torch"), *names]
    return [name for name in dict.fromkeys(names) if name.partition(".")[0] not in facts.packages]


def start_nursery(facts: RepoFacts) -> Nursery | None:
    """Start a process of which the children are forks, if that is possible and saves time."""
    modules = [name for name in third_party_modules(facts) if name in _SLOW]
    if "torch" not in modules or not Nursery.is_possible():
        return None
    root = facts.root.resolve()
    found = [name for name in modules if not _is_inside(name, root)]
    try:
        env = child_environment({"PYTHONPATH": python_path(root)})
        return Nursery((*found, *_OWN), env, share=True)
    except OSError:
        return None


def python_path(root: Path) -> str | None:
    """``PYTHONPATH`` without what leads to the work tree.

    Args:
        root: The repo's folder.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [
        entry
        for entry in entries
        if entry and not Path(entry).resolve().is_relative_to(root.resolve())
    ]
    return os.pathsep.join(kept) or None


def _is_inside(name: str, root: Path) -> bool:
    """Whether a module is one of the repo, which a nursery must not import."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return True
    place = Path(spec.origin).resolve() if spec and spec.origin else None
    return place is None or (place.is_relative_to(root) and "site-packages" not in place.parts)
