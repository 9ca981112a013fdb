"""Code that cannot work in a hubconf, or after torch.hub has loaded it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.analysis.resolve import Defined, External
from hubkit.analysis.returns import is_module_class
from hubkit.analysis.scope import absolute_module
from hubkit.analysis.syntax import branches_of, statements, walk
from hubkit.analysis.values import read_strings
from hubkit.facts import (
    LateImport,
    MissingExport,
    ModuleClass,
    OwnModuleLookup,
    RelativeImport,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope
    from hubkit.facts import OwnImport

# Methods that run once the model is there.
_LATER = re.compile(r"forward\w*|__call__|predict\w*|generate\w*|inference|encode\w*|decode\w*")
# What dataclasses takes for a name that it must look up in the class's module: any annotation that
# is text and begins with an identifier (Lib/dataclasses.py, _MODULE_IDENTIFIER_RE).
_LOOKED_UP = re.compile(r"\s*\w")
_INDENTED_IMPORT = re.compile(r"^[ \t]+(?:import|from)\s", re.MULTILINE)


class Hazards(Struct, frozen=True):
    """Code that fails because torch.hub does not register hubconf.py and removes its path.

    Attributes:
        relative_imports: Relative imports in the hubconf.
        module_classes: Classes of ``nn.Module`` that the hubconf defines.
        own_module_lookups: Places that look the hubconf up in ``sys.modules``.
        late_imports: Imports of the repo's modules that run after loading.
        missing_exports: Names in ``__all__`` that the hubconf does not define.
    """

    relative_imports: tuple[RelativeImport, ...]
    module_classes: tuple[ModuleClass, ...]
    own_module_lookups: tuple[OwnModuleLookup, ...]
    late_imports: tuple[LateImport, ...]
    missing_exports: tuple[MissingExport, ...]


def find_hazards(
    hubconf: Scope, resolver: Resolver, scopes: Iterable[Scope], own_imports: Iterable[OwnImport]
) -> Hazards:
    """Find code that cannot work in a hubconf, or after torch.hub has loaded it.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        scopes: The hubconf and the modules that it reaches.
        own_imports: The imports of the repo's modules in its reach.
    """
    loaded = {one.top for one in own_imports}
    late = [one for scope in scopes for one in _late_imports(scope, resolver, loaded)]
    return Hazards(
        tuple(_relative_imports(hubconf, hubconf.file.tree.body)),
        tuple(_module_classes(hubconf, resolver)),
        (*_dataclasses(hubconf, resolver), *_own_module_lookups(hubconf, resolver)),
        tuple(dict.fromkeys(late)),
        tuple(_missing_exports(hubconf, resolver)),
    )


def _relative_imports(scope: Scope, body: Iterable[ast.stmt]) -> Iterator[RelativeImport]:
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.level:
            text = "." * statement.level + (statement.module or "")
            yield RelativeImport(text, scope.file.location(statement))
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _relative_imports(scope, statement.body)
        else:
            for branch in branches_of(statement) or ():
                if branch.runs_on_import and not branch.guarded:
                    yield from _relative_imports(scope, branch.body)


def _module_classes(scope: Scope, resolver: Resolver) -> Iterator[ModuleClass]:
    for node in _classes(scope):
        if is_module_class(resolver, Defined(scope, node)):
            yield ModuleClass(node.name, scope.file.location(node))


def _dataclasses(scope: Scope, resolver: Resolver) -> Iterator[OwnModuleLookup]:
    """Dataclasses with annotations that are text: ``dataclasses`` looks up the module for them."""
    postponed = any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and any(alias.name == "annotations" for alias in statement.names)
        for statement in scope.file.tree.body
    )
    for node in _classes(scope):
        is_dataclass = _is_dataclass(Defined(scope, node), resolver)
        if is_dataclass and any(_annotations(node, postponed=postponed)):
            code = f"@dataclass with postponed annotations on `{node.name}`"
            yield OwnModuleLookup(code, scope.file.location(node))


def _classes(scope: Scope) -> Iterator[ast.ClassDef]:
    for binding in scope.bindings.values():
        if isinstance(binding.value, ast.ClassDef):
            yield binding.value


def _is_dataclass(found: Defined, resolver: Resolver) -> bool:
    for decorator in found.node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = resolver.expression(found.scope, called)
        if isinstance(target, External) and target.name == "dataclasses.dataclass":
            return True
    return False


def _annotations(node: ast.ClassDef, *, postponed: bool) -> Iterator[ast.expr]:
    """Annotations that dataclasses sees as text."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            annotation = statement.annotation
            is_text = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
            if postponed or (is_text and _LOOKED_UP.match(str(annotation.value))):  # type: ignore[attr-defined]
                yield annotation


def _own_module_lookups(scope: Scope, resolver: Resolver) -> Iterator[OwnModuleLookup]:
    if "__name__" not in scope.file.text:
        return
    for node in walk(scope.file.tree):
        match node:
            case ast.Subscript(value=value, slice=ast.Name(id="__name__")):
                target = resolver.expression(scope, value)
                if isinstance(target, External) and target.name == "sys.modules":
                    yield OwnModuleLookup("sys.modules[__name__]", scope.file.location(node))


def _missing_exports(scope: Scope, resolver: Resolver) -> Iterator[MissingExport]:
    """Names in ``__all__`` that the hubconf does not bind."""
    listed = scope.bindings.get("__all__")
    if listed is None:
        return
    for name in read_strings(scope, "__all__") or ():
        if resolver.name(scope, name) is None:
            yield MissingExport(name, scope.file.location(listed.node))


def _late_imports(scope: Scope, resolver: Resolver, loaded: set[str]) -> Iterator[LateImport]:
    """Imports in methods that run after loading, of packages that loading does not import."""
    late: list[LateImport] = []
    if not _INDENTED_IMPORT.search(scope.file.text):
        return
    for node in statements(scope.file.tree.body):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for part in statements(node.body, nested=False):
            for module in _imported(scope, part):
                top = module.partition(".")[0]
                if resolver.tree.module(top) is None or top in loaded or not top:
                    continue
                if _LATER.fullmatch(node.name):
                    late.append(LateImport(module, scope.file.location(part)))
                else:
                    # It may run while the model is built, and then the package stays imported.
                    loaded.add(top)
    yield from (one for one in late if one.module.partition(".")[0] not in loaded)


def _imported(scope: Scope, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield absolute_module(scope.file, node)
