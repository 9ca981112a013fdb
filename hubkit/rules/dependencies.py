"""HUB1xx: the list ``dependencies``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.analysis import find_bringers, import_name, is_stdlib
from hubkit.facts import Fix
from hubkit.rules import edits
from hubkit.rules.declared import (
    REQUIREMENT,
    bare_name,
    entries_of,
    meant_module,
    outside_imports,
)
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Applicability, Dependency, Finding, RepoFacts


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
    edit = edits.insert_list(repo, ["torch", *modules])
    yield dependencies_missing.finding(
        f"no `dependencies` although the repo imports {quoted(modules)}: who lacks one of them "
        "gets a ModuleNotFoundError from inside the repo",
        surest.location,
        hint=f"Add `dependencies = [{listed}]` to hubconf.py.",
        severity="warning" if surest.in_function or surest.top in brought else "error",
        fix=Fix("Declare them", "safe", (edit,)) if edit else None,
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
        edit = edits.make_list(repo, dependencies.location)
        yield dependencies_type.finding(
            f"`dependencies` is {dependencies.problem}"
            if not dependencies.problem.startswith("an entry")
            else f"`dependencies` must hold strings only: {dependencies.problem}",
            dependencies.location,
            hint='Write a literal list of import names: `dependencies = ["torch"]`.',
            fix=Fix("Make it a list", "safe", (edit,)) if edit else None,
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
            fix=_rename(repo, entry, module or "", "safe" if known else "unsafe"),
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
                fix=_rename(repo, entry, meant_module(name) or name, "unsafe"),
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
                fix=removal(repo, entry, "safe"),
            )
        seen.add(entry.name)


def removal(repo: RepoFacts, entry: Dependency, applicability: Applicability) -> Fix | None:
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
