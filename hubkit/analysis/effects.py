"""What importing a hubconf, and calling its entrypoints, does besides building a model."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import field, replace
from typing import TYPE_CHECKING

from hubkit.analysis.hard_coded_pretrained import find_asked, inner_request
from hubkit.analysis.mismatches import Mismatches, caught_calls, find_method
from hubkit.analysis.resolve import Defined, External, Resolver, Valued
from hubkit.analysis.signatures import find_callable, method_of
from hubkit.analysis.strings import find_string
from hubkit.analysis.syntax import import_nodes
from hubkit.analysis.untrained import SWITCHES
from hubkit.facts import Oddity, Use
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hubkit.analysis.scope import Scope
    from hubkit.facts import Entrypoint, Location

# Last parts of the dotted names that some rule asks about; looking up the others would take long.
_WATCHED_NAMES = """
Popen add_safe_globals append basicConfig call chdir check_call check_output download
download_url_to_file execv execve extend filterwarnings get getoutput getstatusoutput
hf_hub_download import_module insert list load load_state_dict_from_url load_url loads main manual_seed
manual_seed_all open popen post putenv remove run run_setup seed set_default_device set_default_dtype
set_default_tensor_type set_detect_anomaly set_float32_matmul_precision set_grad_enabled
set_num_interop_threads set_num_threads set_printoptions set_sharing_strategy set_start_method
setNumThreads setlocale setrecursionlimit signal simplefilter snapshot_download spawnl spawnv
system update urlopen urlretrieve use use_deterministic_algorithms
"""
_WATCHED = frozenset(_WATCHED_NAMES.split())
_BUILTINS = frozenset({"open", "eval", "exec", "print"})
_READERS = frozenset({"open", "read_bytes", "read_text"})
# What changes a state for good, and in a ``with`` statement only for a while.
_CONTEXTS = ("set_grad_enabled", "set_detect_anomaly")
# What is looked at; most nodes are something else.
_LOOKED = (ast.withitem, ast.Call, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign)
_ASSIGNED = ("torch.", "os.environ", "numpy.")
# Far more than any real repo's entrypoints call; a bound keeps hostile ones from taking for ever.
_MAX_FUNCTIONS = 4000
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class _Body:
    """Statements that run together, with the names there.

    Attributes:
        scope: The names.
        nodes: The statements, and all in them.
        on_import: Whether importing the hubconf runs them.
        untrained: Whether they run although an entrypoint was asked for no weights.
        depth: How many calls lead here.
        owner: The class of ``self``, or None.
    """

    scope: Scope
    nodes: tuple[ast.AST, ...]
    on_import: bool
    untrained: bool = False
    depth: int = 0
    owner: Defined | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """What importing a hubconf and calling its entrypoints does.

    Attributes:
        uses: What is called and assigned outside the repo, on import first.
        oddities: Calls that ask another factory for weights, and calls that signatures refuse.
        called: Functions of the repo that calls reach, with the names around them.
        chosen: Packages of the repo of which a module is imported whose name is made at run time.
    """

    uses: tuple[Use, ...]
    oddities: tuple[Oddity, ...]
    called: tuple[Defined, ...] = ()
    chosen: tuple[str, ...] = ()


@dataclass(slots=True)
class _Walk:
    resolver: Resolver
    queue: deque[_Body] = field(default_factory=deque)
    visited: set[int] = field(default_factory=set)
    contexts: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    caught: set[int] = field(default_factory=set)
    found: list[Use] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    called: list[Defined] = field(default_factory=list)
    chosen: dict[str, None] = field(default_factory=dict)
    mismatches: Mismatches = field(init=False)

    def __post_init__(self) -> None:
        self.mismatches = Mismatches(self.resolver)

    def run(self) -> Effects:
        while self.queue and len(self.visited) < _MAX_FUNCTIONS:
            body = self.queue.popleft()
            self.asked = find_asked(body.nodes) if body.untrained else set()
            self.caught = caught_calls(body.nodes)
            for node in body.nodes:
                if node.__class__ in _LOOKED:
                    self._look(body, node)
        return Effects(
            tuple(dict.fromkeys(self.found)),
            tuple(dict.fromkeys(self.oddities)),
            tuple(self.called),
            tuple(self.chosen),
        )

    def enqueue(self, found: Defined, caller: _Body, owner: Defined | None = None) -> None:
        """Put in a function, or a class's constructor, that is called."""
        if isinstance(found.node, ast.ClassDef):
            constructor = method_of(self.resolver, found, "__init__")
            if constructor:
                self.enqueue(Defined(*constructor), caller, owner=found)
            return
        if id(found.node) in self.visited or caller.depth > _MAX_DEPTH:
            return
        self.visited.add(id(found.node))
        self.called.append(found)
        inner = self.resolver.inside(found.scope, found.node)
        scope, nodes, depth = inner.scope, inner.nodes, caller.depth + 1
        self.queue.append(_Body(scope, nodes, caller.on_import, caller.untrained, depth, owner))

    def _look(self, body: _Body, node: ast.AST) -> None:
        match node:
            case ast.withitem(context_expr=ast.Call() as context):
                self.contexts.add(id(context))
            case ast.Call():
                self._call(body, node)
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="load_state_dict")) as call):
                self._record(body, call, "load_state_dict", call)
            case ast.Assign(targets=targets):
                for target in targets:
                    self._assignment(body, target, node)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                self._assignment(body, target, node)

    def _call(self, body: _Body, node: ast.Call) -> None:
        function = node.func
        self._compare(body, node)
        match function:
            case ast.Attribute(value=ast.Name(id="self")) if body.owner:
                found = find_method(self.resolver, body.scope, function, body.owner)
                if found:
                    self._follow(body, node, found, owner=body.owner)
                return
            case ast.Attribute(value=ast.Call() as inner, attr=attr) if attr in _READERS:
                path = self.resolver.expression(body.scope, inner.func)
                if isinstance(path, External) and path.name == "pathlib.Path":
                    self._record(body, node, f"{path.name}.{attr}", inner)
                return
        self._look_inside(body, node)
        target = self.resolver.expression(body.scope, function) or find_method(
            self.resolver, body.scope, function
        )
        match target, function:
            case Defined(), _:
                self._follow(body, node, target)
            case External(name), _ if name.rpartition(".")[2] in _WATCHED:
                self._record(body, node, name, node)
                self._note_choice(body, name, node)
            case None, ast.Name(id=name) if name in _BUILTINS:
                self._record(body, node, name, node)

    def _follow(
        self, body: _Body, node: ast.Call, found: Defined, owner: Defined | None = None
    ) -> None:
        caller = replace(body, untrained=False) if id(node) in self.asked else body
        self.enqueue(found, caller, owner)

    def _look_inside(self, body: _Body, node: ast.Call) -> None:
        if body.untrained and node.keywords and id(node) not in self.asked:
            request = inner_request(self.resolver, body.scope, node)
            if request:
                what = f"{ast.unparse(node.func)}(…, {request})"
                self.oddities.append(
                    Oddity("inner-pretrained", what, body.scope.file.location(node))
                )

    def _note_choice(self, body: _Body, name: str, node: ast.Call) -> None:
        """Note the package in ``import_module(f"package.{name}")``."""
        if name != "importlib.import_module" or not node.args:
            return
        asked: ast.expr | None = node.args[0]
        if isinstance(asked, ast.Name):
            asked = body.scope.constant(asked.id)
        match asked:
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]) if start.endswith("."):
                self.chosen[start.rstrip(".")] = None

    def _compare(self, body: _Body, node: ast.Call) -> None:
        """Hold a call against the signature of what it reaches."""
        if id(node) in self.caught:
            return
        what = self.mismatches.look(body.scope, node, node.func, body.owner)
        if what:
            self.oddities.append(Oddity("mismatch", what, body.scope.file.location(node)))

    def _record(self, body: _Body, node: ast.Call, name: str, call: ast.Call) -> None:
        if id(node) in self.contexts and name.endswith(_CONTEXTS):
            return
        arguments = tuple(
            find_string(self.resolver, body.scope, argument) for argument in call.args
        )
        keywords = tuple(
            (keyword.arg or "**", ast.unparse(keyword.value)) for keyword in node.keywords
        )
        first = arguments[0] if arguments else None
        own_file = self.resolver.tree.file(first) if first else ""
        location = body.scope.file.location(node)
        use = Use(name, location, body.on_import, True, arguments, keywords, own_file)
        self.found.append(use)

    def _assignment(self, body: _Body, target: ast.expr, node: ast.AST) -> None:
        if isinstance(target, ast.Subscript):
            target = target.value
        if not isinstance(target, ast.Attribute):
            return
        found = self.resolver.expression(body.scope, target)
        if isinstance(found, External) and found.name.startswith(_ASSIGNED):
            location = body.scope.file.location(node)
            self.found.append(Use(found.name, location, body.on_import, is_call=False))


def find_effects(
    hubconf: Scope,
    resolver: Resolver,
    scopes: Iterable[Scope],
    entrypoints: Iterable[Entrypoint],
) -> Effects:
    """Follow the calls that importing a hubconf and calling its entrypoints make.

    Calls that source does not tell the target of are not followed, so there may be more.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        scopes: The modules whose import importing the hubconf causes.
        entrypoints: What to call.
    """
    walk = _Walk(resolver)
    for scope in scopes:
        walk.queue.append(_Body(scope, tuple(import_nodes(scope.file.tree.body)), True))
    walk.run()
    # What those with a switch for weights call is looked at for these, so they come first.
    for switched in (True, False):
        for entry in entrypoints:
            target = resolver.name(hubconf, entry.name)
            has_switch = any(one.name in SWITCHES for one in entry.parameters or ())
            if isinstance(target, Defined) and has_switch is switched:
                walk.enqueue(target, _Body(hubconf, (), False, untrained=switched, depth=-1))
        walk.run()
    return walk.run()


def find_places(hubconf: Scope, resolver: Resolver, name: str) -> frozenset[Location]:
    """Where things outside the repo are called when one entrypoint is.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        name: The entrypoint.
    """
    walk = _Walk(resolver)
    target = resolver.name(hubconf, name)
    if isinstance(target, Valued):
        called = find_callable(resolver, target)
        target = called.returning if called else None
    if isinstance(target, Defined):
        walk.enqueue(target, _Body(hubconf, (), False, depth=-1))
    return frozenset(use.location for use in walk.run().uses)
