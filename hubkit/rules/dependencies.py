"""HUB1xx: ``dependencies``, and what is really imported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit.hubconf import distribution_name, import_name, is_stdlib
from hubkit.rules.registry import rule
from hubkit.rules.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Dependency, Finding, Hubconf, Import, RepoFacts

# What the torch distribution itself installs: whoever runs torch.hub has these.
TORCH = frozenset({"torch", "functorch", "torchgen"})
_REQUIREMENT = re.compile(r"[\s<>=!~\[\];@:/]")


@rule("HUB101", "dependencies-missing", "error")
def dependencies_missing(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py declares no `dependencies` although the repo imports third-party modules.

    torch.hub reads the list `dependencies` and tells users which modules they lack. Without it they
    meet a ModuleNotFoundError from deep inside the repo, one module at a time.

    Bad:
        import torch
        import timm

    Good:
        dependencies = ["torch", "timm"]

        import torch
        import timm

    A repo that imports nothing besides torch and the standard library needs no list.
    """
    hubconf = repo.hubconf
    if hubconf is None or hubconf.dependencies is not None:
        return
    needed = _outside_imports(repo, hubconf)
    if not needed:
        return
    modules = sorted(needed)
    surest = min(needed.values(), key=lambda found: found.in_function)
    listed = ", ".join(f'"{name}"' for name in ["torch", *modules])
    yield dependencies_missing.finding(
        f"no `dependencies` although the repo imports {quoted(modules)}: who lacks one of them "
        "gets a ModuleNotFoundError from inside the repo",
        surest.location,
        hint=f"Add `dependencies = [{listed}]` to hubconf.py.",
        severity="warning" if surest.in_function else "error",
    )


@rule("HUB102", "dependencies-type", "error")
def dependencies_type(repo: RepoFacts) -> Iterator[Finding]:
    """`dependencies` is not a list of strings that can be read from the source.

    torch.hub iterates over whatever it finds. A plain string is taken letter by letter ("Missing
    dependencies: t, o, r, c, h"), other types end in TypeError or AttributeError. A list that is
    computed at run time cannot be read before the repo is imported, which is when it is needed.

    Bad:
        dependencies = "torch"
        dependencies = open("requirements.txt").read().split()

    Good:
        dependencies = ["torch", "timm"]

    Tuples and sets of strings work too.
    """
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    if dependencies is not None and dependencies.entries is None:
        yield dependencies_type.finding(
            f"`dependencies` is {dependencies.problem}"
            if not dependencies.problem.startswith("an entry")
            else f"`dependencies` must hold strings only: {dependencies.problem}",
            dependencies.location,
            hint='Write a literal list of import names: `dependencies = ["torch"]`.',
        )


@rule("HUB103", "not-an-import-name", "error")
def not_an_import_name(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` is the name of a distribution, not of a module.

    torch.hub looks for a module of exactly that name. `pyyaml` installs the module `yaml`, so the
    entry is reported as missing on every machine, installed or not, and nothing of the repo can be
    loaded.

    Bad:
        dependencies = ["torch", "pyyaml", "opencv-python", "scikit-learn"]

    Good:
        dependencies = ["torch", "yaml", "cv2", "sklearn"]
    """
    for entry in _entries(repo):
        if _REQUIREMENT.search(entry.name):
            continue
        module = _meant(entry.name)
        is_name = all(part.isidentifier() for part in entry.name.split("."))
        if is_name and (module is None or _is_imported(repo, entry.name)):
            continue
        shown = f"`{entry.name}`"
        yield not_an_import_name.finding(
            f"{shown} is {'a distribution' if entry.name else 'empty'}, not a module that can be "
            "imported: torch.hub says it is missing even where it is installed",
            entry.location,
            hint=f'Write "{module}".' if module else "Write the name that is imported.",
        )


@rule("HUB104", "version-or-extra", "error")
def version_or_extra(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` carries a version, an extra, a URL or a space.

    torch.hub takes the whole text for the name of a module: `"timm==0.9.1"` ends in
    ModuleNotFoundError: No module named 'timm==0', and `"numpy "` is missing on every machine. The
    list cannot express versions; they belong into the install instructions or requirements.txt.

    Bad:
        dependencies = ["torch>=2.0", "timm==0.9.1", "hydra-core[all]"]

    Good:
        dependencies = ["torch", "timm", "hydra"]
    """
    for entry in _entries(repo):
        if _REQUIREMENT.search(entry.name):
            name = _bare(entry.name)
            yield version_or_extra.finding(
                f"`{entry.name}` is taken for the name of a module, which torch.hub then never finds",
                entry.location,
                hint=f'Write "{_meant(name) or name}", and tell users of versions in the README '
                "or requirements.txt.",
            )


@rule("HUB105", "undeclared-import", "error")
def undeclared_import(repo: RepoFacts) -> Iterator[Finding]:
    """A third-party module is imported and not in `dependencies`.

    Importing hubconf.py, or calling an entrypoint, needs a module that the repo does not declare.
    Users without it see a raw ModuleNotFoundError instead of torch.hub's list of what is missing;
    tests on the author's machine pass because it happens to be installed. This is the most frequent
    reason why published hub repos do not load.

    Modules that come along with torch, such as numpy, are no exception: torch can be installed
    without them. An import in `try: ... except ImportError:` or under `if TYPE_CHECKING:` is
    optional and needs no entry. An import inside a function is a warning, since only those who
    call it need it.

    Bad:
        dependencies = ["torch"]

        from models.net import Net      # models/net.py: import timm

    Good:
        dependencies = ["torch", "timm"]
    """
    hubconf = repo.hubconf
    if hubconf is None or hubconf.dependencies is None or hubconf.dependencies.entries is None:
        return
    declared = {name for entry in _entries(repo) for name in _provided(entry.name)}
    for module, found in sorted(_outside_imports(repo, hubconf).items()):
        if module in declared:
            continue
        distribution = distribution_name(module)
        installed_by = f" (installed by {distribution})" if distribution != module else ""
        when = "calling into the repo" if found.in_function else "importing hubconf.py"
        yield undeclared_import.finding(
            f"`{module}`{installed_by} is imported{_route(found)} and not declared: without it "
            f"{when} ends in ModuleNotFoundError",
            found.location,
            hint=f'Add "{module}" to `dependencies`, or import it in '
            "`try: ... except ImportError:` if it is optional.",
            severity="warning" if found.in_function else "error",
        )


@rule("HUB107", "pointless-entry", "info")
def pointless_entry(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` says nothing.

    Modules of the standard library and of the repo itself are always there, and a name needs
    listing once. Readers wonder what they should install.

    Bad:
        dependencies = ["torch", "math", "torch"]

    Good:
        dependencies = ["torch"]
    """
    seen: set[str] = set()
    for entry in _entries(repo):
        if reason := _why_pointless(repo, entry, seen):
            yield pointless_entry.finding(
                f"`{entry.name}` in `dependencies` {reason}", entry.location, hint="Remove it."
            )
        seen.add(entry.name)


def _why_pointless(repo: RepoFacts, entry: Dependency, seen: set[str]) -> str:
    if entry.name in seen:
        return "is listed twice"
    if is_stdlib(entry.name):
        return "is part of Python"
    return "is part of this repo" if entry.name in repo.packages else ""


def _entries(repo: RepoFacts) -> tuple[Dependency, ...]:
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    return (dependencies.entries if dependencies else None) or ()


def _outside_imports(repo: RepoFacts, hubconf: Hubconf) -> dict[str, Import]:
    """The surest import of each third-party module that must be there."""
    found: dict[str, Import] = {}
    for one in hubconf.imports:
        top = one.top
        if one.guarded or top in TORCH or top in repo.packages or is_stdlib(top):
            continue
        if top not in found or (found[top].in_function and not one.in_function):
            found[top] = one
    return found


def _is_imported(repo: RepoFacts, module: str) -> bool:
    imports = repo.hubconf.imports if repo.hubconf else ()
    return any(module in (one.module, one.top) for one in imports)


def _bare(entry: str) -> str:
    return re.split(_REQUIREMENT, entry.strip(), maxsplit=1)[0]


def _meant(name: str) -> str | None:
    """The module that a distribution's name stands for; None when the name can be a module's."""
    module = import_name(name)
    if module == name:
        return None
    if module is None and "-" in name:
        return name.replace("-", "_")
    return module


def _provided(entry: str) -> set[str]:
    """Top-level modules that an entry means to declare, however it is written."""
    name = _bare(entry)
    meant = _meant(name) or name
    return {name.partition(".")[0], meant.partition(".")[0]}


def _route(found: Import) -> str:
    """Where an import stands, and which modules of the repo lead there."""
    modules = [module for module in found.chain if module != "hubconf"]
    place = f" in {found.location.path}" if modules else ""
    return f"{place} (hubconf → {' → '.join(modules)})" if modules else place
