"""Calls that download weights."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.analysis.nodes import child_nodes
from hubkit.analysis.resolve import External
from hubkit.analysis.strings import find_string
from hubkit.facts import CheckpointUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope

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
    """The download calls in the hubconf and the modules that it reaches.

    Args:
        resolver: Looks names up.
        scopes: The modules.
    """
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
