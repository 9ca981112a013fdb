"""Downloads of weights in the hubconf's reach, and the weights of each entrypoint."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.effects import find_places
from hubkit.analysis.imports import find_reach
from hubkit.analysis.modules import SourceTree, read_search_path
from hubkit.analysis.resolve import Defined, External, Resolver
from hubkit.analysis.scope import read_scope
from hubkit.analysis.source_file import SourceFile, read_source
from hubkit.analysis.syntax import walk
from hubkit.analysis.values import find_path, find_string
from hubkit.facts import CheckpointUse, DataFile, EntrypointWeights

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
            calls = (
                _read_call(resolver, around, node)
                for around, node in resolver.nodes(scope, scope.file.tree)
                if isinstance(node, ast.Call)
            )
            yield from sorted(filter(None, calls), key=lambda use: use.location)


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


def find_data_files(
    resolver: Resolver, scopes: Iterable[Scope], files: Files
) -> Iterator[DataFile]:
    """Existing files that modules find by ``__file__``, each with the first place."""
    seen: set[str] = set()
    for scope in scopes:
        source = scope.file
        if "__file__" not in source.text:
            continue
        tested = "exists(" in source.text or "is_file(" in source.text
        for path, node in _find_named_files(resolver, scope, [source.tree], files):
            if path not in seen:
                seen.add(path)
                yield DataFile(path, source.location(node), tested)


def _find_named_files(
    resolver: Resolver, scope: Scope, parts: Iterable[ast.AST], files: Files
) -> Iterator[tuple[str, ast.AST]]:
    """Existing files that nodes of a module find by ``__file__``, each with its place."""
    for part in parts:
        for around, node in resolver.nodes(scope, part):
            if isinstance(node, ast.Call | ast.BinOp | ast.JoinedStr):
                path = find_path(resolver, around, node)
                if path and path != scope.file.path and files.is_file(path):
                    yield path, node


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
    used = _statements(target.scope.file.tree, target.node)
    found = _find_named_files(resolver, target.scope, used, files)
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
