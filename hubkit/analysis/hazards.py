"""What cannot work in a hubconf, or after torch.hub has loaded it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hubkit.analysis.literals import read_strings
from hubkit.analysis.resolve import Defined, External
from hubkit.analysis.returns import is_module_class
from hubkit.analysis.scope import absolute_module
from hubkit.analysis.syntax import branches_of, statements, walk
from hubkit.facts import Oddity
from hubkit.lazy import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import Scope
    from hubkit.facts import OwnImport

# Methods that run once the model is there.
_LATER = pattern(r"forward\w*|__call__|predict\w*|generate\w*|inference|encode\w*|decode\w*")
# What dataclasses takes for a name that it must look up in the class's module: any annotation that
# is text and begins with an identifier (Lib/dataclasses.py, _MODULE_IDENTIFIER_RE).
_LOOKED_UP = pattern(r"\s*\w")
_INDENTED_IMPORT = pattern(r"^[ \t]+(?:import|from)\s", re.MULTILINE)


def find_oddities(
    hubconf: Scope, resolver: Resolver, scopes: Iterable[Scope], own_imports: Iterable[OwnImport]
) -> tuple[Oddity, ...]:
    """What fails because hubconf.py is no registered module, and its folder no lasting path.

    And what it says it exports and does not.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        scopes: The hubconf and the modules that it reaches.
        own_imports: The imports of the repo's modules in its reach.
    """
    found = [*_relative_imports(hubconf, hubconf.file.tree.body), *_classes(hubconf, resolver)]
    found += [*_own_module(hubconf, resolver), *_exports(hubconf, resolver)]
    loaded = {one.top for one in own_imports}
    for scope in scopes:
        found += _late_imports(scope, resolver, loaded)
    return tuple(found)


def _relative_imports(scope: Scope, body: Iterable[ast.stmt]) -> Iterator[Oddity]:
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.level:
            text = "." * statement.level + (statement.module or "")
            yield Oddity("relative-import", text, scope.file.location(statement))
        elif isinstance(statement, ast.FunctionDef):
            yield from _relative_imports(scope, statement.body)
        else:
            for branch in branches_of(statement) or ():
                if branch.runs_on_import and not branch.guarded:
                    yield from _relative_imports(scope, branch.body)


def _classes(scope: Scope, resolver: Resolver) -> Iterator[Oddity]:
    postponed = any(
        isinstance(statement, ast.ImportFrom)
        and statement.module == "__future__"
        and any(alias.name == "annotations" for alias in statement.names)
        for statement in scope.file.tree.body
    )
    for binding in scope.bindings.values():
        node = binding.value
        if not isinstance(node, ast.ClassDef):
            continue
        found = Defined(scope, node)
        if is_module_class(resolver, found):
            yield Oddity("module-class", node.name, scope.file.location(node))
        if _is_dataclass(found, resolver) and any(_annotations(node, postponed=postponed)):
            what = f"@dataclass with postponed annotations on `{node.name}`"
            yield Oddity("own-module", what, scope.file.location(node))


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


def _own_module(scope: Scope, resolver: Resolver) -> Iterator[Oddity]:
    if "__name__" not in scope.file.text:
        return
    for node in walk(scope.file.tree):
        match node:
            case ast.Subscript(value=value, slice=ast.Name(id="__name__")):
                target = resolver.expression(scope, value)
                if isinstance(target, External) and target.name == "sys.modules":
                    yield Oddity("own-module", "sys.modules[__name__]", scope.file.location(node))


def _exports(scope: Scope, resolver: Resolver) -> Iterator[Oddity]:
    """Names in ``__all__`` that the hubconf does not bind."""
    listed = scope.bindings.get("__all__")
    if listed is None:
        return
    for name in read_strings(scope, "__all__") or ():
        if resolver.name(scope, name) is None:
            yield Oddity("export", name, scope.file.location(listed.node))


def _late_imports(scope: Scope, resolver: Resolver, loaded: set[str]) -> Iterator[Oddity]:
    """Imports in methods that run after loading, of packages that loading does not import."""
    late: list[Oddity] = []
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
                    late.append(Oddity("late-import", module, scope.file.location(part)))
                else:
                    # It may run while the model is built, and then the package stays imported.
                    loaded.add(top)
    yield from (one for one in late if one.what.partition(".")[0] not in loaded)


def _imported(scope: Scope, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield absolute_module(scope.file, node)
