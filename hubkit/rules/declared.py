"""What ``dependencies`` declares, and what is imported from outside the repo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.analysis import import_name, is_stdlib
from hubkit.torchhub import TORCH_MODULES

if TYPE_CHECKING:
    from hubkit.facts import Dependency, Hubconf, Import, RepoFacts

# What stands in a requirement and in no module's name.
REQUIREMENT = re.compile(r"[\s<>=!~\[\];@:/]")


def entries_of(repo: RepoFacts) -> tuple[Dependency, ...]:
    """The entries of ``dependencies``; none when they cannot be told."""
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    return (dependencies.entries if dependencies else None) or ()


def outside_imports(repo: RepoFacts, hubconf: Hubconf) -> dict[str, Import]:
    """The surest import of each third-party module that must be there."""
    found: dict[str, Import] = {}
    for one in hubconf.imports:
        top = one.top
        if one.guarded or top in TORCH_MODULES or top in repo.packages or is_stdlib(top):
            continue
        if top not in found or (found[top].in_function and not one.in_function):
            found[top] = one
    return found


def bare_name(entry: str) -> str:
    """An entry without version, extra and the like."""
    return REQUIREMENT.split(entry.strip(), maxsplit=1)[0]


def meant_module(name: str) -> str | None:
    """The module that a distribution's name stands for; None when the name can be a module's."""
    module = import_name(name)
    if module == name:
        return None
    if module is None and "-" in name:
        return name.replace("-", "_")
    return module


def provided_modules(entry: str) -> set[str]:
    """Top-level modules that an entry means to declare, however it is written."""
    name = bare_name(entry)
    meant = meant_module(name) or name
    return {name.partition(".")[0], meant.partition(".")[0]}
