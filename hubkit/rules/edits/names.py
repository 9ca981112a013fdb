"""Where a module's own name is bound and read, inner scopes that hide it left out."""

from __future__ import annotations

import ast
import unicodedata
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct, field

from hubkit.rules.edits.source import FunctionNode, NamedNode, first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hubkit.rules.edits.source import Source

Scoped = FunctionNode | ast.Lambda
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Occurrences(Struct):
    """Every place that means one name of a module.

    Attributes:
        name: The name.
        lines: Lines that spell it; no other statements are looked into.
        names: Names that are read, assigned or deleted.
        aliases: Import aliases that bind it.
        definitions: Functions and classes that are called so.
        annotations: Strings in annotations, which may spell it.
        strings: Other strings that are exactly the name.
        exports: Those of them that stand in ``__all__``.
        doubtful: Whether it is bound in a way that is not followed, such as ``global``.
    """

    name: str
    lines: Sequence[int]
    names: list[ast.Name] = field(default_factory=list)
    aliases: list[ast.alias] = field(default_factory=list)
    definitions: list[ast.AST] = field(default_factory=list)
    annotations: list[ast.Constant] = field(default_factory=list)
    strings: list[ast.Constant] = field(default_factory=list)
    exports: list[ast.Constant] = field(default_factory=list)
    doubtful: bool = False

    def visit(self, nodes: Iterable[ast.AST | None], *, quoted: bool = False) -> None:
        """Look at nodes of one scope in which the name means the module's."""
        for node in nodes:
            if node is not None and not (isinstance(node, ast.stmt) and self._is_silent(node)):
                self._visit(node, quoted=quoted)

    def _is_silent(self, node: ast.stmt) -> bool:
        first, last = first_line(node), node.end_lineno or node.lineno
        return bisect_left(self.lines, first) == bisect_right(self.lines, last)

    def _visit(self, node: ast.AST, *, quoted: bool) -> None:  # noqa: C901 - a case a node type
        match node:
            case ast.Name(id=self.name):
                self.names.append(node)
            case ast.Constant(value=str(text)):
                self._string(node, text, quoted=quoted)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                self.aliases += [one for one in aliases if bound_by(one) == self.name]
            case (
                ast.ExceptHandler(name=self.name)
                | ast.MatchAs(name=self.name)
                | ast.MatchStar(name=self.name)
                | ast.MatchMapping(rest=self.name)
            ):
                self.doubtful = True
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                self.exports += self._spelled(value)
                self.visit(ast.iter_child_nodes(node))
            case ast.JoinedStr(values=values):
                # What f"{name=}" shows is the name.
                self.doubtful |= any(_shows(part, self.name) for part in values)
                self.visit(values)
            case ast.Subscript(value=value, slice=index) if _last_part(value) == "Literal":
                self.visit([value, index])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                self.visit([target, value])
                self.visit([annotation], quoted=True)
            case _:
                self.visit(ast.iter_child_nodes(node), quoted=quoted)

    def _string(self, node: ast.Constant, text: str, *, quoted: bool) -> None:
        if quoted and self.name in text:
            self.annotations.append(node)
        elif text == self.name:
            self.strings.append(node)

    def _spelled(self, node: ast.AST) -> list[ast.Constant]:
        return [
            part
            for part in ast.walk(node)
            if isinstance(part, ast.Constant) and part.value == self.name
        ]

    def _function(self, node: Scoped) -> None:
        arguments = node.args
        self.visit([*arguments.defaults, *arguments.kw_defaults])
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
        if not isinstance(node, ast.Lambda):
            self._named(node)
            annotated = [*_parameters(arguments)]
            self.visit([one.annotation for one in annotated] + [node.returns], quoted=True)
        bound = _bindings(body) | {one.arg for one in _parameters(arguments)}
        if self.name not in bound:
            self.visit(body)

    def _class(self, node: ast.ClassDef) -> None:
        self._named(node)
        self.visit([*node.bases, *(keyword.value for keyword in node.keywords)])
        # A class's own name hides the module's in its body only, and only once it is bound.
        self.doubtful |= self.name in _bindings(node.body)
        self.visit(node.body)

    def _named(self, node: NamedNode) -> None:
        self.visit(node.decorator_list)
        # Type parameters (Python 3.12) are a scope of their own, which is not followed.
        self.doubtful |= any(
            getattr(one, "name", "") == self.name for one in getattr(node, "type_params", ())
        )
        if node.name == self.name:
            self.definitions.append(node)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> None:
        first = node.generators[0]
        self.visit([first.iter])
        targets = {
            part.id
            for one in node.generators
            for part in ast.walk(one.target)
            if isinstance(part, ast.Name)
        }
        if self.name in targets:
            return
        inner = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.visit(inner)
        for one in node.generators:
            self.visit([one.target, *one.ifs] + ([] if one is first else [one.iter]))


def find_occurrences(source: Source, name: str) -> Occurrences:
    """Every place in a module that means one of its own names.

    Args:
        source: The module.
        name: The name.
    """
    text = source.text
    # Python takes a name that is written in other letters of the same look for the same name.
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    lines = [number for number, line in enumerate(text.split("\n"), 1) if name in line]
    found = Occurrences(name, lines)
    try:
        found.visit(source.tree.body)
    except RecursionError:
        found.doubtful = True  # nested too deeply to be followed: no fix is offered
    found.doubtful |= any(
        isinstance(node, ast.Global) and name in node.names
        for nodes in source.by_line.values()
        for node in nodes
    )
    return found


def is_taken(source: Source, node: ast.stmt, name: str) -> bool:
    """Whether a name that an import in a function binds means anything else, there or outside."""
    around = [
        one
        for nodes in source.by_line.values()
        for one in nodes
        if isinstance(one, FunctionNode) and first_line(one) < node.lineno <= (one.end_lineno or 0)
    ]
    innermost = max(around, key=lambda one: one.lineno)
    found = find_occurrences(source, name)
    means = found.doubtful or found.names or found.aliases or found.definitions
    return bool(means) or name == "*" or name in _bindings(innermost.body, without=node)


def _shows(part: ast.expr, name: str) -> bool:
    text = part.value if isinstance(part, ast.Constant) else ""
    return isinstance(text, str) and name in text and text.rstrip().endswith("=")


def bound_by(alias: ast.alias) -> str:
    """The name that an import alias binds."""
    return alias.asname or alias.name.partition(".")[0]


def _last_part(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "").lstrip("_")


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return listed + [extra for extra in (arguments.vararg, arguments.kwarg) if extra]


def _bindings(body: Iterable[ast.AST], without: ast.AST | None = None) -> set[str]:
    """Names that a scope has as its own, one of its nodes left out."""
    bound: set[str] = set()
    pending = list(body)
    while pending:
        node = pending.pop()
        if node is without:
            continue
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                bound |= {bound_by(alias) for alias in aliases}
            case ast.Nonlocal(names=names):
                bound |= set(names)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                bound.add(name)
        if isinstance(node, NamedNode):
            bound.add(node.name)
        elif isinstance(node, _COMPREHENSIONS):
            # Only what := binds in it belongs to the scope around.
            bound |= {one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr)}
        elif not isinstance(node, ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return bound
