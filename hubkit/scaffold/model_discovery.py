"""Find the models of a repo without a hubconf, and how they are built."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit.analysis import read_docstring
from hubkit.analysis.calls import Body, CallGraph, find_callee
from hubkit.analysis.resolve import Defined
from hubkit.analysis.returns import ReturnsReader, is_module_class
from hubkit.analysis.signatures import find_parameters, read_parameters
from hubkit.analysis.syntax import branches_of, walk
from hubkit.analysis.values import read_all, write_literal
from hubkit.scaffold.model_sources import Model, find_examples, read_blocks, read_sources
from hubkit.scaffold.model_weights import read_urls, read_weights
from hubkit.scaffold.values import Values, read_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope
    from hubkit.facts import Files, Parameter
    from hubkit.scaffold.model_sources import Block, OwnSource, Sources
    from hubkit.scaffold.model_weights import WeightsFile

_CONFIGS = frozenset({"config", "cfg", "conf", "configuration", "hparams"})
Key = tuple[str, str]
# Far more than any model needs; a limit for hostile repos.
_MAX_BODIES = 200
# Compound statements whose bodies run.
_UNCONDITIONAL = (ast.With, ast.AsyncWith, ast.Try)


class ModelDiscovery(Struct, frozen=True):
    """The models of a repo and their weights, read from its source alone.

    Attributes:
        models: Functions and classes that return an ``nn.Module``, sorted by place.
        weights: Checkpoints in the repo.
        urls: URLs of checkpoints, each with the file that contains it.
        unread: Files whose models cannot be imported, each with the reason.
    """

    models: tuple[Model, ...] = ()
    weights: tuple[WeightsFile, ...] = ()
    urls: tuple[tuple[str, str], ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


def discover_models(files: Files) -> ModelDiscovery:
    """Find the models and the weights of a repo from its source.

    Nothing of the repo is imported or run.

    Args:
        files: The repo's files.
    """
    sources = read_sources(files)
    blocks = read_blocks(files)
    return ModelDiscovery(
        models=find_models(sources, blocks, read_values(files, blocks)),
        weights=read_weights(files),
        urls=read_urls(files),
        unread=sources.unread,
    )


def find_models(sources: Sources, blocks: tuple[Block, ...], values: Values) -> tuple[Model, ...]:
    """The functions and classes that return modules.

    Args:
        sources: The repo's modules.
        blocks: Code that may show how models are built.
        values: Values for their arguments from configuration files.
    """
    resolver, reader = sources.resolver, ReturnsReader(sources.resolver)
    definitions: list[tuple[OwnSource, Defined, str]] = []
    for source in sources.modules:
        for found in _definitions(source):
            gives = _gives(resolver, reader, found)
            if gives:
                definitions.append((source, found, gives))
    parts = find_parts(resolver, (found for _, found, _ in definitions))
    exports = _find_exports(sources)
    models = []
    for source, found, gives in definitions:
        model = _model(resolver, source, found, gives)
        module = exports.get(key_of(found), "")
        model = replace(
            model,
            module=module or model.module,
            is_exported=bool(module),
            is_part=key_of(found) in parts,
            late=find_late_imports(resolver, found),
        )
        names = [one.name for one in model.parameters or ()]
        examples = find_examples(model, blocks, values)
        models.append(replace(model, examples=examples, values=values.select(names)))
    built = {one.gives: one for one in models if one.kind == "class"}
    return tuple(_with_class(one, built.get(one.gives)) for one in models)


def _with_class(model: Model, built: Model | None) -> Model:
    """The model with what the class that it builds says of its parameters."""
    if built is None:
        return model
    return replace(model, fallbacks=_defaults(built), texts={**built.texts, **model.texts})


def _defaults(model: Model) -> dict[str, str]:
    """The defaults of a model's parameters that are literals."""
    pairs = ((one.name, write_literal(one.default or "")) for one in model.parameters or ())
    return {name: source for name, source in pairs if source}


def _definitions(source: OwnSource) -> Iterator[Defined]:
    for name, binding in source.scope.bindings.items():
        node = binding.value
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name != name:
            continue
        if not name.startswith("_") or isinstance(node, ast.ClassDef):
            yield Defined(source.scope, node)


def _gives(resolver: Resolver, reader: ReturnsReader, found: Defined) -> str:
    """Dotted name of the module class that a call returns; "" for anything else."""
    module = found.scope.file.module
    if isinstance(found.node, ast.ClassDef):
        runs = _find_forward(resolver, found) is not None
        return f"{module}.{found.node.name}" if runs and is_module_class(resolver, found) else ""
    returns = reader.read(found)
    # A function such as conv3x3() returns a layer of torch, not a model.
    is_model = returns.shape == "module" and not returns.description.startswith("torch.nn.")
    return returns.description if is_model else ""


def _find_forward(resolver: Resolver, found: Defined) -> tuple[str, ...] | None:
    """What ``forward`` of a class or its bases requires; () if a base outside the repo may have it.

    None if there is no such method.
    """
    pending, seen = [found], 0
    while pending and seen < 32:
        current = pending.pop()
        seen += 1
        if not isinstance(current.node, ast.ClassDef):
            continue
        for one in current.node.body:
            if isinstance(one, ast.FunctionDef) and one.name == "forward":
                names = [argument.arg for argument in (*one.args.posonlyargs, *one.args.args)]
                return tuple(names[1 : len(names) - len(one.args.defaults)])
        for base in current.node.bases:
            target = resolver.expression(current.scope, base)
            if isinstance(target, Defined):
                pending.append(target)
            elif ast.unparse(base).rpartition(".")[2] != "Module":
                return ()
    return None


def _model(resolver: Resolver, source: OwnSource, found: Defined, gives: str) -> Model:
    node, file = found.node, found.scope.file
    parameters = find_parameters(resolver, found)
    config = _config_class(found, parameters)
    if config is not None:
        parameters = read_fields(found, config)
    doc = ast.get_docstring(node)
    return Model(
        name=node.name,
        module=file.module,
        root=source.root,
        kind="class" if isinstance(node, ast.ClassDef) else "function",
        parameters=parameters,
        docstring=inspect.cleandoc(doc) if doc else None,
        gives=gives,
        location=file.location(node),
        config=config.name if config is not None else "",
        takes=_find_forward(resolver, found) or (),
        texts=_read_texts(resolver, found),
    )


def _read_texts(resolver: Resolver, found: Defined) -> dict[str, str]:
    """Descriptions of parameters in the docstrings of a definition and of its base classes."""
    texts: dict[str, str] = {}
    for one in _with_bases(resolver, found):
        inits = [
            node
            for node in one.node.body
            if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        ]
        for node in (one.node, *(inits if isinstance(one.node, ast.ClassDef) else ())):
            read = dict(read_docstring(ast.get_docstring(node) or "").parameters)
            texts = {**read, **{name: text for name, text in texts.items() if text}}
    return texts


def _with_bases(resolver: Resolver, found: Defined) -> Iterator[Defined]:
    """A definition, and the base classes of a class that are in the repo, nearest first."""
    pending, seen = [found], 0
    while pending and seen < limits.CLASS_BASES.most:
        current = pending.pop(0)
        seen += 1
        yield current
        for base in current.node.bases if isinstance(current.node, ast.ClassDef) else ():
            target = resolver.expression(current.scope, base)
            if isinstance(target, Defined):
                pending.append(target)


def _config_class(found: Defined, parameters: tuple[Parameter, ...] | None) -> ast.ClassDef | None:
    """The dataclass in the same module whose instance is the only required argument."""
    needed = [one for one in parameters or () if one.required]
    if len(needed) != 1 or needed[0].name not in _CONFIGS:
        return None
    for name in (f"{found.node.name}Config", needed[0].annotation or "", "Config"):
        binding = found.scope.bindings.get(name)
        node = binding.value if binding else None
        if isinstance(node, ast.ClassDef) and read_fields(found, node):
            return node
    return None


def read_fields(found: Defined, config: ast.ClassDef) -> tuple[Parameter, ...] | None:
    """The fields of a dataclass, as parameters; None if some of them are required."""
    if not any("dataclass" in ast.unparse(one) for one in config.decorator_list):
        return None
    fields = [s for s in config.body if isinstance(s, ast.AnnAssign)]
    if not fields or not all(
        isinstance(one.target, ast.Name) and one.value is not None for one in fields
    ):
        return None
    arguments = ast.arguments(
        posonlyargs=[],
        args=[],
        kwonlyargs=[ast.arg(one.target.id, one.annotation) for one in fields],  # type: ignore[union-attr]
        kw_defaults=[one.value for one in fields],
        defaults=[],
    )
    return read_parameters(found.scope.file, arguments, bound=False)


def _find_exports(sources: Sources) -> dict[Key, str]:
    """The shortest package that re-exports each definition by its name.

    A name from a star import is exported if the package, or the module, lists it.
    """
    found: dict[Key, str] = {}
    packages = [one for one in sources.modules if one.scope.file.is_package]
    for source in sorted(packages, key=lambda one: one.scope.file.module.count(".")):
        module = source.scope.file.module
        for name in _exported_names(sources, source):
            target = sources.resolver.name(source.scope, name)
            if (
                isinstance(target, Defined)
                and target.node.name == name
                and target.scope is not source.scope
            ):
                found.setdefault(key_of(target), module)
    return found


def _exported_names(sources: Sources, source: OwnSource) -> Iterator[str]:
    yield from source.scope.bindings
    yield from read_all(source.scope) or ()
    for star in source.scope.stars:
        starred = sources.resolver.tree.scope(star.module)
        if starred is not None:
            yield from read_all(starred) or ()


def find_parts(resolver: Resolver, found: Iterable[Defined]) -> frozenset[Key]:
    """Find models that are parts of others: a class uses them, or a function passes them on uncalled.

    Args:
        resolver: Resolves names.
        found: Functions and classes that return modules.

    Returns:
        Path and name of each part.
    """
    found = tuple(found)
    names = frozenset(one.node.name for one in found)
    parts: set[Key] = set()
    for one in found:
        own = key_of(one)
        parts.update(key for key in _used_definitions(resolver, one, names) if key != own)
    return frozenset(parts)


def key_of(found: Defined) -> Key:
    """The key of a definition: its path and its name."""
    return found.scope.file.path, found.node.name


def _used_definitions(resolver: Resolver, one: Defined, names: frozenset[str]) -> Iterator[Key]:
    for scope, nodes in _bodies(resolver, one):
        skipped = _type_mentions(nodes)
        if not isinstance(one.node, ast.ClassDef):
            skipped |= {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            name = _last_name(node)
            # Resolving every name takes long. An import may rename a model.
            if not name or id(node) in skipped:
                continue
            if name not in names and name not in one.scope.bindings:
                continue
            target = resolver.expression(scope, node)  # type: ignore[arg-type]
            if isinstance(target, Defined):
                yield key_of(target)


def _bodies(resolver: Resolver, one: Defined) -> Iterator[tuple[Scope, list[ast.AST]]]:
    """The nodes of a function, or of a class and its methods, each with the scope of its names."""
    if not isinstance(one.node, ast.ClassDef):
        yield resolver.inside(one.scope, one.node).scope, walk(one.node)
        return
    # Its bases are not parts of it.
    for statement in one.node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield resolver.inside(one.scope, statement).scope, walk(statement)
        else:
            yield one.scope, walk(statement)


def _type_mentions(nodes: Iterable[ast.AST]) -> set[int]:
    """Nodes that name a type without building it: annotations and ``isinstance``."""
    found: set[int] = set()
    for node in nodes:
        match node:
            case (
                ast.arg(annotation=ast.expr() as annotation) | ast.AnnAssign(annotation=annotation)
            ):
                found.update(id(inner) for inner in walk(annotation))
            case ast.FunctionDef(returns=ast.expr() as annotation):
                found.update(id(inner) for inner in walk(annotation))
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, annotation]):
                found.update(id(inner) for inner in walk(annotation))
    return found


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def find_late_imports(resolver: Resolver, built: Defined) -> tuple[str, ...]:
    """Top-level modules from outside the repo that functions import while they build a model.

    Args:
        resolver: Resolves names.
        built: The function or class that builds the model.
    """
    graph = CallGraph(resolver, max_functions=_MAX_BODIES, max_depth=_MAX_BODIES)
    graph.add_call(built, Body(built.scope))
    for body in graph.bodies():
        for node in body.nodes:
            if isinstance(node, ast.Call):
                target, owner = find_callee(resolver, body.scope, node.func, body.owner)
                if isinstance(target, Defined):
                    graph.add_call(target, body, owner)
    found: dict[str, None] = {}
    for one in graph.reached:
        for name in _unconditional_imports(one.node.body):
            if resolver.tree.module(name) is None:
                found[name] = None
    return tuple(found)


def _unconditional_imports(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Top-level modules that statements import unconditionally."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
            yield statement.module.partition(".")[0]
        branches = branches_of(statement) if isinstance(statement, _UNCONDITIONAL) else ()
        for branch in branches or ():
            if not (branch.guarded or branch.is_alternative):
                yield from _unconditional_imports(branch.body)
