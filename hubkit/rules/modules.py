"""HUB0xx: the repo's own modules, once they are on a user's path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis import is_stdlib
from hubkit.rules.declared import entries_of, provided_modules
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, OwnImport, RepoFacts

# Top-level names that published hub repos share with one another.
_GENERIC_NAMES = """
backbone backbones common config configs core data dataset datasets helper helpers layer layers lib
libs loss losses misc model models module modules net nets network networks ops package resnet src
tests tool tools train trainer training unet util utils
"""
GENERIC_MODULES = frozenset(_GENERIC_NAMES.split())
# Distributions whose modules other libraries import when they are there.
_WELL_KNOWN = frozenset({"clip", "datasets", "evaluate", "tokenizers"})


@rule("HUB005", "sys-path-mutation", "warning")
def sys_path_mutation(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py changes sys.path.

    torch.hub puts the root of the repo on the path while it loads, and takes only that away again.
    What hubconf.py adds stays for the whole session of the user, and a path that starts from the
    working directory does not even name the repo.

    Bad:
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "src"))

    Good:
        from src.package import unet

    What the same file removes again with `sys.path.remove` is fine.
    """
    uses = repo.hubconf.uses if repo.hubconf else ()
    cleaning = [use.location for use in uses if use.on_import and use.name == "sys.path.remove"]
    for use in uses:
        if any(place.path == use.location.path and place > use.location for place in cleaning):
            continue
        if use.on_import and use.name in ("sys.path.insert", "sys.path.append", "sys.path.extend"):
            folder = use.arguments[-1] if use.arguments else None
            is_adrift = folder is not None and not folder.startswith("/")
            yield sys_path_mutation.finding(
                "importing hubconf.py changes `sys.path` of the user's whole session"
                + (f", by a path from the working directory: `{folder}`" if is_adrift else ""),
                use.location,
                hint="Import by the full name from the root of the repo.",
            )


@rule("HUB006", "generic-module-name", "warning")
def generic_module_name(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py imports a top-level module of the repo whose name many other repos have too.

    Python keeps one module of a name. Who loads from two hub repos that both have a package `models`
    gets the first one's package in the second repo: an ImportError, or a list of entrypoints that
    is wrong or empty.

    Bad:
        from models.unet import unet

    Good:
        from acme_unet.models import unet

    Only names that hubconf.py reaches count.
    """
    first: dict[str, OwnImport] = {}
    for one in repo.hubconf.own_imports if repo.hubconf else ():
        if one.top in GENERIC_MODULES and not one.missing:
            first.setdefault(one.top, one)
    for top, one in first.items():
        yield generic_module_name.finding(
            f"`{top}` is a name that other repos use too: who loads from both gets one repo's "
            "modules in the other",
            one.location,
            hint="Move it into a package named after the project.",
        )


@rule("HUB007", "shadows-installed-name", "warning", preview=True)
def shadows_installed_name(repo: RepoFacts) -> Iterator[Finding]:
    """The repo has a top-level module of the same name as something that is installed.

    torch.hub puts the repo first on the path. While it loads, everybody who imports `datasets`, be
    it a dependency of a dependency, gets the repo's folder.

    Bad:
        datasets/__init__.py
        hubconf.py

    Good:
        acme_unet/datasets/__init__.py
        hubconf.py

    The standard library, declared dependencies and a few well-known packages are looked at. Whoever
    imported the real one before is not hurt.
    """
    declared = {name for entry in entries_of(repo) for name in provided_modules(entry.name)}
    for name in sorted(repo.packages - {"hubconf"}):
        if is_stdlib(name) or name in declared or name in _WELL_KNOWN:
            yield shadows_installed_name.finding(
                f"`{name}` of this repo hides what is installed under that name while loading",
                hint="Move it into a package named after the project.",
            )
