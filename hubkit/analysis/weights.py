"""Downloads of weights in the hubconf's reach, and the weights of each entrypoint."""

from __future__ import annotations

import ast
import re
from itertools import chain
from typing import TYPE_CHECKING

from hubkit.analysis.effects import find_places
from hubkit.analysis.imports import find_reach
from hubkit.analysis.resolve import Defined, External, Module, Resolver, open_hubconf
from hubkit.analysis.scope import ImportedName
from hubkit.analysis.syntax import is_on, walk
from hubkit.analysis.values import find_path, find_string, find_values, path_in_repo
from hubkit.facts import CheckpointUse, DataFile, EntrypointWeights, Load

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from hubkit.analysis.resolve import Resolver, Target
    from hubkit.analysis.scope import FunctionScope, Scope
    from hubkit.facts import Entrypoint, Files, Hubconf, Location


# Positional parameters of torch's download functions (torch/hub.py; load_url is the older name).
_LOAD = (
    "url", "model_dir", "map_location", "progress", "check_hash", "file_name", "weights_only"
)  # fmt: skip
_SIGNATURES = {
    "load_state_dict_from_url": _LOAD,
    "load_url": _LOAD,
    "download_url_to_file": ("url", "dst", "hash_prefix", "progress"),
}


def find_checkpoints(
    resolver: Resolver,
    scopes: Sequence[Scope],
    entrypoints: Iterable[Entrypoint],
    called: Container[Location] = (),
) -> Iterator[CheckpointUse]:
    """The download calls that importing the hubconf or calling its entrypoints may reach, by URL.

    Args:
        resolver: Looks names up.
        scopes: The hubconf and the modules that it reaches.
        entrypoints: Its entrypoints.
        called: Places of calls that are known to be reached.
    """
    unused = UnusedCode(resolver, scopes, {entry.definition for entry in entrypoints})
    for scope in scopes:
        if any(name in scope.file.text for name in _SIGNATURES):
            lines = scope.file.lines_with(_mentions(resolver, scope, _SIGNATURES))
            calls = (
                use
                for around, node in resolver.nodes(scope, scope.file.tree, lines)
                if isinstance(node, ast.Call)
                for use in _read_call(resolver, around, node)
                if use.location in called or not unused.has(scope, node)
            )
            yield from sorted(calls, key=lambda use: use.location)


def _mentions(resolver: Resolver, scope: Scope, names: Iterable[str]) -> re.Pattern[str]:
    """A pattern for names, and for what a module calls them."""
    words = "|".join(map(re.escape, names))
    called = [
        name
        for name, binding in scope.bindings.items()
        if isinstance(binding.value, ast.Name | ast.Attribute | ImportedName)
        if _is_named(resolver.value(scope, binding.value, binding.node), words)
    ]
    return re.compile("|".join((words, *(rf"\b{re.escape(name)}\b" for name in called))))


def _is_named(target: Target, pattern: str) -> bool:
    """Whether something outside the repo has a name in which a pattern matches."""
    return isinstance(target, External) and re.search(pattern, target.name) is not None


def _read_call(resolver: Resolver, scope: Scope, node: ast.Call) -> Iterator[CheckpointUse]:
    """Yield a download once for each URL that it may have."""
    name = resolver.external(scope, node.func)
    signature = _SIGNATURES.get(name.rpartition(".")[2])
    if signature is None or "." not in name:
        return
    given = _arguments(node, signature)
    url, file_name = given.get("url"), given.get("file_name")
    for one in _find_urls(resolver, scope, url) if url else [None]:
        yield CheckpointUse(
            function=name,
            url=one,
            file_name=find_string(resolver, scope, file_name) if file_name else None,
            arguments=frozenset(given),
            check_hash=_boolean(given.get("check_hash")),
            weights_only=_boolean(given.get("weights_only")),
            forwards_keywords=any(keyword.arg is None for keyword in node.keywords),
            location=scope.file.location(node),
        )


def _find_urls(resolver: Resolver, scope: Scope, node: ast.expr) -> list[str | None]:
    """The URLs that an expression may be; only None if the source does not show them."""
    values = find_values(resolver, scope, node)
    urls: list[str | None] = [one for one in values if isinstance(one, str) and one]
    return urls if all(isinstance(one, str | None) for one in values) and urls else [None]


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


# What modules have, and tensors and dicts do not.
_OF_MODULES = frozenset(
    {
        *("children", "eval", "forward", "load_state_dict", "modules", "named_children"),
        *("named_modules", "named_parameters", "parameters", "state_dict", "train"),
    }
)
_RETURNS_ITSELF = frozenset(
    {"cpu", "cuda", "double", "eval", "float", "half", "requires_grad_", "to", "train"}
)


def find_loads(
    resolver: Resolver, scopes: Iterable[Scope], entrypoints: Iterable[Entrypoint]
) -> Iterator[Load]:
    """The calls that load a file of the repo or a whole model."""
    definitions = {entry.definition for entry in entrypoints}
    for scope in scopes:
        if not any(name in scope.file.text for name in ("load", *_SIGNATURES)):
            continue
        used: dict[ast.Call, tuple[Scope, bool]] = {}
        lines = scope.file.lines_with(_mentions(resolver, scope, ("load", *_SIGNATURES)))
        for around, node in resolver.nodes(scope, scope.file.tree, lines):
            if isinstance(node, ast.Call) and _is_load(resolver, around, node):
                used.setdefault(node, (around, False))
            elif isinstance(node, ast.FunctionDef):
                inner, place = resolver.inside(around, node), scope.file.location(node)
                models = _find_models(resolver, inner, returns_model=place in definitions)
                used.update(dict.fromkeys(models, (inner.scope, True)))
        for call, (around, is_model) in used.items():
            path = _loaded_file(resolver, around, call)
            if path or is_model:
                yield Load(scope.file.location(call), path, is_model)


def _is_load(resolver: Resolver, scope: Scope, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = resolver.external(scope, node.func)
    return name == "torch.load" or name.endswith((".load_state_dict_from_url", ".load_url"))


def _find_models(
    resolver: Resolver, function: FunctionScope, *, returns_model: bool
) -> Iterator[ast.Call]:
    """The loads in a function whose result it uses as a model."""
    found: ast.expr | None
    for node in function.nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=used, attr=attr)) if attr in _OF_MODULES:
                found = _source(used)
            case ast.Call(func=ast.Name() | ast.Call() as used):
                found = _source(used)
            case ast.Return(value=ast.expr() as used) if returns_model:
                found = _source(used)
            case _:
                continue
        if isinstance(found, ast.Name):
            found = _last_value(function, found)
        if isinstance(found, ast.Call) and _is_load(resolver, function.scope, found):
            yield found


def _last_value(function: FunctionScope, use: ast.Name) -> ast.expr | None:
    """What a variable was last assigned above a use, apart from ``model = model.eval()``."""
    values = [one for one in function.assigned.get(use.id, ()) if one and one.lineno < use.lineno]
    sources = [_source(one) for one in sorted(values, key=lambda one: one.lineno)]
    others = [one for one in sources if not (isinstance(one, ast.Name) and one.id == use.id)]
    return others[-1] if others else None


def _source(node: ast.expr) -> ast.expr:
    """What an expression over a model starts with, such as ``x`` in ``x["model"].float().eval()``."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _RETURNS_ITSELF:
                node = inner
            case ast.Subscript(value=inner, slice=ast.Constant(value=str())):
                node = inner
            case _:
                return node


def _loaded_file(resolver: Resolver, scope: Scope, call: ast.Call) -> str:
    named = [one.value for one in call.keywords if one.arg == "f"]
    first = next(iter((*call.args, *named)), None)
    for value in find_values(resolver, scope, first) if first else ():
        path = path_in_repo(value) or resolver.tree.file(str(value))
        if path and resolver.tree.file(path):
            return path
    return ""


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
    try:
        opened = open_hubconf(files, hubconf.path)
        if opened is None:
            return dict.fromkeys(names, EntrypointWeights())
        scope, resolver = opened
        scopes = find_reach(scope, resolver, names).scopes
        uses = tuple(find_checkpoints(resolver, scopes, hubconf.entrypoints))
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


# Code that nothing runs


_LOOKUPS = ("globals()", "locals()", "sys.modules[")
_LOOKUP = re.compile(r"\b(?:getattr|vars|__dict__)\b")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class UnusedCode:
    """Tells whether code of a module may run when a hubconf is imported or its entrypoints called.

    A function counts as used if code that may run mentions its name, whatever that stands for there.
    Decorated functions, and those of modules in which names are looked up at run time, count as
    used.

    Args:
        resolver: Looks names up.
        scopes: The hubconf and the modules that it reaches.
        entrypoints: The places where the entrypoints are defined.
    """

    def __init__(
        self, resolver: Resolver, scopes: Sequence[Scope], entrypoints: Container[Location]
    ) -> None:
        self._resolver = resolver
        self._scopes = scopes
        self._entrypoints = entrypoints
        self._used: dict[str, bool] = {}
        self._dynamic: frozenset[str] | None = None

    def has(self, scope: Scope, node: ast.expr) -> bool:
        """Whether nothing runs an expression of a module."""
        around = next(
            (one for one in scope.file.tree.body if one.lineno <= node.lineno <= _end(one)), None
        )
        return isinstance(around, _Definition) and not self._runs(scope, around)

    def _runs(self, scope: Scope, definition: _Definition) -> bool:
        return (
            bool(definition.decorator_list)
            or scope.file.location(definition) in self._entrypoints
            or self._is_used(definition.name)
            or scope.file.module in self._dynamic_modules()
        )

    def _is_used(self, name: str) -> bool:
        if name not in self._used:
            self._used[name] = False  # a function that only calls itself is not used
            self._used[name] = any(self._is_mentioned(scope, name) for scope in self._scopes)
        return self._used[name]

    def _is_mentioned(self, scope: Scope, name: str) -> bool:
        if name not in scope.file.text:
            return False
        lines = scope.file.lines_with(re.compile(rf"\b{re.escape(name)}\b"))
        for statement in scope.file.tree.body:
            if not is_on(statement, lines):
                continue
            definition = statement if isinstance(statement, _Definition) else None
            if definition is not None and definition.name == name:
                continue
            for mention in _mentions_name(statement, name):
                if mention != name:  # imported under another name
                    if self._is_used(mention):
                        return True
                elif definition is None or self._runs(scope, definition):
                    return True
        return False

    def _dynamic_modules(self) -> frozenset[str]:
        """The modules in which code looks up names that are computed at run time."""
        if self._dynamic is None:
            found = (name for scope in self._scopes for name in self._looked_into(scope))
            self._dynamic = frozenset(found)
        return self._dynamic

    def _looked_into(self, scope: Scope) -> Iterator[str]:
        text = scope.file.text
        if any(word in text for word in _LOOKUPS):
            yield scope.file.module
        if "getattr(" not in text and "vars(" not in text and "__dict__" not in text:
            return
        lines = scope.file.lines_with(_LOOKUP)
        literal: set[ast.expr] = set()
        inner = (walk(one) for one in scope.file.tree.body if is_on(one, lines))
        for node in chain.from_iterable(inner):
            match node:
                case ast.Subscript(value=ast.Attribute() as table, slice=ast.Constant()):
                    literal.add(table)
                case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(), *_]):
                    continue
                case (
                    ast.Call(func=ast.Name(id="getattr" | "vars"), args=[looked, *_])
                    | ast.Attribute(attr="__dict__", value=looked)
                ) if node not in literal:
                    module = self._resolver.expression(scope, looked)
                    if isinstance(module, Module):
                        yield module.name


def _mentions_name(statement: ast.stmt, name: str) -> Iterator[str]:
    """The name once for each mention in a statement, and the names that imports bind it to."""
    if _is_export_list(statement):
        return
    for node in walk(statement):
        match node:
            case (
                ast.Name(id=found)
                | ast.Attribute(attr=found)
                | ast.Subscript(
                    value=ast.Attribute(attr="__dict__"), slice=ast.Constant(value=found)
                )
                | ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=found), *_])
            ) if found == name:
                yield name
            case ast.alias(name=found, asname=str(other)) if found == name and other != name:
                yield other


def _is_export_list(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets)


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno
