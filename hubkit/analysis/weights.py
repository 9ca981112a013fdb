"""Downloads of weights in the hubconf's reach, and the weights of each entrypoint."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.data_files import find_named_files
from hubkit.analysis.effects import find_places
from hubkit.analysis.imports import find_reach
from hubkit.analysis.modules import SourceTree, read_search_path
from hubkit.analysis.resolve import Defined, External, Resolver
from hubkit.analysis.scope import read_scope
from hubkit.analysis.source_file import SourceFile, read_source
from hubkit.analysis.strings import find_string
from hubkit.analysis.syntax import child_nodes, walk
from hubkit.facts import CheckpointUse, EntrypointWeights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Scope
    from hubkit.facts import Files, Hubconf

# Positional parameters of torch's download functions (torch/hub.py; load_url is the older name).
_LOAD = (
    "url", "model_dir", "map_location", "progress", "check_hash", "file_name", "weights_only"
)  # fmt: skip
_SIGNATURES = {
    "load_state_dict_from_url": _LOAD,
    "load_url": _LOAD,
    "download_url_to_file": ("url", "dst", "hash_prefix", "progress"),
}


def find_checkpoints(resolver: Resolver, scopes: Iterable[Scope]) -> Iterator[CheckpointUse]:
    """The download calls in the hubconf and the modules that it reaches."""
    for scope in scopes:
        if any(name in scope.file.text for name in _SIGNATURES):
            yield from _find_in_module(resolver, scope)


def _find_in_module(resolver: Resolver, scope: Scope) -> Iterator[CheckpointUse]:
    pending: list[tuple[ast.AST, Scope]] = [(scope.file.tree, scope)]
    found: list[CheckpointUse] = []
    while pending:
        node, names = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = resolver.inside(names, node).scope
        elif isinstance(node, ast.Call):
            use = _read_call(resolver, names, node)
            found += [use] if use else []
        pending += [(child, names) for child in child_nodes(node)]
    yield from sorted(found, key=lambda use: use.location)


def _read_call(resolver: Resolver, scope: Scope, node: ast.Call) -> CheckpointUse | None:
    target = resolver.expression(scope, node.func)
    if not isinstance(target, External):
        return None
    signature = _SIGNATURES.get(target.name.rpartition(".")[2])
    if signature is None:
        return None
    given = _arguments(node, signature)
    url, file_name = given.get("url"), given.get("file_name")
    return CheckpointUse(
        function=target.name,
        url=find_string(resolver, scope, url) if url else None,
        file_name=find_string(resolver, scope, file_name) if file_name else None,
        arguments=frozenset(given),
        check_hash=_boolean(given.get("check_hash")),
        weights_only=_boolean(given.get("weights_only")),
        forwards_keywords=any(keyword.arg is None for keyword in node.keywords),
        location=scope.file.location(node),
    )


def _arguments(node: ast.Call, signature: tuple[str, ...]) -> dict[str, ast.expr]:
    given: dict[str, ast.expr] = {}
    for name, value in zip(signature, node.args, strict=False):
        if isinstance(value, ast.Starred):
            break
        given[name] = value
    given.update({keyword.arg: keyword.value for keyword in node.keywords if keyword.arg})
    return given


def _boolean(node: ast.expr | None) -> bool | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return node.value
    return None


def read_weights(
    files: Files, hubconf: Hubconf, names: Iterable[str]
) -> dict[str, EntrypointWeights]:
    """The weights that calling entrypoints may load, by entrypoint.

    Calls are followed as far as the source shows their targets, so there may be more. For files of the
    repo an entrypoint's own statements are looked at, and those of its module whose names they use.
    """
    names = tuple(names)
    file = read_source(files, hubconf.path, module="hubconf")
    if not isinstance(file, SourceFile):
        return dict.fromkeys(names, EntrypointWeights())
    try:
        scope = read_scope(file)
        tree = SourceTree(files, read_search_path(scope, files))
        tree.add(scope)
        resolver = Resolver(tree)
        scopes = find_reach(scope, resolver, names).scopes
        uses = tuple(find_checkpoints(resolver, scopes))
        return {name: _find_weights(name, scope, resolver, uses, files) for name in names}
    except RecursionError:
        return dict.fromkeys(names, EntrypointWeights())


def _find_weights(
    name: str, hubconf: Scope, resolver: Resolver, uses: tuple[CheckpointUse, ...], files: Files
) -> EntrypointWeights:
    places = find_places(hubconf, resolver, name) if uses else frozenset()
    downloads = tuple(one for one in uses if one.location in places)
    target = resolver.name(hubconf, name)
    if not isinstance(target, Defined) or "__file__" not in target.scope.file.text:
        return EntrypointWeights(downloads)
    source = target.scope.file
    found = find_named_files(source, _statements(source.tree, target.node), files)
    return EntrypointWeights(downloads, tuple(dict.fromkeys(path for path, _ in found)))


def _statements(module: ast.Module, start: ast.AST) -> list[ast.AST]:
    """A statement, and those at the top of its module that its names lead to."""
    bound: dict[str, list[ast.AST]] = {}
    for statement in module.body:
        for name in _bound(statement):
            bound.setdefault(name, []).append(statement)
    reached, pending = [start], [start]
    while pending:
        for node in walk(pending.pop()):
            for other in bound.pop(node.id, ()) if isinstance(node, ast.Name) else ():
                if other is not start:
                    reached.append(other)
                    pending.append(other)
    return reached


def _bound(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
