"""Walking syntax trees, and the branches of compound statements.

A large repo has a million nodes, and half of them only load a name. Nodes without child nodes are
not visited, and contexts and operators are skipped, so this is several times as fast as
``ast.walk``.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias, cast

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Fields that hold texts, numbers, contexts or operators.
_PLAIN = frozenset(
    [
        "arg",
        "asname",
        "attr",
        "conversion",
        "ctx",
        "id",
        "is_async",
        "kind",
        "kwd_attrs",
        "level",
        "module",
        "name",
        "op",
        "ops",
        "rest",
        "simple",
        "type_comment",
        "type_ignores",
    ]
)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LEAVES = (ast.Constant, ast.Global, ast.Nonlocal, ast.MatchSingleton)


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node that hold nodes."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        names = tuple(name for name in kind._fields if name not in _PLAIN)
        if issubclass(kind, _LEAVES):
            names = ()
        elif kind.__name__ == "TypeAlias":  # ast has it since Python 3.12; its name is a node
            names = kind._fields
        self[kind] = names
        return names


_FIELDS = _Fields()


def child_nodes(node: ast.AST) -> list[ast.AST]:
    """The nodes directly in a node, in order."""
    found: list[ast.AST] = []
    for name in _FIELDS[node.__class__]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += filter(None, value)  # ``**`` in a dict has no key
        elif value is not None:
            found.append(value)
    return found


def walk(root: ast.AST) -> list[ast.AST]:
    """A node and all nodes in it, outer ones first."""
    found = [root]
    for node in found:
        for name in _FIELDS[node.__class__]:
            value = getattr(node, name, None)
            if value.__class__ is list:
                found += filter(None, value)
            elif value is not None:
                found.append(value)
    return found


def statements(body: Iterable[ast.stmt], *, nested: bool = True) -> list[ast.stmt]:
    """Statements and all statements in them, outer ones first.

    Args:
        body: The statements.
        nested: Whether to go into functions and classes.
    """
    found = list(body)
    for statement in found:
        if isinstance(statement, _DEFINITIONS) and not nested:
            continue
        for name in ("body", "orelse", "finalbody"):
            found += getattr(statement, name, ())
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            found += part.body
    return found


_IMPORT_FAILURES = frozenset(
    {
        *("ImportError", "ModuleNotFoundError", "Exception", "BaseException"),
        *("PackageNotFoundError", "DistributionNotFound"),
    }
)
_PLATFORM = frozenset({"platform", "version_info", "find_spec"})
# Names of variables and functions that say whether something optional is installed.
_AVAILABLE = re.compile(
    r"(?:^|_)(?:available|installed|has|have|with|use|enabled?|imported)(?:_|$)", re.IGNORECASE
)


class Branch(Struct, frozen=True):
    """One body of a compound statement.

    Attributes:
        body: Its statements.
        runs_on_import: False for what is only for type checkers or for running as a script.
        is_alternative: Whether it runs instead of an earlier branch.
        guarded: Whether a failing import in it is caught, or it runs only on some platforms or
            where something optional is installed.
        targets: Names that entering it binds.
    """

    body: list[ast.stmt]
    runs_on_import: bool = True
    is_alternative: bool = False
    guarded: bool = False
    targets: tuple[ast.expr, ...] = ()


def branches_of(statement: ast.stmt) -> tuple[Branch, ...] | None:
    """The bodies of a compound statement, or None for a simple one, a ``def`` or a ``class``."""
    match statement:
        case ast.If():
            return _if_branches(statement)
        case ast.Try():
            return _try_branches(statement)
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            targets = tuple(item.optional_vars for item in items if item.optional_vars)
            return (Branch(body, guarded=any(map(suppresses_import, items)), targets=targets),)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            names = tuple(node for node in walk(target) if isinstance(node, ast.Name))
            return (Branch(statement.body, targets=names), Branch(statement.orelse))
        case ast.While():
            return (Branch(statement.body), Branch(statement.orelse))
        case ast.Match(cases=cases):
            return tuple(
                Branch(case.body, is_alternative=True, targets=_captures(case.pattern))
                for case in cases
            )
    if statement.__class__.__name__ == "TryStar":  # ast has it since Python 3.11
        return _try_branches(cast("ast.Try", statement))
    return None


def _captures(pattern: ast.pattern) -> tuple[ast.expr, ...]:
    """The names that a pattern binds, as targets."""
    return tuple(
        ast.copy_location(ast.Name(name, ast.Store()), node)
        for node in walk(pattern)
        for name in _bound_names(node)
    )


def import_nodes(statements: Iterable[ast.stmt]) -> list[ast.AST]:
    """The nodes of a module that run when it is imported."""
    found: list[ast.AST] = []
    for statement in statements:
        branches = branches_of(statement)
        if branches is not None:
            found += _header_nodes(statement)
            for branch in branches:
                if branch.runs_on_import:
                    found += import_nodes(branch.body)
        elif isinstance(statement, ast.ClassDef):
            for part in (*statement.decorator_list, *statement.bases):
                found += walk(part)
            found += import_nodes(statement.body)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in (*statement.decorator_list, *statement.args.defaults):
                found += walk(part)
        else:
            found += _plain_nodes(statement)
    return found


def _header_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    for child in child_nodes(statement):
        if isinstance(child, ast.expr | ast.withitem):
            yield from _plain_nodes(child)


def _plain_nodes(node: ast.AST) -> list[ast.AST]:
    """Every node that runs with this one: not the inside of a lambda."""
    found, pending = [], [node]
    while pending:
        current = pending.pop()
        found.append(current)
        if current.__class__ is not ast.Lambda:
            pending += child_nodes(current)
    return found


def _if_branches(statement: ast.If) -> tuple[Branch, ...]:
    branches: list[Branch] = []
    while True:
        first, rest = _if_pair(statement, is_alternative=bool(branches))
        branches.append(first)
        match rest:
            # An elif; a long chain of them must not become deep recursion.
            case Branch(body=[ast.If() as inner], runs_on_import=True, guarded=False):
                statement = inner
            case _:
                return (*branches, rest)


def _if_pair(statement: ast.If, *, is_alternative: bool) -> tuple[Branch, Branch]:
    test, negated = statement.test, False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negated = test.operand, True
    runs, rest_runs, guarded = True, True, False
    if _is_type_checking(test):
        runs, rest_runs = negated, not negated
    elif _is_main_guard(test):
        runs = False
    else:
        guarded = _asks_platform(test)
    return (
        Branch(statement.body, runs, is_alternative, guarded or not runs),
        Branch(statement.orelse, rest_runs, True, guarded or not rest_runs),
    )


def _try_branches(statement: ast.Try) -> tuple[Branch, ...]:
    handlers = statement.handlers
    guarded = any(catches_import(handler) for handler in handlers)
    return (
        Branch(statement.body, guarded=guarded),
        *(Branch(handler.body, is_alternative=True, guarded=guarded) for handler in handlers),
        Branch(statement.orelse, guarded=False),
        Branch(statement.finalbody),
    )


def catches_import(handler: ast.ExceptHandler) -> bool:
    """Whether a handler swallows a failing import rather than raising."""
    if handler.body and isinstance(handler.body[-1], ast.Raise):
        return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(_last_name(kind) in _IMPORT_FAILURES for kind in kinds)


def suppresses(item: ast.withitem) -> bool:
    """Whether a context manager is ``contextlib.suppress``, under its name or ``_suppress``."""
    call = item.context_expr
    return isinstance(call, ast.Call) and _last_name(call.func).lstrip("_") == "suppress"


def suppresses_import(item: ast.withitem) -> bool:
    """Whether a context manager suppresses a failing import."""
    call = item.context_expr
    return (
        suppresses(item)
        and isinstance(call, ast.Call)
        and any(_last_name(kind) in _IMPORT_FAILURES for kind in call.args)
    )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_type_checking(test: ast.expr) -> bool:
    # A hubconf imports it with an underscore in front, so that torch.hub does not list it.
    return _last_name(test).lstrip("_") == "TYPE_CHECKING" or (
        isinstance(test, ast.Constant) and not test.value
    )


def _is_main_guard(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    if not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, *test.comparators]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _asks_platform(test: ast.expr) -> bool:
    for node in walk(test):
        if isinstance(node, ast.Attribute | ast.Name):
            name = _last_name(node)
            if name in _PLATFORM or _AVAILABLE.search(name):
                return True
    return False


# A call, or a conditional expression of which one side is evaluated.
Evaluated: TypeAlias = ast.Call | ast.IfExp

_DEFERRED = (ast.Lambda, ast.GeneratorExp)
_LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp)


class SyntaxCache(Struct, frozen=True):
    """What evaluating nodes calls and stores; the entrypoints of a repo share most of their code."""

    _calls: dict[tuple[ast.AST, bool], tuple[Evaluated, ...]] = field(default_factory=dict)
    _stores: dict[ast.AST, tuple[str, ...]] = field(default_factory=dict)
    _names: dict[ast.AST, frozenset[str]] = field(default_factory=dict)

    def calls_of(self, node: ast.AST, *, enters_loops: bool) -> tuple[Evaluated, ...]:
        """The calls that evaluating a node is certain to make, inner ones first.

        Args:
            node: An expression, or a statement without its body.
            enters_loops: Whether comprehensions run at least once.
        """
        key = (node, enters_loops)
        if key not in self._calls:
            self._calls[key] = tuple(_evaluated(node, enters_loops=enters_loops))
        return self._calls[key]

    def stores_of(self, node: ast.AST) -> tuple[str, ...]:
        """The names that a statement, with all that is in it, may bind."""
        if node not in self._stores:
            self._stores[node] = tuple({name for one in walk(node) for name in _bound_names(one)})
        return self._stores[node]

    def names_in(self, node: ast.AST) -> frozenset[str]:
        """The variables that a node reads or binds."""
        if node not in self._names:
            self._names[node] = frozenset(one.id for one in walk(node) if isinstance(one, ast.Name))
        return self._names[node]


def _evaluated(node: ast.AST, *, enters_loops: bool) -> list[Evaluated]:
    if isinstance(node, ast.IfExp):
        return [node]
    if isinstance(node, _DEFERRED) or (isinstance(node, _LOOPS) and not enters_loops):
        return []
    if isinstance(node, ast.BoolOp):
        return _evaluated(node.values[0], enters_loops=enters_loops)
    found: list[Evaluated] = []
    for child in child_nodes(node):
        if isinstance(child, ast.expr | ast.keyword | ast.comprehension):
            found += _evaluated(child, enters_loops=enters_loops)
    if isinstance(node, ast.Call):
        found.append(node)
    return found


def _bound_names(node: ast.AST) -> tuple[str, ...]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.alias(name=name, asname=asname):
            return (asname or name.partition(".")[0],)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            return (name,)
    return ()


def is_on(node: ast.stmt, lines: Sequence[int] | None) -> bool:
    """Whether a statement is on one of some lines, which are in order; None means all lines."""
    if lines is None:
        return True
    at = bisect_left(lines, first_line(node))
    return at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)


def first_line(node: ast.stmt) -> int:
    """The first line of a statement, including its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)]) if decorators else node.lineno
