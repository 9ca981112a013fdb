"""HUB1xx: what is imported, against what is declared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.analysis import distribution_name, find_bringers, is_stdlib
from hubkit.facts import Fix
from hubkit.rules import edits
from hubkit.rules.declared import entries_of, outside_imports, provided_modules
from hubkit.rules.dependencies import removal
from hubkit.rules.registry import rule
from hubkit.torchhub import TORCH_MODULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Finding, Import, RepoFacts


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
        edit = edits.append_entry(repo, module)
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
            fix=Fix(f"Declare `{module}`", "safe", (edit,)) if edit else None,
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
            fix=removal(repo, entry, "unsafe"),
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
