"""HUB1xx: the list ``dependencies``, compared with imports and with install files."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.analysis import (
    distribution_name,
    find_bringers,
    import_name,
    is_stdlib,
    modules_beside,
)
from hubkit.facts import Fix
from hubkit.rules import edits
from hubkit.rules.registry import rule
from hubkit.source import normalize, read_requirements
from hubkit.torchhub import TORCH_MODULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import (
        Applicability,
        Dependencies,
        Dependency,
        Finding,
        Hubconf,
        Import,
        RepoFacts,
    )


# Characters of requirements that module names do not have.
REQUIREMENT = re.compile(r"[\s<>=!~\[\];@:/]")


def entries_of(repo: RepoFacts) -> tuple[Dependency, ...]:
    """The entries of ``dependencies``; none if they are unknown."""
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    return (dependencies.entries if dependencies else None) or ()


def outside_imports(repo: RepoFacts, hubconf: Hubconf) -> dict[str, Import]:
    """The import of each required third-party module; one at module level is preferred."""
    found: dict[str, Import] = {}
    for one in hubconf.imports:
        top = one.top
        if one.guarded or top in TORCH_MODULES or top in repo.packages or is_stdlib(top):
            continue
        if top not in found or (found[top].in_function and not one.in_function):
            found[top] = one
    return found


def bare_name(entry: str) -> str:
    """An entry without version and extras."""
    return REQUIREMENT.split(entry.strip(), maxsplit=1)[0]


def meant_module(name: str) -> str | None:
    """The module of a distribution; None if the name can be that of a module."""
    module = import_name(name)
    if module == name:
        return None
    if module is None and "-" in name:
        return name.replace("-", "_")
    return module


def provided_modules(entry: str) -> set[str]:
    """Top-level modules that an entry declares, whether it names a module or a distribution."""
    name = bare_name(entry)
    names = {name, meant_module(name) or name, *modules_beside(name)}
    return {one.partition(".")[0] for one in names}


@rule("HUB101", "dependencies-missing", "error", fixable="sometimes", applicability="safe")
def dependencies_missing(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py does not define `dependencies`, but the repo imports third-party modules.

    torch.hub reads the list `dependencies` and reports which modules are missing. Without it, users
    get a ModuleNotFoundError from inside the repo, for one module at a time.

    Bad:
        import torch
        import timm

    Good:
        dependencies = ["torch", "timm"]

        import torch
        import timm

    A repo that imports only torch and the standard library does not need the list.
    """
    hubconf = repo.hubconf
    if hubconf is None or hubconf.dependencies is not None:
        return
    needed = outside_imports(repo, hubconf)
    if not needed:
        return
    modules = sorted(needed)
    brought = find_bringers({"torch"})
    surest = min(needed.values(), key=lambda found: (found.top in brought, found.in_function))
    listed = ", ".join(f'"{name}"' for name in ["torch", *modules])
    yield dependencies_missing.finding(
        f"`dependencies` is not defined, but the repo imports {quoted(modules)}",
        surest.location,
        hint=f"Add `dependencies = [{listed}]` to hubconf.py.",
        severity="warning" if surest.in_function or surest.top in brought else "error",
        fix=partial(_declare_all, repo, ["torch", *modules]),
    )


@rule("HUB102", "dependencies-type", "error", fixable="sometimes", applicability="safe")
def dependencies_type(repo: RepoFacts) -> Iterator[Finding]:
    """`dependencies` is not a literal list of strings.

    torch.hub iterates over the value. It splits a string into letters ("Missing dependencies: t, o,
    r, c, h"); other types raise TypeError or AttributeError. Tools cannot read a list that is
    computed at run time.

    Bad:
        dependencies = "torch"
        dependencies = open("requirements.txt").read().split()

    Good:
        dependencies = ["torch", "timm"]

    Tuples and sets of strings are not reported.
    """
    dependencies = repo.hubconf.dependencies if repo.hubconf else None
    if dependencies is not None and dependencies.entries is None:
        yield dependencies_type.finding(
            f"`dependencies` is {dependencies.problem}"
            if not dependencies.problem.startswith("an entry")
            else f"`dependencies` must contain only strings: {dependencies.problem}",
            dependencies.location,
            hint='Write a literal list of import names: `dependencies = ["torch"]`.',
            fix=partial(_make_list, repo, dependencies),
        )


@rule("HUB103", "not-an-import-name", "error", fixable="sometimes", applicability="safe")
def not_an_import_name(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` is the name of a distribution, not of a module.

    torch.hub looks for a module with that name. The distribution `pyyaml` installs the module
    `yaml`, so torch.hub reports `pyyaml` as missing even if it is installed, and loads nothing.

    Bad:
        dependencies = ["torch", "pyyaml", "opencv-python", "scikit-learn"]

    Good:
        dependencies = ["torch", "yaml", "cv2", "sklearn"]
    """
    for entry in entries_of(repo):
        if REQUIREMENT.search(entry.name):
            continue
        module = meant_module(entry.name)
        is_name = all(part.isidentifier() for part in entry.name.split("."))
        if is_name and (module is None or _is_imported(repo, entry.name)):
            continue
        shown, known = f"`{entry.name}`", import_name(entry.name)
        yield not_an_import_name.finding(
            f"{shown} is a distribution, not a module: torch.hub reports it as missing even if it is "
            "installed"
            if entry.name
            else "empty entry in `dependencies`",
            entry.location,
            hint=f'Use "{module}".' if module else "Use the name of the imported module.",
            fix=partial(_rename, repo, entry, module or "", "safe" if known else "unsafe"),
        )


@rule("HUB104", "version-or-extra", "error", fixable="sometimes", applicability="unsafe")
def version_or_extra(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` has a version, an extra, a URL or a space.

    torch.hub takes the whole text as the name of a module: `"timm==0.9.1"` raises
    ModuleNotFoundError: No module named 'timm==0', and `"numpy "` is always missing. Put versions
    into requirements.txt or the install instructions.

    Bad:
        dependencies = ["torch>=2.0", "timm==0.9.1", "hydra-core[all]"]

    Good:
        dependencies = ["torch", "timm", "hydra"]
    """
    for entry in entries_of(repo):
        if REQUIREMENT.search(entry.name):
            name = bare_name(entry.name)
            yield version_or_extra.finding(
                f"`{entry.name}` is not the name of a module, so torch.hub always reports it as missing",
                entry.location,
                hint=f'Use "{meant_module(name) or name}", and put versions into requirements.txt or the '
                "README.",
                fix=partial(_rename, repo, entry, meant_module(name) or name, "unsafe"),
            )


@rule("HUB107", "pointless-entry", "info", fixable="sometimes", applicability="safe")
def pointless_entry(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` is redundant.

    Modules of the standard library and of the repo itself are always available, and one entry per
    module is enough.

    Bad:
        dependencies = ["torch", "math", "torch"]

    Good:
        dependencies = ["torch"]
    """
    seen: set[str] = set()
    for entry in entries_of(repo):
        if reason := _why_pointless(repo, entry, seen):
            yield pointless_entry.finding(
                f"`{entry.name}` in `dependencies` {reason}",
                entry.location,
                hint="Remove it.",
                fix=partial(_removal, repo, entry, "safe"),
            )
        seen.add(entry.name)


def _declare_all(repo: RepoFacts, modules: list[str]) -> Fix | None:
    edit = edits.insert_list(repo, modules)
    return Fix("Declare them", "safe", (edit,)) if edit else None


def _make_list(repo: RepoFacts, dependencies: Dependencies) -> Fix | None:
    edit = edits.make_list(repo, dependencies.location)
    return Fix("Make it a list", "safe", (edit,)) if edit else None


def _declare(repo: RepoFacts, module: str) -> Fix | None:
    edit = edits.append_entry(repo, module)
    return Fix(f"Declare `{module}`", "safe", (edit,)) if edit else None


def _removal(repo: RepoFacts, entry: Dependency, applicability: Applicability) -> Fix | None:
    """A fix that removes an entry; unsafe if it removes a comment too."""
    removed = edits.remove_entry(repo, entry.location)
    if removed is None:
        return None
    edit, takes_comment = removed
    message = f"Remove `{entry.name}`"
    return Fix(message, "unsafe" if takes_comment else applicability, (edit,))


def _rename(
    repo: RepoFacts, entry: Dependency, name: str, applicability: Applicability
) -> Fix | None:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        return None
    edit = edits.replace_entry(repo, entry.location, entry.name, name)
    return Fix(f"Write `{name}`", applicability, (edit,)) if edit else None


def _why_pointless(repo: RepoFacts, entry: Dependency, seen: set[str]) -> str:
    if entry.name in seen:
        return "is listed twice"
    if is_stdlib(entry.name):
        return "is in the standard library"
    return "is part of this repo" if entry.name in repo.packages else ""


def _is_imported(repo: RepoFacts, module: str) -> bool:
    imports = repo.hubconf.imports if repo.hubconf else ()
    return any(module in (one.module, one.top) for one in imports)


_ASIDE = re.compile(r"(?:^|/)(?:tests?|scripts|tools|docs|examples|setup\.py)(?:/|$)")


@rule(
    "HUB105",
    "undeclared-import",
    "error",
    fixable="sometimes",
    applicability="safe",
    several="{count} third-party modules are imported but not declared",
)
def undeclared_import(repo: RepoFacts) -> Iterator[Finding]:
    """A third-party module is imported but not in `dependencies`.

    Users without the module get a ModuleNotFoundError instead of torch.hub's list of missing
    modules. Tests on the author's machine pass because the module is installed there. This is the
    most common reason why published hub repos do not load.

    numpy must be declared too: torch can be installed without it. Optional imports need no entry:
    those in `try: ... except ImportError:`, under `if TYPE_CHECKING:`, or under a condition that
    tests whether the module is available. The severity is warning for an import inside a function,
    and for a module that a declared one installs, such as numpy by torchvision.

    Bad:
        dependencies = ["torch"]

        from models.net import Net      # models/net.py: import timm

    Good:
        dependencies = ["torch", "timm"]
    """
    hubconf = repo.hubconf
    if hubconf is None or hubconf.dependencies is None or hubconf.dependencies.entries is None:
        return
    declared = {name for entry in entries_of(repo) for name in provided_modules(entry.name)}
    brought = find_bringers({"torch", *declared})
    for module, found in sorted(outside_imports(repo, hubconf).items()):
        if module in declared:
            continue
        distribution = distribution_name(module)
        installed_by = f" (installed by {distribution})" if distribution != module else ""
        when = "calling this function" if found.in_function else "importing hubconf.py"
        outcome = (
            f"it is installed only as a dependency of {brought[module]}"
            if module in brought
            else f"without it, {when} raises ModuleNotFoundError"
        )
        yield undeclared_import.finding(
            f"`{module}`{installed_by} is imported{_route(found)} but not declared: {outcome}",
            found.location,
            hint=f'Add "{module}" to `dependencies`, or import it in '
            "`try: ... except ImportError:` if it is optional.",
            severity="warning" if found.in_function or module in brought else "error",
            fix=partial(_declare, repo, module),
        )


@rule(
    "HUB106",
    "unused-dependency",
    "warning",
    preview=True,
    fixable="sometimes",
    applicability="unsafe",
)
def unused_dependency(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` is not imported.

    torch.hub loads nothing until users install the module, although it is not needed.

    Bad:
        dependencies = ["torch", "torchvision"]

        import torch

    Good:
        dependencies = ["torch"]

        import torch

    Modules are not reported if a well-known dependency needs them, if `importlib.import_module`
    gets them as a literal, or if any module of the repo imports them. A module may still be needed in a way that
    the source does not show: by another dependency, or as a plugin.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    imported = {one.top for one in hubconf.imports}
    imported |= {
        (use.arguments[0] or "").partition(".")[0]
        for use in hubconf.uses
        if use.name == "importlib.import_module" and use.arguments
    }
    imported |= set(find_bringers(imported))
    for entry in entries_of(repo):
        modules = provided_modules(entry.name)
        if modules & (imported | TORCH_MODULES | repo.packages) or any(map(is_stdlib, modules)):
            continue
        if _are_imported_anywhere(repo, modules):
            continue
        yield unused_dependency.finding(
            f"`{entry.name}` is declared but not imported",
            entry.location,
            hint="Remove it, unless another dependency needs it.",
            fix=partial(_removal, repo, entry, "unsafe"),
        )


@rule("HUB108", "eager-import-before-check", "info", preview=True)
def eager_import_before_check(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py imports a third-party module at its top level.

    torch.hub checks `dependencies` after it has imported hubconf.py. Users without the module get
    a ModuleNotFoundError instead of torch.hub's list of all missing modules.

    Bad:
        dependencies = ["torch", "timm"]

        import timm as _timm

        def unet(pretrained=False):
            return _timm.create_model("unet")

    Good:
        dependencies = ["torch", "timm"]

        def unet(pretrained=False):
            import timm

            return timm.create_model("unet")

    A hubconf that only re-exports names from the repo's modules is not reported.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    early = {
        one.top: one
        for one in reversed(hubconf.imports)
        if one.location.path == hubconf.path and not (one.in_function or one.guarded)
    }
    names = sorted(top for top in early if top not in TORCH_MODULES and not is_stdlib(top))
    if names:
        yield eager_import_before_check.finding(
            f"{quoted(names)} {'is' if len(names) == 1 else 'are'} imported before torch.hub checks "
            "`dependencies`, so it cannot report what is missing",
            early[names[0]].location,
            hint="Import inside the entrypoints that need it.",
        )


def _are_imported_anywhere(repo: RepoFacts, modules: Iterable[str]) -> bool:
    """Whether a file of the repo, other than tests and tools, imports one of the modules."""
    names = "|".join(map(re.escape, sorted(modules)))
    statement = re.compile(
        rf"^[ \t]*(?:from[ \t]+|import[ \t][^#\n;]*?)\b(?:{names})\b", re.MULTILINE
    )
    return any(
        statement.search(repo.files.read_text(path))
        for path in repo.files.paths()
        if path.endswith(".py") and not _ASIDE.search(path)
    )


def _route(found: Import) -> str:
    """The modules of the repo through which hubconf.py reaches an import, abbreviated."""
    modules = [module for module in found.chain if module != "hubconf"]
    if len(modules) > 3:
        modules = [modules[0], "…", modules[-1]]
    return f" (hubconf → {' → '.join(modules)})" if modules else ""


@rule("HUB109", "metadata-drift", "info", preview=True)
def metadata_drift(repo: RepoFacts) -> Iterator[Finding]:
    """An entry of `dependencies` is not in the requirements of the repo.

    `dependencies` does not contain versions. Users who need to install a missing module look for
    its version in requirements.txt or pyproject.toml.

    Bad:
        dependencies = ["torch", "timm"]      # requirements.txt: torch>=2.0

    Good:
        dependencies = ["torch", "timm"]      # requirements.txt: torch>=2.0
                                              #                   timm>=0.9

    The rule reads requirements*.txt, pyproject.toml, setup.cfg, setup.py, Pipfile and
    environment.yml. They may contain more than `dependencies`. Nothing is reported if setup.py
    computes its requirements.
    """
    entries = [entry for entry in entries_of(repo) if not is_stdlib(entry.name)]
    required = read_requirements(repo.files) if entries else None
    if required is None:
        return
    if not required:
        yield metadata_drift.finding(
            "the repo has no file with the required versions of its dependencies",
            entries[0].location,
            hint="Add a requirements.txt or a pyproject.toml.",
        )
        return
    named = frozenset[str]().union(*required.values())
    modules = {import_name(name) or name.replace("-", "_") for name in named}
    there = modules | set(find_bringers(modules))
    missing = [
        entry
        for entry in entries
        if not provided_modules(entry.name) & there
        and normalize(distribution_name(entry.name)) not in named
    ]
    if missing:
        yield metadata_drift.finding(
            f"{quoted([entry.name for entry in missing])} of `dependencies` "
            f"{'is' if len(missing) == 1 else 'are'} not in {quoted(sorted(required))}",
            missing[0].location,
            hint="Add them there, with the versions that work.",
        )
