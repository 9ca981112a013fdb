"""Reading a hub repo, from its folder to frozen facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.analysis.arguments import find_misspelled_names, find_rejected_calls
from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.dependencies import find_dependencies
from hubkit.analysis.effects import (
    InterpretedCalls,
    find_called,
    find_effects,
    find_failing_defaults,
    find_gpu_needs,
    find_late_resets,
    find_missing_files,
    find_unrequested_downloads,
)
from hubkit.analysis.imports import (
    Reach,
    find_dynamic_imports,
    find_dynamic_loads,
    find_hazards,
    find_late_imports,
    find_reach,
)
from hubkit.analysis.modules import SourceFile, SourceTree, read_search_path, read_source
from hubkit.analysis.resolve import Resolver, open_hubconf
from hubkit.analysis.scope import read_scope
from hubkit.analysis.suppressions import read_suppressions
from hubkit.analysis.surface import find_surface
from hubkit.analysis.undefined import find_removed_names, find_undefined_names
from hubkit.analysis.weights import find_checkpoints, find_data_files, find_loads
from hubkit.errors import HubconfNotFoundError, HubconfSyntaxError
from hubkit.facts import Files, Hubconf, HubconfProblem, Location, RepoFacts
from hubkit.lazy import PausedCollector
from hubkit.source.folder import Folder
from hubkit.torchhub import HUBCONF

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hubkit.analysis.scope import Scope
    from hubkit.facts import Entrypoint, Import


def read_repo(repo: Path | Files, wanted: str = "") -> RepoFacts:
    """Read a hub repo, from source alone.

    Nothing of the repo is imported or run, and only files in the hubconf's reach are read.

    Args:
        repo: Its files, with ``hubconf.py`` at their root; a path means all files in the folder,
            tracked or not.
        wanted: An entrypoint to read, even if more are made at run time than are checked.

    Returns:
        The facts. A hubconf that is missing or cannot be parsed is not an error here:
        ``problem`` holds the reason.

    Raises:
        HubconfNotFoundError: When ``repo`` is a path and not a folder.
    """
    files = repo if isinstance(repo, Files) else _folder(repo)
    file = read_source(files, HUBCONF, module="hubconf")
    if isinstance(file, HubconfProblem):
        return RepoFacts(files, None, file, SourceTree(files).top_level(), ())
    try:
        # Syntax trees are freed by reference count; collections would walk them while they grow.
        # Reading timm (219 files) takes 0.9 s instead of 2.3 s.
        with PausedCollector():
            return _read(file, files, wanted)
    except RecursionError:
        problem = HubconfProblem(
            "syntax", "code is nested too deeply to be read", Location(HUBCONF)
        )
        return RepoFacts(files, None, problem, SourceTree(files).top_level(), ())


def _folder(path: Path) -> Files:
    if not path.is_dir():
        raise HubconfNotFoundError(
            f"{path} is not a folder", hint="Pass the folder that contains hubconf.py."
        )
    return Folder(path)


def require_hubconf(facts: RepoFacts) -> Hubconf:
    """The hubconf of a repo that was read.

    Args:
        facts: What ``read_repo`` gave.

    Raises:
        HubconfNotFoundError: When there is no ``hubconf.py``.
        HubconfSyntaxError: When it cannot be parsed or decoded.
    """
    if facts.hubconf is not None:
        return facts.hubconf
    problem = facts.problem
    if problem is None or problem.kind == "missing":
        why = f": {problem.message}" if problem else ""
        raise HubconfNotFoundError(
            f"{facts.root} is not a hub repo{why}",
            hint=f"A hub repo has a {HUBCONF} at its root. To create one, run `hubkit init`.",
        )
    place = problem.location
    raise HubconfSyntaxError(
        f"{facts.root / place.path}, line {place.line}: {problem.message}",
        hint=f"Fix the syntax of {HUBCONF} first.",
    )


def _defining(scopes: Iterable[Scope], entrypoints: Iterable[Entrypoint]) -> list[Scope]:
    """The hubconf, and the modules in which its entrypoints are defined."""
    paths = {HUBCONF, *(entry.definition.path for entry in entrypoints)}
    return [scope for scope in scopes if scope.file.path in paths]


def _read(file: SourceFile, files: Files, wanted: str) -> RepoFacts:
    scope = read_scope(file)
    dependencies = find_dependencies(scope)
    outside = frozenset(dependencies.names if dependencies else ())
    tree = SourceTree(files, read_search_path(scope, files), outside)
    tree.add(scope)
    resolver = Resolver(tree)
    surface = find_surface(scope, resolver, wanted)
    reach = find_reach(scope, resolver, [entry.name for entry in surface.entrypoints])
    effects = find_effects(scope, resolver, reach.eager, surface.entrypoints)
    called = frozenset(use.location for use in effects.uses)
    dynamic = find_dynamic_imports(resolver, reach, effects.dynamic_packages)
    late = find_late_imports(resolver, reach, effects.called)
    calls = InterpretedCalls(resolver)
    late_scopes = {id(one): one for one in (*reach.scopes, *late.scopes)}
    for one in reach.eager:
        late_scopes.pop(id(one), None)
    resets = find_late_resets(resolver, late_scopes.values())
    hazards = find_hazards(scope, resolver, reach.scopes, reach.own_imports)
    rejected = (*find_rejected_calls(scope, resolver), *effects.rejected_calls)
    hubconf = Hubconf(
        path=file.path,
        source=file.text,
        dependencies=dependencies,
        imports=(*reach.imports, *late.imports),
        entrypoints=surface.entrypoints,
        leaks=surface.leaks,
        checkpoints=tuple(find_checkpoints(resolver, reach.scopes, surface.entrypoints, called)),
        dynamic_names=surface.dynamic_names,
        unchecked=surface.unchecked,
        own_imports=(*reach.own_imports, *late.own_imports),
        uses=(*effects.uses, *find_dynamic_loads(resolver, dynamic), *resets),
        relative_imports=hazards.relative_imports,
        module_classes=hazards.module_classes,
        own_module_lookups=hazards.own_module_lookups,
        late_imports=hazards.late_imports,
        hard_coded_pretrained=effects.hard_coded_pretrained,
        rejected_calls=tuple(dict.fromkeys(rejected)),
        undefined_names=tuple(dict.fromkeys(find_undefined_names(resolver, effects.called))),
        removed_names=tuple(
            dict.fromkeys(find_removed_names(resolver, reach.eager, effects.called))
        ),
        misspelled_names=tuple(find_misspelled_names(_defining(reach.scopes, surface.entrypoints))),
        missing_exports=hazards.missing_exports,
        unrequested_downloads=tuple(find_unrequested_downloads(scope, calls, surface.entrypoints)),
        loads=tuple(find_loads(resolver, reach.scopes, surface.entrypoints)),
        missing_files=tuple(find_missing_files(scope, calls, surface.entrypoints)),
        data_files=tuple(find_data_files(resolver, reach.scopes, files)),
        failing_defaults=tuple(find_failing_defaults(scope, calls, surface.entrypoints)),
        gpu_needs=tuple(find_gpu_needs(scope, calls, surface.entrypoints)),
    )
    checked = (*reach.scopes, *late.scopes, *dynamic)
    suppressions = tuple(
        suppression for found in checked for suppression in read_suppressions(found.file)
    )
    return RepoFacts(
        files,
        hubconf,
        None,
        tree.top_level(),
        suppressions,
        tuple(tree.problems),
        {found.file.path: found.file.text for found in checked},
    )


# What must be installed


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
