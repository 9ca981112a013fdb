"""What must be installed to load each entrypoint, whatever the hubconf declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.effects import find_called
from hubkit.analysis.imports import Reach, find_late_imports, find_reach
from hubkit.analysis.resolve import open_hubconf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope
    from hubkit.facts import Files, Hubconf, Import


def read_needs(files: Files, hubconf: Hubconf) -> dict[str, tuple[str, ...]]:
    """Top-level modules from outside the repo that loading each entrypoint imports, by name.

    They are those that importing the hubconf imports, and that the entrypoint and the functions of
    the hubconf that it calls import; what other functions import may never run. Modules of the
    standard library are left out, and imports whose failure is caught.
    """
    try:
        opened = open_hubconf(files, hubconf.path)
        names = [one.name for one in hubconf.entrypoints]
        return _find_needs(*opened, names) if opened else {}
    except RecursionError:
        return {}


def _find_needs(
    scope: Scope, resolver: Resolver, names: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    reach = find_reach(scope, resolver)
    eager = _select(one for one in reach.imports if not one.in_function)
    base = Reach((), (), reach.eager, reach.eager)
    needs = {}
    for name in names:
        called = find_called(scope, resolver, name)
        sure = [one for at, one in enumerate(called) if at == 0 or one.scope.file is scope.file]
        late = find_late_imports(resolver, base, sure)
        needs[name] = tuple(sorted(eager | _select(late.imports)))
    return needs


def _select(imports: Iterable[Import]) -> set[str]:
    return {one.top for one in imports if not one.guarded and not is_stdlib(one.top)}
