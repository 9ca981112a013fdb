"""The interpreter of calls: what a call reaches, and what a function does with known arguments.

``find_callee`` answers what an expression that is called stands for. ``CallGraph`` visits every
function that calls may reach. ``Interpreter`` runs a function abstractly: it follows the values of
local variables through assignments and branches, joins them where branches meet, and records what
is certain to happen.
"""

from __future__ import annotations

import ast
import re
from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from hubkit.analysis.resolve import Defined, External
from hubkit.analysis.signatures import method_of
from hubkit.analysis.syntax import (
    catches_import,
    statements,
    suppresses,
    suppresses_import,
    walk,
)
from hubkit.analysis.values import UNKNOWN, Unknown, find_value, path_in_repo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hubkit.analysis.resolve import Resolver, Target
    from hubkit.analysis.scope import FunctionNode, Scope
    from hubkit.analysis.values import Value

_DOWNLOADS = frozenset(
    {
        "torch.hub.load_state_dict_from_url",
        "torch.hub.download_url_to_file",
        "torch.utils.model_zoo.load_url",
        "torchvision.models.utils.load_state_dict_from_url",
        "torchvision._internally_replaced_utils.load_state_dict_from_url",
        "huggingface_hub.hf_hub_download",
        "huggingface_hub.snapshot_download",
        "urllib.request.urlretrieve",
        "urllib.urlretrieve",  # Python 2, tried first in try-imports
        "gdown.download",
        "wget.download",
    }
)
_READERS = frozenset({"open", "torch.load", "torch.jit.load", "numpy.load"})
_PATH_READERS = frozenset({"open", "read_bytes", "read_text"})
# Given a path, these create nothing there.
_TOUCHES_NOTHING = re.compile(
    r"(os\.path|pathlib|sys|logging|posixpath)\..*|os\.(fspath|environ.*|listdir|getenv)|print|str|repr"
)
_WRITES = re.compile("[wax+]")
_FACTORIES = ("torchvision.models.", "timm.")
_MAX_DEPTH = 6
_MAX_STEPS = 20_000
_VALUES_PER_STEP = 64


def find_method(
    resolver: Resolver, scope: Scope, function: ast.expr, owner: Defined | None = None
) -> Defined | None:
    """The method of the repo that ``Class.method``, ``self.method`` or ``cls.method`` names.

    Args:
        resolver: Looks names up.
        scope: The names where it stands.
        function: The expression that is called.
        owner: The class of ``self`` and ``cls``, or None.
    """
    if not isinstance(function, ast.Attribute):
        return None
    holder = _holder(resolver, scope, function, owner)
    if holder is None:
        return None
    method = method_of(resolver, holder, function.attr)
    return Defined(*method) if method else None


def find_callee(
    resolver: Resolver, scope: Scope, function: ast.expr, owner: Defined | None = None
) -> tuple[Target | None, Defined | None]:
    """What a call reaches, and the class that ``self`` and ``cls`` mean there.

    Args:
        resolver: Looks names up.
        scope: The names where the call stands.
        function: The expression that is called.
        owner: The class of ``self`` and ``cls`` where the call stands, or None.
    """
    if isinstance(function, ast.Name) and function.id == "cls" and owner is not None:
        return owner, None
    target = resolver.expression(scope, function)
    if target is None and isinstance(function, ast.Attribute):
        holder = _holder(resolver, scope, function, owner)
        method = method_of(resolver, holder, function.attr) if holder else None
        return (Defined(*method), holder) if method else (None, None)
    return target, None


def _holder(
    resolver: Resolver, scope: Scope, function: ast.Attribute, owner: Defined | None
) -> Defined | None:
    """The class of the repo that an attribute is looked up in."""
    if isinstance(function.value, ast.Name) and function.value.id in ("self", "cls"):
        return owner
    holder = resolver.expression(scope, function.value)
    is_class = isinstance(holder, Defined) and isinstance(holder.node, ast.ClassDef)
    return holder if is_class and isinstance(holder, Defined) else None


class Body(Struct, frozen=True):
    """Code that runs together.

    Attributes:
        scope: The names there.
        nodes: Its statements, and every node in them.
        on_import: Whether importing the hubconf runs it.
        without_weights: Whether it runs although an entrypoint was called without weights.
        depth: How many calls lead here.
        owner: The class of ``self`` and ``cls``, or None.
    """

    scope: Scope
    nodes: tuple[ast.AST, ...] = ()
    on_import: bool = False
    without_weights: bool = False
    depth: int = -1
    owner: Defined | None = None


class CallGraph(Struct):
    """The functions of the repo that calls may reach, each visited once, nearest first.

    The limits are far above what real repos need; they bound the time that hostile ones take.

    Attributes:
        resolver: Looks names up.
        max_functions: How many functions are visited at most.
        max_depth: How many calls in a row are followed.
        reached: The functions, in the order in which they were reached.
    """

    resolver: Resolver
    max_functions: int = 4000
    max_depth: int = 8
    reached: list[Defined] = field(default_factory=list)
    _queue: deque[Body] = field(default_factory=deque)
    _visited: set[int] = field(default_factory=set)

    def add(self, body: Body) -> None:
        """Put in code that is not a function's."""
        self._queue.append(body)

    def add_call(self, found: Defined, caller: Body, owner: Defined | None = None) -> None:
        """Put in a function, or the constructor of a class, that is called."""
        if isinstance(found.node, ast.ClassDef):
            constructor = method_of(self.resolver, found, "__init__")
            if constructor:
                self.add_call(Defined(*constructor), caller, owner=found)
            return
        if id(found.node) in self._visited or caller.depth > self.max_depth:
            return
        self._visited.add(id(found.node))
        self.reached.append(found)
        inner = self.resolver.inside(found.scope, found.node)
        self._queue.append(
            replace(
                caller, scope=inner.scope, nodes=inner.nodes, depth=caller.depth + 1, owner=owner
            )
        )

    def bodies(self) -> Iterator[Body]:
        """Bodies that were not visited yet; more may be added during iteration."""
        while self._queue and len(self._visited) < self.max_functions:
            yield self._queue.popleft()


class _Frame(Struct):
    """A function while it is interpreted.

    Attributes:
        scope: Its names.
        values: The values of its local variables.
        owner: The class of ``self`` and ``cls``, or None.
        depth: How many calls lead here.
        is_certain: Whether the statements are certain to run once the function is called, unless
            it returned before.
        may_have_left: Whether the function may have returned before, or raised what is caught.
        guards_imports: Whether a failing import is caught here, so that what follows it may not
            run.
        resumes: Whether something here runs even if the function may have left before: ``finally``,
            or what follows a loop that ``break`` ends.
        completes: For a branch that was interpreted: whether its end is reached.
        extra: The name of the function's ``**kwargs``, if what the call passes in them is known. In
            ``values``, the keys in them are the words of the text under the name with two stars.
    """

    scope: Scope
    values: dict[str, Value]
    owner: Defined | None = None
    depth: int = 0
    is_certain: bool = True
    may_have_left: bool = False
    guards_imports: bool = False
    resumes: bool = False
    completes: bool = True
    extra: str = ""

    @property
    def records(self) -> bool:
        """Whether the current statement is certain to run."""
        return self.is_certain and not self.may_have_left


class Interpreter(Struct):
    """Runs functions abstractly, and records what is certain to happen.

    Something is certain when every call with the same arguments does it, unless it raises before.
    A raised exception that nothing catches does not count as another way to go: whoever meets it
    has no model either way.

    Attributes:
        resolver: Looks names up.
        assumed: Values that hold in every function, such as ``{EXISTS: False}``.
        follows_calls: Whether functions of the repo are interpreted where they are called.
        enters_loops: Whether bodies of loops run at least once.
        notes_paths: Whether to note the paths that are opened and created.
        downloads: Calls that download, with the names around them and the function called.
        failures: Statements that raise and are not caught, with the names around them.
        moves: Calls that put something on a GPU, with the names around them.
        built: Classes of the repo that are constructed.
        reads: Paths in the repo that are opened, unless something before may have created them, with
            the call and the names around it.
    """

    resolver: Resolver
    assumed: dict[str, Value] = field(default_factory=dict)
    follows_calls: bool = True
    enters_loops: bool = False
    notes_paths: bool = False
    downloads: list[tuple[ast.Call, Scope, str]] = field(default_factory=list)
    failures: list[tuple[ast.stmt, Scope]] = field(default_factory=list)
    moves: list[tuple[ast.Call, Scope]] = field(default_factory=list)
    built: dict[ast.ClassDef, Defined] = field(default_factory=dict)
    reads: list[tuple[str, ast.Call, Scope]] = field(default_factory=list)
    _created: set[str] = field(default_factory=set)
    _running: set[int] = field(default_factory=set)
    _steps: int = 0
    _catching: int = 0

    def call(
        self,
        found: Defined,
        values: Mapping[str, Value],
        *,
        owner: Defined | None = None,
        depth: int = 0,
        passes_all_by_name: bool = True,
    ) -> None:
        """Interpret a call of a function, or of a class's constructor.

        Args:
            found: The function or class.
            values: The arguments, by the names of their parameters.
            owner: The class of ``self`` and ``cls``, or None.
            depth: How many calls lead here.
            passes_all_by_name: Whether nothing is passed that only ``**kwargs`` takes.
        """
        if isinstance(found.node, ast.ClassDef):
            self.built.setdefault(found.node, found)
            constructor = method_of(self.resolver, found, "__init__")
            if constructor is None:
                return
            found, owner = Defined(*constructor), found
        node = found.node
        if isinstance(node, ast.ClassDef) or id(node) in self._running or depth > _MAX_DEPTH:
            return
        self._running.add(id(node))
        scope = self.resolver.inside(found.scope, node).scope
        variables = {**self.assumed, **default_values(node), **values}
        extra = node.args.kwarg.arg if node.args.kwarg and passes_all_by_name else ""
        if extra:
            variables[f"**{extra}"] = ""
        self._run(_Frame(scope, variables, owner, depth, extra=extra), node.body)
        self._running.discard(id(node))

    def _run(self, frame: _Frame, body: Iterable[ast.stmt]) -> bool:
        """Interpret statements; whether their end is reached."""
        return all(self._statement(frame, statement) for statement in body)

    def _statement(self, frame: _Frame, statement: ast.stmt) -> bool:
        self._steps += 1
        if self._steps > _MAX_STEPS or (frame.may_have_left and not frame.resumes):
            return False  # Nothing that follows is certain.
        match statement:
            case ast.If():
                return self._if(frame, statement)
            case ast.Return() | ast.Raise() | ast.Assert():
                return self._leave(frame, statement)
            case ast.With() | ast.AsyncWith():
                return self._with(frame, statement)
            case ast.For() | ast.AsyncFor() | ast.While():
                return self._loop(frame, statement)
            case ast.Match():
                return self._match(frame, statement)
            case ast.Break() | ast.Continue():
                frame.may_have_left = True
                return False
        if statement.__class__.__name__ in ("Try", "TryStar"):  # ast has the latter since 3.11
            return self._try(frame, statement)  # type: ignore[arg-type]
        self._simple(frame, statement)
        return True

    def _simple(self, frame: _Frame, statement: ast.stmt) -> None:
        self._follow_statement(frame, statement)
        if frame.extra:
            self._note_extra(frame, statement)

    def _note_extra(self, frame: _Frame, statement: ast.stmt) -> None:
        """Note what a statement may do to ``**kwargs``."""
        if frame.extra not in self.resolver.syntax.names_in(statement):
            return
        name = f"**{frame.extra}"
        for node in walk(statement):
            match node:
                case ast.Subscript(
                    value=ast.Name(id=target), slice=ast.Constant(value=str(key)), ctx=ast.Store()
                ) if target == frame.extra and isinstance(frame.values.get(name), str):
                    frame.values[name] = f"{frame.values[name]} {key}"
                case ast.Name(id=target, ctx=ast.Store()) if target == frame.extra:
                    frame.values[name] = UNKNOWN
                case (
                    ast.Subscript(value=ast.Name(id=target), ctx=ast.Store() | ast.Del())
                    | ast.Call(
                        func=ast.Attribute(value=ast.Name(id=target), attr="update" | "setdefault")
                    )
                ) if target == frame.extra:
                    frame.values[name] = UNKNOWN
                case ast.Call(args=arguments):
                    if any(
                        isinstance(one, ast.Name) and one.id == frame.extra for one in arguments
                    ):
                        frame.values[name] = UNKNOWN

    def _follow_statement(self, frame: _Frame, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                frame.values[statement.name] = UNKNOWN
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                self._evaluate(frame, value)
                self._forget(frame, [value])
                frame.values[name] = self._value(frame, value)
            case ast.Import() | ast.ImportFrom():
                self._forget(frame, [statement])
                frame.is_certain &= not frame.guards_imports
            case _:
                self._evaluate(frame, statement)
                self._forget(frame, [statement])

    def _if(self, frame: _Frame, statement: ast.If) -> bool:
        """Interpret an ``if`` with its ``elif``; a long chain of them needs no deep recursion."""
        branches: list[_Frame] = []
        was_certain = frame.is_certain
        while True:
            self._evaluate(frame, statement.test)
            holds = self._value(frame, statement.test)
            self._forget(frame, [statement.test])
            if isinstance(holds, Unknown):
                branches.append(self._branch(frame, statement.body))
                frame.is_certain = False
            rest = statement.body if holds is not UNKNOWN and holds else statement.orelse
            if rest is statement.orelse and len(rest) == 1 and isinstance(rest[0], ast.If):
                statement = rest[0]
                continue
            break
        if not branches:
            return self._run(frame, rest)
        branches.append(self._branch(frame, rest))
        frame.is_certain = was_certain
        return _join(frame, branches)

    def _branch(
        self, frame: _Frame, body: Iterable[ast.stmt], values: Mapping[str, Value] | None = None
    ) -> _Frame:
        """Interpret statements that may run, in a copy of the frame."""
        start = dict(frame.values if values is None else values)
        # Copying and joining the values of a hostile function's thousands of variables counts, too.
        self._steps += len(start) // _VALUES_PER_STEP
        branch = _Frame(
            frame.scope,
            start,
            frame.owner,
            frame.depth,
            is_certain=False,
            guards_imports=frame.guards_imports,
            resumes=frame.resumes,
            extra=frame.extra,
        )
        branch.completes = self._run(branch, body)
        return branch

    def _leave(self, frame: _Frame, statement: ast.Return | ast.Raise | ast.Assert) -> bool:
        self._evaluate(frame, statement)
        if isinstance(statement, ast.Assert) and self._value(frame, statement.test) is not False:
            return True
        if isinstance(statement, ast.Return) or self._catching:
            frame.may_have_left = True
        elif frame.records:
            self.failures.append((statement, frame.scope))
        return False

    def _with(self, frame: _Frame, statement: ast.With | ast.AsyncWith) -> bool:
        for item in statement.items:
            self._evaluate(frame, item.context_expr)
            self._forget(frame, [item])
        if not any(map(suppresses, statement.items)):
            return self._run(frame, statement.body)
        guards = any(map(suppresses_import, statement.items))
        return self._protected(frame, statement.body, [], [("", [])], guards_imports=guards)

    def _try(self, frame: _Frame, statement: ast.Try) -> bool:
        had_left, resumed = frame.may_have_left, frame.resumes
        frame.resumes = resumed or bool(statement.finalbody)
        handlers = [(one.name or "", one.body) for one in statement.handlers]
        guards = any(map(catches_import, statement.handlers))
        completes = self._protected(
            frame, statement.body, statement.orelse, handlers, guards_imports=guards
        )
        frame.resumes = resumed
        if not statement.finalbody:
            return completes
        # It runs whatever happened before.
        has_left, frame.may_have_left = frame.may_have_left, had_left
        finishes = self._run(frame, statement.finalbody)
        frame.may_have_left |= has_left
        return completes and finishes

    def _protected(
        self,
        frame: _Frame,
        body: Sequence[ast.stmt],
        orelse: Sequence[ast.stmt],
        handlers: Sequence[tuple[str, Sequence[ast.stmt]]],
        *,
        guards_imports: bool,
    ) -> bool:
        """Interpret statements that handlers protect, and join all the ways to go on.

        A handler starts with what held before, less what the statements may have changed.
        """
        interrupted = dict(frame.values)
        was_certain, guarded = frame.is_certain, frame.guards_imports
        frame.guards_imports = guarded or guards_imports
        self._catching += bool(handlers)
        completes = self._run(frame, body)
        self._catching -= bool(handlers)
        frame.guards_imports = guarded
        completes = completes and self._run(frame, orelse)
        frame.is_certain = was_certain
        for statement in body:
            interrupted.update(dict.fromkeys(self.resolver.syntax.stores_of(statement), UNKNOWN))
        if frame.extra:
            interrupted[f"**{frame.extra}"] = UNKNOWN
        branches = [replace(frame, values=dict(frame.values), completes=completes)]
        for name, handler in handlers:
            interrupted_here = {**interrupted, name: UNKNOWN} if name else interrupted
            branches.append(self._branch(frame, handler, interrupted_here))
        return _join(frame, branches)

    def _loop(self, frame: _Frame, statement: ast.For | ast.AsyncFor | ast.While) -> bool:
        self._evaluate(
            frame, statement.test if isinstance(statement, ast.While) else statement.iter
        )
        self._forget(frame, [statement])
        if frame.extra:
            self._note_extra(frame, statement)
        if self.enters_loops and not isinstance(statement, ast.While):
            had_left, resumed = frame.may_have_left, frame.resumes
            frame.resumes = True
            self._run(frame, statement.body)
            self._forget(frame, [statement])
            frame.may_have_left, frame.resumes = had_left, resumed
        frame.may_have_left |= self._may_leave(statement)
        return True

    def _may_leave(self, loop: ast.stmt) -> bool:
        leaving = (ast.Return, ast.Raise) if self._catching else (ast.Return,)
        return any(isinstance(one, leaving) for one in statements([loop], nested=False))

    def _match(self, frame: _Frame, statement: ast.Match) -> bool:
        self._evaluate(frame, statement.subject)
        subject = self._value(frame, statement.subject)
        branches: list[_Frame] = []
        for case in statement.cases:
            matches = _matches(case.pattern, subject)
            if matches is False:
                continue
            bound = self.resolver.syntax.stores_of(case)
            values = {**frame.values, **dict.fromkeys(bound, UNKNOWN)}
            if matches and case.guard is None:
                if not branches:
                    frame.values = values
                    return self._run(frame, case.body)
                branches.append(self._branch(frame, case.body, values))
                return _join(frame, branches)
            branches.append(self._branch(frame, case.body, values))
        return _join(frame, [*branches, self._branch(frame, [])])

    def _value(self, frame: _Frame, node: ast.expr) -> Value:
        return find_value(self.resolver, frame.scope, node, frame.values)

    def _forget(self, frame: _Frame, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            for name in self.resolver.syntax.stores_of(node):
                frame.values[name] = UNKNOWN

    def _evaluate(self, frame: _Frame, node: ast.expr | ast.stmt) -> None:
        """Follow the calls that evaluating a node is certain to make."""
        if not frame.records:
            if self.notes_paths:
                self._note_created(frame, node)
            return
        for one in self.resolver.syntax.calls_of(node, enters_loops=self.enters_loops):
            if isinstance(one, ast.Call):
                self._call(frame, one)
                continue
            holds = self._value(frame, one.test)
            if not isinstance(holds, Unknown):
                self._evaluate(frame, one.body if holds else one.orelse)

    def _call(self, frame: _Frame, node: ast.Call) -> None:
        target, owner = find_callee(self.resolver, frame.scope, node.func, frame.owner)
        if not self._catching and target is None and self._moves_to_gpu(frame, node):
            self.moves.append((node, frame.scope))
        if self.notes_paths and not isinstance(target, Defined):
            self._note_paths(frame, node)
        match target:
            case External(name):
                if name in _DOWNLOADS or (
                    name.startswith(_FACTORIES) and self._requests_weights(frame, node)
                ):
                    self.downloads.append((node, frame.scope, name))
            case Defined() as found if self.follows_calls:
                values = self._bind(frame, node, found)
                self.call(
                    found,
                    values,
                    owner=owner,
                    depth=frame.depth + 1,
                    passes_all_by_name=self._passes_all_by_name(frame, node, found),
                )

    def _note_created(self, frame: _Frame, node: ast.expr | ast.stmt) -> None:
        """Note the paths that calls may create which are not certain to happen."""
        for one in self.resolver.syntax.calls_of(node, enters_loops=True):
            if isinstance(one, ast.Call) and not self._touches_nothing(frame, one):
                self._created.update(self._paths(frame, one))

    def _touches_nothing(self, frame: _Frame, node: ast.Call) -> bool:
        name = self.resolver.external(frame.scope, node.func)
        return _TOUCHES_NOTHING.fullmatch(name) is not None

    def _note_paths(self, frame: _Frame, node: ast.Call) -> None:
        """Note the paths in the repo that a call outside the repo opens or may create."""
        name = self.resolver.external(frame.scope, node.func)
        paths, is_read = self._paths(frame, node), name in _READERS
        match node.func:
            case ast.Attribute(value=path, attr=attr) if not name or attr in _PATH_READERS:
                own = path_in_repo(self._value(frame, path))
                if own:
                    paths, is_read = [own], attr in _PATH_READERS
        modes = [*node.args[:2], *(one.value for one in node.keywords if one.arg == "mode")]
        written = (self._value(frame, one) for one in modes if isinstance(one, ast.Constant))
        if any(isinstance(one, str) and _WRITES.search(one) for one in written):
            is_read = False
        if not is_read:
            if not self._touches_nothing(frame, node):
                self._created.update(paths)
        elif paths and not self._catching and not self._is_created(paths[0]):
            self.reads.append((paths[0], node, frame.scope))

    def _paths(self, frame: _Frame, node: ast.Call) -> list[str]:
        """The paths in the repo among the arguments of a call."""
        given = (*node.args, *(one.value for one in node.keywords))
        return list(filter(None, (path_in_repo(self._value(frame, one)) for one in given)))

    def _is_created(self, path: str) -> bool:
        return any(one in (".", path) or path.startswith(f"{one}/") for one in self._created)

    def _moves_to_gpu(self, frame: _Frame, call: ast.Call) -> bool:
        """Whether a method call is ``.cuda()``, or ``.to`` with a CUDA device."""
        match call.func:
            case ast.Attribute(value=ast.Name(id="torch" | "_torch")):
                return False
            case ast.Attribute(attr="cuda"):
                return True
            case ast.Attribute(attr="to"):
                devices = [one.value for one in call.keywords if one.arg == "device"]
                return any(self._is_gpu(frame, one) for one in (*call.args[:1], *devices))
        return False

    def _is_gpu(self, frame: _Frame, node: ast.expr) -> bool:
        """Whether an expression is "cuda", "cuda:1" or the like, or a device of that name."""
        match node:
            case ast.Call(func=ast.Attribute(attr="device"), args=[inner, *_]):
                node = inner
        value = self._value(frame, node)
        return isinstance(value, str) and value.partition(":")[0] == "cuda"

    def _requests_weights(self, frame: _Frame, node: ast.Call) -> bool:
        return any(
            keyword.arg == "pretrained" and self._value(frame, keyword.value) is True
            for keyword in node.keywords
        )

    def _passes_all_by_name(self, frame: _Frame, node: ast.Call, found: Defined) -> bool:
        """Whether no argument of a call goes to ``**kwargs`` of what is called."""
        definition: object = found.node
        if isinstance(definition, ast.ClassDef):
            constructor = method_of(self.resolver, found, "__init__")
            definition = constructor[1] if constructor else None
        if not isinstance(definition, ast.FunctionDef) or definition.args.kwarg is None:
            return False
        arguments = definition.args
        names = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
        for keyword in node.keywords:
            is_empty = isinstance(keyword.value, ast.Name) and (
                frame.values.get(f"**{keyword.value.id}") == ""
            )
            if keyword.arg not in names and not (keyword.arg is None and is_empty):
                return False
        return True

    def _bind(self, frame: _Frame, node: ast.Call, found: Defined) -> dict[str, Value]:
        """The arguments of a call by parameter; those that may come through ``**`` are unknown."""
        definition: object = found.node
        if isinstance(definition, ast.ClassDef):
            constructor = method_of(self.resolver, found, "__init__")
            definition = constructor[1] if constructor else None
        if not isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef):
            return {}
        names = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
        if names[:1] in (["self"], ["cls"]):
            names = names[1:]
        keywords = [argument.arg for argument in definition.args.kwonlyargs]
        bound: dict[str, Value] = {}
        if any(keyword.arg is None for keyword in node.keywords):
            bound = dict.fromkeys((*names, *keywords), UNKNOWN)
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return dict.fromkeys((*names, *keywords), UNKNOWN)
        for name, argument in zip(names, node.args, strict=False):
            bound[name] = self._value(frame, argument)
        for keyword in node.keywords:
            if keyword.arg:
                bound[keyword.arg] = self._value(frame, keyword.value)
        return bound


def _join(frame: _Frame, branches: Sequence[_Frame]) -> bool:
    """Keep the values on which all branches agree; return whether their end is reached."""
    frame.may_have_left |= any(branch.may_have_left for branch in branches)
    ends = [branch.values for branch in branches if branch.completes]
    if not ends:
        return False
    first, *others = ends
    frame.values = {
        name: value if all(agree(value, other.get(name, UNKNOWN)) for other in others) else UNKNOWN
        for name, value in first.items()
    }
    return True


def agree(one: Value, other: Value) -> bool:
    """Whether two values are the same, and of one type."""
    return type(one) is type(other) and one == other


def _matches(pattern: ast.pattern, subject: Value) -> bool | None:
    """Whether a pattern matches; None if the source does not show it."""
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return _matches(inner, subject)
        case ast.MatchOr(patterns=patterns):
            results = [_matches(one, subject) for one in patterns]
            return True if True in results else None if None in results else False
    if isinstance(subject, Unknown):
        return None
    match pattern:
        case ast.MatchSingleton(value=value):
            return subject is value
        case ast.MatchValue(value=ast.Constant(value=value)):
            return bool(subject == value)
    return None


def default_values(node: FunctionNode) -> dict[str, Value]:
    """The defaults of a function's parameters that are numbers, texts and the like."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {
        argument.arg: default.value
        for argument, default in pairs
        if isinstance(default, ast.Constant) and isinstance(default.value, bool | int | str | None)
    }
