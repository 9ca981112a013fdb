"""The effects of importing a hubconf and calling its entrypoints, besides building a model.

`find_effects` collects what calls may do. What calling an entrypoint certainly does (download
weights, need a GPU, fail) is read by the `Interpreter`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from hubkit.analysis.arguments import ArgumentChecker, caught_calls
from hubkit.analysis.calls import (
    Body,
    CallGraph,
    Interpreter,
    agree,
    default_values,
    find_callee,
)
from hubkit.analysis.resolve import Defined, External, Valued
from hubkit.analysis.scope import own_nodes
from hubkit.analysis.signatures import find_callable, find_keywords, method_of
from hubkit.analysis.syntax import catches_import, import_nodes, walk
from hubkit.analysis.values import EXISTS, UNKNOWN, find_string, find_value, find_values
from hubkit.facts import (
    FailingDefault,
    GpuNeed,
    HardCodedPretrained,
    MissingFile,
    RejectedCall,
    UnrequestedDownload,
    Use,
)
from hubkit.torchhub import (
    mentions_weights,
    weights_defaults,
    weights_kind,
    weights_parameters,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import FunctionNode, Scope
    from hubkit.analysis.values import Value
    from hubkit.facts import Entrypoint, Location


# Last parts of the dotted names that some rule asks about; looking up the others would take long.
_WATCHED_NAMES = """
Popen add_safe_globals append basicConfig call chdir check_call check_output distribution download
download_url_to_file execv execve extend files filterwarnings get get_distribution getoutput getstatusoutput
hf_hub_download import_module insert list load load_state_dict_from_url load_url loads main manual_seed metadata
manual_seed_all open popen post putenv remove require requires run run_setup seed set_default_device set_default_dtype
set_default_tensor_type set_detect_anomaly set_float32_matmul_precision set_grad_enabled
set_num_interop_threads set_num_threads set_printoptions set_sharing_strategy set_start_method
setNumThreads setlocale setrecursionlimit signal simplefilter snapshot_download spawnl spawnv
system update urlopen urlretrieve use use_deterministic_algorithms version
"""
_WATCHED = frozenset(_WATCHED_NAMES.split())
_BUILTINS = frozenset({"open", "eval", "exec", "print"})
_READERS = frozenset({"open", "read_bytes", "read_text"})
# What changes a state for good, and in a ``with`` statement only for a while.
_CONTEXTS = ("set_grad_enabled", "set_detect_anomaly")
# The visited nodes; most nodes are of other kinds.
_LOOKED = (ast.withitem, ast.Call, ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign)
_ASSIGNED = ("torch.", "os.environ", "numpy.")
_METADATA = frozenset({"importlib.metadata", "importlib_metadata", "pkg_resources"})
_PARSERS = frozenset({"parse_args", "parse_known_args"})
# What a condition mentions that tests whether weights are requested.
_WEIGHT_FACTORIES = ("torchvision.models", "timm", "torchaudio.models", "efficientnet_pytorch")


class Effects(Struct, frozen=True):
    """The effects of importing a hubconf and calling its entrypoints.

    Attributes:
        uses: Calls of, and assignments to, things outside the repo; those on import first.
        hard_coded_pretrained: Calls that request weights from another factory.
        rejected_calls: Calls whose arguments a signature rejects.
        called: Functions of the repo that calls reach, with their scopes.
        dynamic_packages: Packages of the repo from which a module is imported whose name is
            created at run time.
    """

    uses: tuple[Use, ...]
    hard_coded_pretrained: tuple[HardCodedPretrained, ...]
    rejected_calls: tuple[RejectedCall, ...]
    called: tuple[Defined, ...] = ()
    dynamic_packages: tuple[str, ...] = ()


@dataclass(slots=True)
class _Observer:
    """Records the effects of the code that calls reach.

    Attributes:
        graph: The code that calls reach.
        contexts: Calls whose result a ``with`` statement manages, by identity.
        conditional: Nodes of the current body that run only if weights are requested.
        caught: Nodes of the current body in whose place a TypeError is caught.
    """

    graph: CallGraph
    contexts: set[int] = field(default_factory=set)
    conditional: set[int] = field(default_factory=set)
    caught: set[int] = field(default_factory=set)
    uses: dict[Use, None] = field(default_factory=dict)
    hard_coded: dict[HardCodedPretrained, None] = field(default_factory=dict)
    rejected: dict[RejectedCall, None] = field(default_factory=dict)
    dynamic_packages: dict[str, None] = field(default_factory=dict)
    checker: ArgumentChecker = field(init=False)

    def __post_init__(self) -> None:
        self.checker = ArgumentChecker(self.resolver)

    @property
    def resolver(self) -> Resolver:
        """Looks names up."""
        return self.graph.resolver

    def observe(self) -> None:
        """Visit the code in the graph, and the functions that it calls."""
        for body in self.graph.bodies():
            self.conditional = find_conditional(body.nodes) if body.without_weights else set()
            self.caught = caught_calls(body.nodes)
            for node in body.nodes:
                if node.__class__ in _LOOKED:
                    self._look(body, node)
            if "argv" in body.scope.file.text:
                self._note_arguments(body)

    def effects(self) -> Effects:
        """The recorded effects."""
        return Effects(
            tuple(self.uses),
            tuple(self.hard_coded),
            tuple(self.rejected),
            tuple(self.graph.reached),
            tuple(self.dynamic_packages),
        )

    def _look(self, body: Body, node: ast.AST) -> None:
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

    def _call(self, body: Body, node: ast.Call) -> None:
        function = node.func
        self._check_arguments(body, node)
        match function:
            case ast.Attribute(value=ast.Call() as inner, attr=attr) if attr in _READERS:
                path = self.resolver.expression(body.scope, inner.func)
                if isinstance(path, External) and path.name == "pathlib.Path":
                    self._record(body, node, f"{path.name}.{attr}", inner)
                return
            case ast.Attribute(value=path, attr=attr) if attr in _READERS:
                if self._own_file(body, path):  # only paths have such methods, and texts do not
                    self._record(body, node, f"pathlib.Path.{attr}", ast.Call(path, [path], []))
                    return
        target, owner = find_callee(self.resolver, body.scope, function, body.owner)
        if owner is None:
            self._look_for_weights(body, node)
        match target, function:
            case Defined(), _:
                is_conditional = id(node) in self.conditional
                caller = replace(body, without_weights=False) if is_conditional else body
                self.graph.add_call(target, caller, owner)
            case External(name), _ if name.rpartition(".")[2] in _WATCHED or _fetches(node):
                self._record(body, node, name, node)
                self._note_dynamic_import(body, name, node)
            case None, ast.Name(id=name) if name in _BUILTINS:
                self._record(body, node, name, node)
            case None, ast.Attribute(attr=attr) if self._parses_arguments(body, node):
                self._record(body, node, f"argparse.ArgumentParser.{attr}", node)

    def _look_for_weights(self, body: Body, node: ast.Call) -> None:
        if body.without_weights and node.keywords and id(node) not in self.conditional:
            argument = find_weights_argument(self.resolver, body.scope, node)
            if argument:
                call = f"{ast.unparse(node.func)}(…, {argument})"
                place = body.scope.file.location(node)
                self.hard_coded[HardCodedPretrained(call, place)] = None

    def _note_dynamic_import(self, body: Body, name: str, node: ast.Call) -> None:
        """Note the package in ``import_module(f"package.{name}")``."""
        if name != "importlib.import_module" or not node.args:
            return
        module: ast.expr | None = node.args[0]
        if isinstance(module, ast.Name):
            module = body.scope.constant(module.id)
        match module:
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]) if start.endswith("."):
                self.dynamic_packages[start.rstrip(".")] = None

    def _parses_arguments(self, body: Body, call: ast.Call) -> bool:
        """Whether a call parses the program's arguments, as far as the source shows."""
        if call.args or call.keywords or "argparse" not in body.scope.file.text:
            return False
        match call.func:
            case ast.Attribute(value=ast.Call(func=maker), attr=attr) if attr in _PARSERS:
                made = self.resolver.expression(body.scope, maker)
                return isinstance(made, External) and made.name == "argparse.ArgumentParser"
            case ast.Attribute(attr=attr):
                return attr in _PARSERS
        return False

    def _note_arguments(self, body: Body) -> None:
        """Note reads of ``sys.argv``, other than of the program's name."""
        names = {
            id(node.value)
            for node in body.nodes
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
            if node.slice.value == 0
        }
        for node in body.nodes:
            if isinstance(node, ast.Attribute) and node.attr == "argv" and id(node) not in names:
                found = self.resolver.expression(body.scope, node)
                if isinstance(found, External) and found.name == "sys.argv":
                    location = body.scope.file.location(node)
                    self.uses[Use(found.name, location, body.on_import, is_call=False)] = None

    def _check_arguments(self, body: Body, node: ast.Call) -> None:
        if id(node) in self.caught:
            return
        reason = self.checker.check(body.scope, node, node.func, body.owner)
        if reason:
            self.rejected[RejectedCall(reason, body.scope.file.location(node))] = None

    def _record(self, body: Body, node: ast.Call, name: str, call: ast.Call) -> None:
        if id(node) in self.contexts and name.endswith(_CONTEXTS):
            return
        arguments = tuple(
            find_string(self.resolver, body.scope, argument) for argument in call.args
        )
        keywords = tuple(
            (keyword.arg or "**", ast.unparse(keyword.value)) for keyword in node.keywords
        )
        named = [one.value for one in call.keywords if one.arg in ("f", "file")]
        first = next(iter((*call.args, *named)), None)
        own_file = self._own_file(body, first) if first else ""
        location = body.scope.file.location(node)
        is_metadata = name.rpartition(".")[0] in _METADATA
        if is_metadata and node.args:
            arguments = (self._own_name(body, node.args[0]) or arguments[0], *arguments[1:])
        guarded = is_metadata and _is_guarded(body, node)
        use = Use(name, location, body.on_import, True, arguments, keywords, own_file, guarded)
        self.uses[use] = None

    def _own_name(self, body: Body, node: ast.expr) -> str:
        """The top-level package, if an expression is ``__name__`` or ``__package__``; else ""."""
        is_own = isinstance(node, ast.Name) and node.id in ("__name__", "__package__")
        return body.scope.file.module.partition(".")[0] if is_own else ""

    def _own_file(self, body: Body, node: ast.expr) -> str:
        """The first file of the repo that a path from the working directory may name; "" if none."""
        values = find_values(self.resolver, body.scope, node)
        found = (self.resolver.tree.file(one) for one in values if isinstance(one, str) and one)
        return next(filter(None, found), "")

    def _assignment(self, body: Body, target: ast.expr, node: ast.AST) -> None:
        if isinstance(target, ast.Subscript):
            target = target.value
        if not isinstance(target, ast.Attribute):
            return
        found = self.resolver.expression(body.scope, target)
        if isinstance(found, External) and found.name.startswith(_ASSIGNED):
            location = body.scope.file.location(node)
            self.uses[Use(found.name, location, body.on_import, is_call=False)] = None


def _is_guarded(body: Body, call: ast.Call) -> bool:
    """Whether code catches that a call finds no distribution."""
    tries = (node for node in walk(body.scope.file.tree) if isinstance(node, ast.Try))
    caught = (node for node in tries if any(map(catches_import, node.handlers)))
    return any(inner is call for node in caught for part in node.body for inner in walk(part))


def find_effects(
    hubconf: Scope,
    resolver: Resolver,
    scopes: Iterable[Scope],
    entrypoints: Iterable[Entrypoint],
) -> Effects:
    """Follow the calls that importing a hubconf and calling its entrypoints make.

    Calls whose target source does not show are not followed, so there may be more.

    Args:
        hubconf: The hubconf's names.
        resolver: Looks names up.
        scopes: The modules that importing the hubconf imports.
        entrypoints: The entrypoints to call.
    """
    observer = _Observer(CallGraph(resolver))
    for scope in scopes:
        nodes = tuple(import_nodes(scope.file.tree.body))
        observer.graph.add(Body(scope, nodes, on_import=True, depth=0))
    observer.observe()
    # Each function is visited once, so entrypoints that may be called without weights come first.
    for switched in (True, False):
        for entry in entrypoints:
            target = resolver.name(hubconf, entry.name)
            has_switch = bool(weights_parameters(weights_defaults(entry.parameters or ())))
            if isinstance(target, Defined) and has_switch is switched:
                observer.graph.add_call(target, Body(hubconf, without_weights=switched))
        observer.observe()
    return observer.effects()


def find_places(hubconf: Scope, resolver: Resolver, name: str) -> frozenset[Location]:
    """The places where calling one entrypoint calls things outside the repo."""
    return frozenset(use.location for use in _observe(hubconf, resolver, name).uses)


def find_called(hubconf: Scope, resolver: Resolver, name: str) -> tuple[Defined, ...]:
    """The functions of the repo that calling one entrypoint may reach."""
    return tuple(_observe(hubconf, resolver, name).graph.reached)


def _observe(hubconf: Scope, resolver: Resolver, name: str) -> _Observer:
    """Follow the calls of one entrypoint."""
    observer = _Observer(CallGraph(resolver))
    target = resolver.name(hubconf, name)
    if isinstance(target, Valued):
        called = find_callable(resolver, target)
        target = called.returning if called else None
    if isinstance(target, Defined):
        observer.graph.add_call(target, Body(hubconf))
    observer.observe()
    return observer


def find_conditional(nodes: Iterable[ast.AST]) -> set[int]:
    """The ids of nodes that run only where a condition on weights holds."""
    conditional: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.If | ast.IfExp) and mentions_weights(ast.unparse(node.test)):
            conditional.update(id(inner) for inner in walk(node))
    return conditional


def find_weights_argument(resolver: Resolver, scope: Scope, call: ast.Call) -> str:
    """The argument with which a call requests weights from a factory for certain; "" without one."""
    for keyword in call.keywords:
        name = keyword.arg or ""
        kind = weights_kind(name)
        if (kind == "flag" and _is_on(keyword.value)) or (
            kind == "name" and _names_weights(keyword.value)
        ):
            return (
                f"{name}={ast.unparse(keyword.value)}"
                if _takes(resolver, scope, call.func, name)
                else ""
            )
    return ""


def _is_on(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=True):
            return True
        case ast.Constant(value=str(text)):
            return bool(text)
        case ast.Call(func=ast.Name(), args=[], keywords=[]):
            return True
    return False


def _names_weights(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) and bool(value.value)
    return isinstance(value, ast.Attribute) and "_Weights" in ast.unparse(value.value)


def _takes(resolver: Resolver, scope: Scope, function: ast.expr, name: str) -> bool:
    """Whether what is called builds a network and takes a parameter of that name."""
    match function:
        case ast.Call(func=ast.Name(id="getattr"), args=[namespace, *_]):
            function = namespace
    target = resolver.expression(scope, function)
    if isinstance(target, External):
        return target.name.startswith(_WEIGHT_FACTORIES)
    if not isinstance(target, Defined):
        return False
    node: ast.AST | None = target.node
    if isinstance(node, ast.ClassDef):
        constructor = method_of(resolver, target, "__init__")
        node = constructor[1] if constructor else None
    if not isinstance(node, ast.FunctionDef):
        return False
    arguments = node.args
    return any(
        one.arg == name for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    )


_RESETS = ("manual_seed", "manual_seed_all", "seed", "set_default_dtype", "set_default_tensor_type")


def find_late_resets(resolver: Resolver, scopes: Iterable[Scope]) -> Iterator[Use]:
    """Calls that reset the state of torch or of a random generator when a module is imported late.

    Args:
        resolver: Looks names up.
        scopes: The modules that calling an entrypoint imports.
    """
    for scope in scopes:
        if not any(f"{name}(" in scope.file.text for name in _RESETS):
            continue
        for node in import_nodes(scope.file.tree.body):
            if isinstance(node, ast.Call):
                name = resolver.external(scope, node.func)
                if name.rpartition(".")[2] in _RESETS:
                    place = scope.file.location(node)
                    yield Use(name, place, on_import=False, on_late_import=True)


# The default is source text: without quotes it is a variable.
_GPU = re.compile(r"""(['"])cuda(:\d+)?\1""")


# What each path that leads to a file of the repo starts with.
_FILE = "__file__"

# A function, arguments and what is assumed.
_Call: TypeAlias = tuple[ast.AST, frozenset[tuple[str, "Value"]], frozenset[tuple[str, "Value"]]]


class InterpretedCalls(Struct, frozen=True):
    """Calls of entrypoints, each interpreted once."""

    resolver: Resolver
    _interpreted: dict[_Call, Interpreter] = {}
    _moves: dict[ast.AST, tuple[tuple[ast.Call, Scope], ...]] = {}

    def interpret(
        self, target: Defined, values: dict[str, Value], assumed: Mapping[str, Value] | None = None
    ) -> Interpreter:
        """Interpret a call with known arguments.

        Args:
            target: The function or class.
            values: The arguments; those that are the same as the default make no difference.
            assumed: Values that hold in every function.
        """
        defaults = {} if isinstance(target.node, ast.ClassDef) else default_values(target.node)
        given = {
            name: value
            for name, value in values.items()
            if name not in defaults or not agree(value, defaults[name])
        }
        key = (target.node, frozenset(given.items()), frozenset((assumed or {}).items()))
        if key not in self._interpreted:
            self._interpreted[key] = Interpreter(
                self.resolver, dict(assumed or {}), notes_paths=self.resolver.tree.mentions(_FILE)
            )
            self._interpreted[key].call(target, given)
        return self._interpreted[key]

    def moves(self, call: Interpreter) -> Iterator[tuple[ast.Call, Scope]]:
        """Calls that need a GPU; those in ``forward`` of the networks that are built come last."""
        yield from call.moves
        for built in call.built.values():
            forward = method_of(self.resolver, built, "forward")
            if forward is None:
                continue
            method = Defined(*forward)
            if method.node not in self._moves:
                self._moves[method.node] = self._moves_in(method)
            yield from self._moves[method.node]

    def _moves_in(self, method: Defined) -> tuple[tuple[ast.Call, Scope], ...]:
        """Calls in a method that put something on a GPU whatever its arguments are."""
        if "cuda" not in method.scope.file.text:
            return ()  # The name must be spelled in the method.
        names = self.resolver.inside(method.scope, method.node).scope.bindings  # type: ignore[arg-type]
        run = Interpreter(self.resolver, follows_calls=False, enters_loops=True)
        run.call(method, dict.fromkeys(names, UNKNOWN))
        return tuple(run.moves)


def find_unrequested_downloads(
    hubconf: Scope, calls: InterpretedCalls, entrypoints: Iterable[Entrypoint]
) -> Iterator[UnrequestedDownload]:
    """Downloads that calling an entrypoint without weights is certain to make."""
    for entry in entrypoints:
        target, values = _called(hubconf, calls.resolver, entry)
        if target is None:
            continue
        deciding = weights_parameters(weights_defaults(entry.parameters or ()))
        values.update({one.name: one.without for one in deciding})
        # No file is left from an earlier call.
        run = calls.interpret(target, values, {EXISTS: False})
        for node, scope, name in run.downloads[:1]:
            place = scope.file.location(node)
            switch, without = (deciding[0].name, deciding[0].without) if deciding else ("", None)
            yield UnrequestedDownload(entry.name, switch, without, name, place)


def find_missing_files(
    hubconf: Scope, calls: InterpretedCalls, entrypoints: Iterable[Entrypoint]
) -> Iterator[MissingFile]:
    """Files beside the code that entrypoints are certain to open, and that do not exist.

    Args:
        hubconf: The hubconf's names.
        calls: The calls interpreted so far.
        entrypoints: The entrypoints, called with their defaults and with weights.
    """
    for entry in entrypoints if calls.resolver.tree.mentions(_FILE) else ():
        target, bound = _called(hubconf, calls.resolver, entry)
        if target is None:
            continue
        found: dict[str, MissingFile] = {}
        deciding = weights_parameters(weights_defaults(entry.parameters or ()))
        switches = [one.name for one in deciding[:1] if one.without is False]
        for switch in ((), switches) if switches else ((),):
            values = {**bound, **dict.fromkeys(switch, True)}
            # Whether or not files exist that the code asks for, it opens this one.
            missing = _missing_reads(calls, target, values, {EXISTS: False})
            still = _missing_reads(calls, target, values, {}) if missing else {}
            for path in missing.keys() & still.keys():
                found.setdefault(path, MissingFile(entry.name, path, missing[path]))
        yield from found.values()


def _missing_reads(
    calls: InterpretedCalls,
    target: Defined,
    values: dict[str, Value],
    assumed: Mapping[str, Value],
) -> dict[str, Location]:
    return {
        path: scope.file.location(node)
        for path, node, scope in reversed(calls.interpret(target, values, assumed).reads)
        if not calls.resolver.tree.files.is_file(path)
    }


def find_failing_defaults(
    hubconf: Scope, calls: InterpretedCalls, entrypoints: Iterable[Entrypoint]
) -> Iterator[FailingDefault]:
    """Entrypoints that are certain to raise when they are called without arguments.

    Args:
        hubconf: The hubconf's names.
        calls: The calls interpreted so far.
        entrypoints: The entrypoints; those with required arguments are skipped.
    """
    for entry in entrypoints:
        target, values = _called(hubconf, calls.resolver, entry)
        if target is None or any(parameter.required for parameter in entry.parameters or ()):
            continue
        for statement, scope in calls.interpret(target, values).failures[:1]:
            text = ast.unparse(statement).partition("\n")[0]
            yield FailingDefault(entry.name, text, scope.file.location(statement))


def find_gpu_needs(
    hubconf: Scope, calls: InterpretedCalls, entrypoints: Iterable[Entrypoint]
) -> Iterator[GpuNeed]:
    """Entrypoints that are certain to fail on a machine without a GPU by default.

    Args:
        hubconf: The hubconf's names.
        calls: The calls interpreted so far.
        entrypoints: The entrypoints, called with their defaults and with weights.
    """
    for entry in entrypoints:
        target, bound = _called(hubconf, calls.resolver, entry)
        defaults = _gpu_defaults(target, entry)
        if defaults:
            yield from (GpuNeed(entry.name, name, entry.definition) for name in defaults)
        elif target is not None:
            deciding = weights_parameters(weights_defaults(entry.parameters or ()))
            # Whatever asks for weights, it is true.
            with_weights: dict[str, Value] = {one.name: True for one in deciding[:1]}
            for values in (with_weights, {}) if with_weights else ({},):
                move = next(calls.moves(calls.interpret(target, {**bound, **values})), None)
                if move is not None:
                    node, scope = move
                    place = scope.file.location(node)
                    yield GpuNeed(entry.name, "", place, ast.unparse(node.func))
                    break


def _fetches(node: ast.Call) -> bool:
    """Whether a call asks for a download, as of a dataset."""
    return any(one.arg == "download" for one in node.keywords)


def _asks_for_gpu(function: FunctionNode) -> bool:
    """Whether a function asks whether there is a GPU."""
    return any(
        isinstance(one, ast.Attribute) and one.attr == "is_available" for one in own_nodes(function)
    )


def _gpu_defaults(target: Defined | None, entry: Entrypoint) -> list[str]:
    """The parameters whose default is a GPU; none if the function asks whether there is one."""
    node = target.node if target else None
    if isinstance(node, ast.FunctionDef) and _asks_for_gpu(node):
        return []
    return [one.name for one in entry.parameters or () if _GPU.fullmatch(one.default or "")]


def _called(
    hubconf: Scope, resolver: Resolver, entry: Entrypoint
) -> tuple[Defined | None, dict[str, Value]]:
    """The function of an entrypoint, and the arguments that a ``partial`` passes to it."""
    target = resolver.name(hubconf, entry.name)
    if isinstance(target, Defined):
        return target, {}
    if not isinstance(target, Valued):
        return None, {}
    called = find_callable(resolver, target)
    if called is None or called.made_by != "partial" or not isinstance(target.value, ast.Call):
        return None, {}
    given = find_keywords(resolver, target.scope, target.value)
    if given is None:
        return None, {}
    node = called.returning.node if called.returning else None
    if isinstance(node, ast.FunctionDef):
        names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
        positional = ((target.scope, argument) for argument in target.value.args[1:])
        given = dict(zip(names, positional, strict=False)) | given
    return called.returning, {
        name: find_value(resolver, scope, value, {}) for name, (scope, value) in given.items()
    }
