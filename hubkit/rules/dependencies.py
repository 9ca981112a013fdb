"""HUB1xx: the list ``dependencies``, compared with imports and with install files."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.analysis import distribution_name, find_bringers, import_name, is_stdlib
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


@rule("HUB101", "dependencies-missing", "error", fixable="sometimes", applicability="safe")
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
    needed = outside_imports(repo, hubconf)
    if not needed:
        return
    modules = sorted(needed)
    brought = find_bringers({"torch"})
    surest = min(needed.values(), key=lambda found: (found.top in brought, found.in_function))
    listed = ", ".join(f'"{name}"' for name in ["torch", *modules])
    yield dependencies_missing.finding(
        f"no `dependencies` although the repo imports {quoted(modules)}: who lacks one of them "
        "gets a ModuleNotFoundError from inside the repo",
        surest.location,
        hint=f"Add `dependencies = [{listed}]` to hubconf.py.",
        severity="warning" if surest.in_function or surest.top in brought else "error",
        fix=partial(_declare_all, repo, ["torch", *modules]),
    )


@rule("HUB102", "dependencies-type", "error", fixable="sometimes", applicability="safe")
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
            fix=partial(_make_list, repo, dependencies),
        )


@rule("HUB103", "not-an-import-name", "error", fixable="sometimes", applicability="safe")
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
    for entry in entries_of(repo):
        if REQUIREMENT.search(entry.name):
            continue
        module = meant_module(entry.name)
        is_name = all(part.isidentifier() for part in entry.name.split("."))
        if is_name and (module is None or _is_imported(repo, entry.name)):
            continue
        shown, known = f"`{entry.name}`", import_name(entry.name)
        yield not_an_import_name.finding(
            f"{shown} is {'a distribution' if entry.name else 'empty'}, not a module that can be "
            "imported: torch.hub says it is missing even where it is installed",
            entry.location,
            hint=f'Write "{module}".' if module else "Write the name that is imported.",
            fix=partial(_rename, repo, entry, module or "", "safe" if known else "unsafe"),
        )


@rule("HUB104", "version-or-extra", "error", fixable="sometimes", applicability="unsafe")
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
    for entry in entries_of(repo):
        if REQUIREMENT.search(entry.name):
            name = bare_name(entry.name)
            yield version_or_extra.finding(
                f"`{entry.name}` is taken for the name of a module, which torch.hub then never finds",
                entry.location,
                hint=f'Write "{meant_module(name) or name}", and tell users of versions in the README '
                "or requirements.txt.",
                fix=partial(_rename, repo, entry, meant_module(name) or name, "unsafe"),
            )


@rule("HUB107", "pointless-entry", "info", fixable="sometimes", applicability="safe")
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
    """A fix that takes an entry away; with a comment on it, that is for its author to judge."""
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
        return "is part of Python"
    return "is part of this repo" if entry.name in repo.packages else ""


def _is_imported(repo: RepoFacts, module: str) -> bool:
    imports = repo.hubconf.imports if repo.hubconf else ()
    return any(module in (one.module, one.top) for one in imports)


_ASIDE = re.compile(r"(?:^|/)(?:tests?|scripts|tools|docs|examples|setup\.py)(?:/|$)")


@rule("HUB105", "undeclared-import", "error", fixable="sometimes", applicability="safe")
def undeclared_import(repo: RepoFacts) -> Iterator[Finding]:
    """A third-party module is imported and not in `dependencies`.

    Importing hubconf.py, or calling an entrypoint, needs a module that the repo does not declare.
    Users without it see a raw ModuleNotFoundError instead of torch.hub's list of what is missing;
    tests on the author's machine pass because it happens to be installed. This is the most frequent
    reason why published hub repos do not load.

    numpy is no exception: torch can be installed without it. An import in
    `try: ... except ImportError:`, under `if TYPE_CHECKING:` or where a condition asks whether the
    module is available is optional and needs no entry. An import inside a function is a warning,
    since only those who call it need it; so is one of a module that a declared one always brings
    along, as torchvision does numpy, until it no longer does.

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
        when = "calling into the repo" if found.in_function else "importing hubconf.py"
        outcome = (
            f"it is there only as long as {brought[module]} brings it along"
            if module in brought
            else f"without it {when} ends in ModuleNotFoundError"
        )
        yield undeclared_import.finding(
            f"`{module}`{installed_by} is imported{_route(found)} and not declared: {outcome}",
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
    """An entry of `dependencies` is not imported by anything that hubconf.py reaches.

    Users must install it before torch.hub lets them load anything, and loading does not need it.

    Bad:
        dependencies = ["torch", "torchvision"]

        import torch

    Good:
        dependencies = ["torch"]

        import torch

    What a well-known dependency always needs is not reported, nor what `importlib.import_module` is
    given as a text, nor what any other module of the repo imports, which may be loaded late. It may
    still be needed in a way that source does not show: by a lesser-known dependency, or as a plugin.
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
            f"`{entry.name}` is declared, and nothing that hubconf.py reaches imports it",
            entry.location,
            hint="Remove it, unless another dependency needs it.",
            fix=partial(_removal, repo, entry, "unsafe"),
        )


@rule("HUB108", "eager-import-before-check", "info", preview=True)
def eager_import_before_check(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py imports a third-party module at its top level.

    torch.hub compares `dependencies` with what is installed after it has imported hubconf.py. Who
    lacks the module gets a raw ModuleNotFoundError, and torch.hub's list of everything that is
    missing never appears.

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

    A hubconf that only re-exports from the repo's modules cannot avoid it, and is not reported.
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
            f"{quoted(names)} {'is' if len(names) == 1 else 'are'} imported before torch.hub looks "
            "at `dependencies`, so its message on what is missing never appears",
            early[names[0]].location,
            hint="Import inside the entrypoints that need it.",
        )


def _are_imported_anywhere(repo: RepoFacts, modules: Iterable[str]) -> bool:
    """Whether a file of the repo imports one of the modules, wherever; tests and tools left out."""
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
    """Which modules of the repo lead to an import; of many the ends."""
    modules = [module for module in found.chain if module != "hubconf"]
    if len(modules) > 3:
        modules = [modules[0], "…", modules[-1]]
    return f" (hubconf → {' → '.join(modules)})" if modules else ""


@rule("HUB109", "metadata-drift", "info", preview=True)
def metadata_drift(repo: RepoFacts) -> Iterator[Finding]:
    """`dependencies` names modules that no install file of the repo names.

    `dependencies` cannot say versions. Who is told that a module is missing looks into
    requirements.txt or pyproject.toml for the version that works, and finds nothing.

    Bad:
        dependencies = ["torch", "timm"]      # requirements.txt: torch>=2.0

    Good:
        dependencies = ["torch", "timm"]      # requirements.txt: torch>=2.0
                                              #                   timm>=0.9

    requirements*.txt, pyproject.toml, setup.cfg, setup.py, Pipfile and conda's environment.yml are
    read. Distributions that only they name are no drift: extras, tools and training need more than
    loading does. Nothing is said where setup.py computes its requirements.
    """
    entries = [entry for entry in entries_of(repo) if not is_stdlib(entry.name)]
    required = read_requirements(repo.files) if entries else None
    if required is None:
        return
    if not required:
        yield metadata_drift.finding(
            "no file of the repo says which versions of its dependencies work",
            entries[0].location,
            hint="Write a requirements.txt or pyproject.toml; `dependencies` cannot hold versions.",
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
            hint="Name there which versions work.",
        )
