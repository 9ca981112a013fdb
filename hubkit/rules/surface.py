"""HUB2xx: what ``torch.hub.list`` shows."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import plural, quoted
from hubkit.facts import Fix
from hubkit.rules import edits
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, Hubconf, Leak, Location, RepoFacts

_STAR = re.compile(r"\s*from\s+[\w.]+\s+import\s*\(?\s*\*")


# Each is looked for in the whole file; who leaks more does not want them renamed one by one.
_MOST_HIDDEN = 100


@rule("HUB201", "leaked-callable", "warning", fixable="sometimes", applicability="safe")
def leaked_callable(repo: RepoFacts) -> Iterator[Finding]:
    """An imported helper is listed as an entrypoint.

    torch.hub lists every callable of hubconf.py whose name has no leading underscore, and ignores
    `__all__`. So `Path`, `Dict`, `partial`, `load_state_dict_from_url` and the classes that
    entrypoints are built from stand in `torch.hub.list` beside the models.

    Bad:
        from pathlib import Path
        from models.unet import UNet

        def unet(pretrained=False):
            model = UNet()
            ...

    Good:
        from pathlib import Path as _Path
        from models.unet import UNet as _UNet

        def unet(pretrained=False):
            model = _UNet()
            ...

    Names imported from the repo that hubconf.py itself does not use count as published on purpose.
    """
    groups: dict[tuple[str, bool], list[Leak]] = {}
    hubconf = repo.hubconf
    # Nobody can say what a module that is not there would have brought; HUB003 says that it is not.
    absent = {one.module for one in hubconf.own_imports if one.missing} if hubconf else set()
    for leak in hubconf.leaks if hubconf else ():
        if leak.origin in absent:
            continue
        groups.setdefault((leak.origin, _is_defined_here(leak)), []).append(leak)
    for (origin, defined_here), leaks in groups.items():
        names = [leak.name for leak in leaks]
        first = names[0]
        rename = f"Rename it to `_{first}`" if defined_here else f"Import it as `_{first}`"
        yield leaked_callable.finding(
            f"{quoted(names)} ({_origin(origin, len(names))}) {'shows' if len(names) == 1 else 'show'} up in "
            "torch.hub.list as if users should load "
            f"{'it' if len(names) == 1 else 'them'}",
            leaks[0].location,
            hint=f"{rename}: torch.hub skips names with a leading underscore."
            if len(names) == 1
            else "Give them a leading underscore, which torch.hub skips: "
            f"{f'`_{first}`' if defined_here else f'`import {first} as _{first}`'} and so on.",
            fix=partial(_hide, repo, leaks),
        )


def _origin(origin: str, count: int) -> str:
    """Where names come from: "a class of models.net", of several "classes of models.net"."""
    what, of, module = origin.partition(" of ")
    return f"classes of {module}" if count > 1 and (what, of) == ("a class", " of ") else origin


@rule("HUB202", "star-import", "warning")
def star_import(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py star-imports a module whose names cannot all be told.

    Everything public in that module becomes an entrypoint, helpers included, and what users can
    load changes with a file (or an installed package) that nobody thinks of as the interface.

    Bad:
        from models import *

    Good:
        from models import unet, unet_small

    A star import of a module of the repo with a literal `__all__` is not reported.
    """
    hubconf = repo.hubconf
    for place in _star_openings(hubconf) if hubconf else ():
        yield star_import.finding(
            "this star import publishes names that cannot be told from the source",
            place,
            hint="Import the entrypoints by name.",
        )


@rule("HUB210", "dynamic-surface", "info")
def dynamic_surface(repo: RepoFacts) -> Iterator[Finding]:
    """Entrypoints are made at run time.

    Names put into `globals()`, or set with `setattr` on the module, are loadable, but no tool that
    reads source sees them: their docstrings and parameters are not checked, and `hubkit list` has
    to run the repo to name them. This is no fault, only a limit to know of.

    Hard to read:
        for name in ("resnet18", "resnet50"):
            globals()[name] = make(name)

    Readable:
        def resnet18(pretrained=False): ...

        def resnet50(pretrained=False): ...
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    stars = set(_star_openings(hubconf))
    places = [place for place in hubconf.dynamic_names if place not in stars]
    if places:
        more = f" (and {plural(len(places) - 1, 'more place')})" if len(places) > 1 else ""
        yield dynamic_surface.finding(
            f"entrypoints are made at run time here{more}: their docstrings and parameters were "
            "not checked",
            places[0],
            hint="`pytest --hubconf` builds and checks them all.",
        )


@rule("HUB213", "stale-all", "warning")
def stale_all(repo: RepoFacts) -> Iterator[Finding]:
    """`__all__` of hubconf.py lists names that are not there.

    torch.hub never looks at `__all__`: what it lists is not loadable because of that, and what it
    leaves out is. Names that hubconf.py does not have tell readers of models that no call finds, and
    `from hubconf import *` ends in AttributeError.

    Bad:
        __all__ = ["unet_small", "unet_large"]

        def unet(size="small"): ...

    Good:
        def unet(size="small"): ...

    Where hubconf.py makes names at run time, none is called absent.
    """
    hubconf = repo.hubconf
    if hubconf is None or hubconf.has_dynamic_names:
        return
    absent = hubconf.missing_exports
    if absent:
        yield stale_all.finding(
            f"`__all__` lists {quoted([one.name for one in absent])}, which hubconf.py does not have",
            absent[0].location,
            hint="Remove `__all__`, which torch.hub ignores, or define what it lists.",
        )


def _hide(repo: RepoFacts, leaks: list[Leak]) -> Fix | None:
    hubconf = repo.hubconf
    source = edits.source_of(repo, hubconf.path) if hubconf else None
    if hubconf is None or source is None or len(leaks) > _MOST_HIDDEN:
        return None
    found = [edits.hide_name(source, leak.name) for leak in leaks]
    renamed = [one for one in found if one is not None]
    if len(renamed) < len(found):
        return None
    # What the repo itself defines may be loaded by somebody; what it only imports, by nobody.
    is_foreign = all(one.is_import and not one.is_exported for one in renamed) and not any(
        _is_own(repo, leak) for leak in leaks
    )
    changes = tuple(
        sorted((edit for one in renamed for edit in one.edits), key=lambda e: e.location)
    )
    is_safe = is_foreign and not hubconf.dynamic_names
    message = f"Rename {quoted([leak.name for leak in leaks])} with a leading underscore"
    return Fix(message, "safe" if is_safe else "unsafe", changes)


def _is_own(repo: RepoFacts, leak: Leak) -> bool:
    words = re.findall(r"[\w.]+", leak.origin)
    return _is_defined_here(leak) or any(word.partition(".")[0] in repo.packages for word in words)


def _is_defined_here(leak: Leak) -> bool:
    return leak.origin.endswith("the hubconf")


def _star_openings(hubconf: Hubconf) -> list[Location]:
    lines = hubconf.source.splitlines()
    return [
        place
        for place in hubconf.dynamic_names
        if place.path == hubconf.path
        and place.line <= len(lines)
        and _STAR.match(lines[place.line - 1])
    ]
