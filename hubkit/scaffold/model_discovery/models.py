"""A repo's models: its ``nn.Module`` classes, and the functions that give instances of them."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

from hubkit.analysis.classes import is_module_class
from hubkit.analysis.literals import read_strings
from hubkit.analysis.parameters import find_parameters, read_parameters
from hubkit.analysis.resolve import Defined
from hubkit.analysis.returns import ReturnsReader
from hubkit.facts import Model
from hubkit.scaffold.model_discovery.examples import find_example
from hubkit.scaffold.model_discovery.lazy import find_late_imports
from hubkit.scaffold.model_discovery.parts import find_parts, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver
    from hubkit.facts import Parameter
    from hubkit.scaffold.model_discovery.examples import Block
    from hubkit.scaffold.model_discovery.parts import Key
    from hubkit.scaffold.model_discovery.sources import OwnSource, Sources

_CONFIGS = frozenset({"config", "cfg", "conf", "configuration", "hparams"})


def find_models(sources: Sources, blocks: Iterable[Block]) -> tuple[Model, ...]:
    """The functions and classes that give modules.

    Args:
        sources: The repo's modules.
        blocks: Code that shows how models are built.
    """
    blocks = tuple(blocks)
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
        models.append(replace(model, example=find_example(model, blocks)))
    return tuple(models)


def _definitions(source: OwnSource) -> Iterator[Defined]:
    for name, binding in source.scope.bindings.items():
        node = binding.value
        if name.startswith("_") or not isinstance(node, ast.ClassDef | ast.FunctionDef):
            continue
        if node.name == name:
            yield Defined(source.scope, node)


def _gives(resolver: Resolver, reader: ReturnsReader, found: Defined) -> str:
    """Dotted name of the class of modules that calling it gives; "" for anything else."""
    module = found.scope.file.module
    if isinstance(found.node, ast.ClassDef):
        runs = _has_method(resolver, found, "forward")
        return f"{module}.{found.node.name}" if runs and is_module_class(resolver, found) else ""
    returns = reader.read(found)
    # conv3x3() gives a layer of torch's own, and nobody's model.
    is_model = returns.shape == "module" and not returns.description.startswith("torch.nn.")
    return returns.description if is_model else ""


def _has_method(resolver: Resolver, found: Defined, name: str) -> bool:
    """Whether a class has a method, its own or that of a base; a base outside may have any."""
    pending, seen = [found], 0
    while pending and seen < 32:
        current = pending.pop()
        seen += 1
        if not isinstance(current.node, ast.ClassDef):
            continue
        if any(isinstance(s, ast.FunctionDef) and s.name == name for s in current.node.body):
            return True
        for base in current.node.bases:
            target = resolver.expression(current.scope, base)
            if isinstance(target, Defined):
                pending.append(target)
            elif ast.unparse(base).rpartition(".")[2] != "Module":
                return True
    return False


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
    )


def _config_class(found: Defined, parameters: tuple[Parameter, ...] | None) -> ast.ClassDef | None:
    """The dataclass beside a model whose instance is all that it needs to be given."""
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
    """The fields of a dataclass, as parameters; None when some of them must be given."""
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

    What a star import brings is exported when the package, or the module, lists it.
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
    yield from read_strings(source.scope, "__all__") or ()
    for star in source.scope.stars:
        starred = sources.resolver.tree.scope(star.module)
        if starred is not None:
            yield from read_strings(starred, "__all__") or ()
