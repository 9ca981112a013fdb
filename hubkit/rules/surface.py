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


# Each name is searched in the whole file; nobody wants to rename more of them.
_MOST_HIDDEN = 100


@rule(
    "HUB201",
    "leaked-callable",
    "warning",
    fixable="sometimes",
    applicability="safe",
    several="{count} imports or definitions of helpers are listed as entrypoints by torch.hub",
)
def leaked_callable(repo: RepoFacts) -> Iterator[Finding]:
    """An imported helper is listed as an entrypoint.

    torch.hub lists every callable of hubconf.py whose name has no leading underscore. It ignores
    `__all__`. So `torch.hub.list` shows `Path`, `partial`, `load_state_dict_from_url` and imported
    classes next to the models.

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

    Names that are imported from the repo and not used in hubconf.py are entrypoints, and so are
    names that the documents of the repo load, so they are not reported. A class is a helper if
    hubconf.py defines and builds it, or imports it next to functions of its own.
    """
    groups: dict[tuple[str, bool], list[Leak]] = {}
    hubconf = repo.hubconf
    # HUB003 reports modules that do not exist, HUB402 networks that hubconf.py defines.
    absent = {one.module for one in hubconf.own_imports if one.missing} if hubconf else set()
    networks = {one.name for one in hubconf.module_classes} if hubconf else set()
    for leak in hubconf.leaks if hubconf else ():
        if leak.origin in absent or (leak.name in networks and _is_defined_here(leak)):
            continue
        groups.setdefault((leak.origin, _is_defined_here(leak)), []).append(leak)
    for (origin, defined_here), leaks in groups.items():
        names = [leak.name for leak in leaks]
        first = names[0]
        rename = f"Rename it to `_{first}`" if defined_here else f"Import it as `_{first}`"
        yield leaked_callable.finding(
            f"{quoted(names)} ({_origin(origin, len(names))}) {'is' if len(names) == 1 else 'are'} "
            "listed as "
            f"{'an entrypoint' if len(names) == 1 else 'entrypoints'} by torch.hub",
            leaks[0].location,
            hint=f"{rename}. torch.hub does not list names with a leading underscore."
            if len(names) == 1
            else "Add a leading underscore, such as "
            f"{f'`_{first}`' if defined_here else f'`import {first} as _{first}`'}. torch.hub does not "
            "list such names.",
            fix=partial(_hide, repo, leaks),
        )


def _origin(origin: str, count: int) -> str:
    """The origin of names: "a class of models.net", or "classes of models.net" for several."""
    what, of, module = origin.partition(" of ")
    return f"classes of {module}" if count > 1 and (what, of) == ("a class", " of ") else origin


@rule("HUB202", "star-import", "warning")
def star_import(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py star-imports a module whose names are unknown.

    Every public name of the module becomes an entrypoint, including helpers. The entrypoints change
    with a file, or an installed package, that is not meant to define them.

    Bad:
        from models import *

    Good:
        from models import unet, unet_small

    A star import of a module of the repo that has a literal `__all__` is not reported.
    """
    hubconf = repo.hubconf
    for place in _star_imports(hubconf) if hubconf else ():
        yield star_import.finding(
            "star import of names that cannot be determined from the source",
            place,
            hint="Import the entrypoints by name.",
        )


@rule("HUB210", "dynamic-surface", "info")
def dynamic_surface(repo: RepoFacts) -> Iterator[Finding]:
    """Entrypoints are created at run time.

    torch.hub can load names that are added to `globals()` or set with `setattr`, but tools that
    read the source do not see all of them. Their docstrings and parameters are not checked, and
    `hubkit list` needs `--run` to list them.

    Hard to read:
        for name in os.listdir("configs"):
            globals()[name] = make(name)

    Readable:
        def resnet18(pretrained=False): ...

        def resnet50(pretrained=False): ...

    Loops over literals, and registries that decorators of the repo fill, are read. Only if they
    create more than 128 names are these not checked.
    """
    hubconf = repo.hubconf
    if hubconf is None:
        return
    if hubconf.unchecked:
        yield dynamic_surface.finding(
            f"{plural(len(hubconf.unchecked), 'entrypoint')} are created at run time here: their "
            "docstrings and parameters were not checked",
            hubconf.unchecked[0].location,
            hint="To check them, run `pytest --hubconf`.",
        )
    stars = set(_star_imports(hubconf))
    places = [place for place in hubconf.dynamic_names if place not in stars]
    if places:
        more = f" and in {plural(len(places) - 1, 'more place')}" if len(places) > 1 else ""
        yield dynamic_surface.finding(
            f"entrypoints are created at run time here{more}: their docstrings and parameters were "
            "not checked",
            places[0],
            hint="To check them, run `pytest --hubconf`.",
        )


@rule("HUB213", "stale-all", "warning")
def stale_all(repo: RepoFacts) -> Iterator[Finding]:
    """`__all__` of hubconf.py lists undefined names.

    torch.hub ignores `__all__`, so listing a name does not make it loadable. Readers expect models
    that do not exist, and `from hubconf import *` raises AttributeError.

    Bad:
        __all__ = ["unet_small", "unet_large"]

        def unet(size="small"): ...

    Good:
        def unet(size="small"): ...

    Nothing is reported if hubconf.py creates names at run time.
    """
    hubconf = repo.hubconf
    if hubconf is None or hubconf.has_dynamic_names:
        return
    absent = hubconf.missing_exports
    if absent:
        yield stale_all.finding(
            f"`__all__` lists {quoted([one.name for one in absent])}, which hubconf.py does not define",
            absent[0].location,
            hint="Define the names, or remove them from `__all__`, which torch.hub ignores.",
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
    # Somebody may load names that the repo defines, but not names that it only imports.
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


def _star_imports(hubconf: Hubconf) -> list[Location]:
    lines = hubconf.source.splitlines()
    return [
        place
        for place in hubconf.dynamic_names
        if place.path == hubconf.path
        and place.line <= len(lines)
        and _STAR.match(lines[place.line - 1])
    ]
