"""Names in an entrypoint's reach that nothing defines, or that newer releases removed."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from typing import TYPE_CHECKING

from hubkit.analysis.resolve import Defined, External
from hubkit.analysis.scope import find_dynamic_names
from hubkit.analysis.signatures import find_method
from hubkit.analysis.syntax import catches_import, child_nodes, is_on, statements
from hubkit.facts import RemovedName, UndefinedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.modules import SourceFile
    from hubkit.analysis.resolve import Resolver
    from hubkit.analysis.scope import FunctionNode, Scope


# What every module has, and builtins of other platforms and versions of Python.
_ALWAYS = frozenset(dir(builtins)) | {
    *("__annotations__", "__builtins__", "__file__", "__loader__", "__module__", "__package__"),
    *("__path__", "__qualname__", "__spec__", "WindowsError", "aiter", "anext", "EncodingWarning"),
    *("BaseExceptionGroup", "ExceptionGroup", "PythonFinalizationError"),
}
# A condition on the version of Python, which may be known to fail.
_VERSION = re.compile(r"version|\bPY[23]\b|\bpy[23]k?\b|TYPE_CHECKING|is_scripting")
_CAUGHT = frozenset({"NameError", "Exception", "BaseException", "UnboundLocalError"})


def find_undefined_names(
    resolver: Resolver, functions: Iterable[Defined]
) -> Iterator[UndefinedName]:
    """The names in functions that are neither local, global nor builtin.

    Modules that create names at run time, or import them with a star from outside the repo, are
    skipped, and so is code under a condition on the version or whose NameError is caught.

    Args:
        resolver: Looks names up.
        functions: The functions that calling entrypoints may reach.
    """
    unknown: dict[str, frozenset[str]] = {}
    for found in functions:
        module = resolver.tree.scope(found.scope.file.module) or found.scope
        if isinstance(found.node, ast.ClassDef):
            continue
        names = _names_from_outside(module, found.node)
        if not names:
            continue
        path = module.file.path
        if path not in unknown:
            unknown[path] = _unknown_names(resolver, module)
        names &= unknown[path]
        for statement in found.node.body if names else ():
            for node in _reads(statement, names):
                yield UndefinedName(node.id, module.file.location(node))


def _names_from_outside(module: Scope, function: FunctionNode) -> frozenset[str]:
    """The names that a function reads and neither it nor an import of its module binds.

    Few functions have any. So most modules, which are much larger, need no table of their names.
    """
    lines = module.file.lines[function.lineno - 1 : function.end_lineno]
    method = "class _:\n" if lines[0][:1] in " \t" else ""
    try:
        top = symtable.symtable(method + "\n".join(lines), module.file.path, "exec")
    except SyntaxError:  # part of another function, whose names it assigns
        return frozenset(node.id for node in ast.walk(function) if isinstance(node, ast.Name))
    read, _ = _sort_names(top)
    return read - _ALWAYS - module.bindings.keys() - {"__class__"}


def _unknown_names(resolver: Resolver, module: Scope) -> frozenset[str]:
    """The global names that a module reads and does not define."""
    try:
        top = symtable.symtable(module.file.text, module.file.path, "exec")
    except SyntaxError:  # what only the compiler rejects
        return frozenset()
    read, bound = _sort_names(top)
    unknown = read - bound - _ALWAYS
    if not unknown or find_dynamic_names(module):
        return frozenset()
    for star in module.stars:
        names = resolver.star_names(star.module)
        if names is None:
            return frozenset()
        unknown -= frozenset(names)
    return unknown


def _sort_names(top: symtable.SymbolTable) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a module and its functions read globally, and those that they define."""
    read: set[str] = set()
    bound: set[str] = set()
    pending = [top]
    while pending:
        table = pending.pop()
        pending += table.get_children()
        for symbol in table.get_symbols():
            if table is not top and not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                bound.add(symbol.get_name())
            elif symbol.is_referenced():
                read.add(symbol.get_name())
    return frozenset(read), frozenset(bound)


def _reads(start: ast.AST, names: frozenset[str]) -> Iterator[ast.Name]:
    """Where code reads names, except where it is prepared for their absence."""
    pending: list[ast.AST] = [start]
    while pending:
        match pending.pop():
            case ast.Name(id=name, ctx=ast.Load()) as found if name in names:
                yield found
            case ast.Try() as statement if any(map(_catches, statement.handlers)):
                pending += [*statement.handlers, *statement.orelse, *statement.finalbody]
            case ast.If() as statement if _VERSION.search(ast.unparse(statement.test)):
                continue
            case ast.AnnAssign(target=target, value=value):
                pending += [one for one in (target, value) if one is not None]
            case ast.arg():  # annotations
                continue
            case node:
                pending += child_nodes(node)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in _CAUGHT for kind in kinds)


# Names that newer releases removed


# Modules and names by the release that no longer has them, as release notes say. A name that ends
# in a dot stands for all submodules.
_REMOVED = {
    "Python 3.8": "time.clock",
    "Python 3.9": "base64.decodestring base64.encodestring fractions.gcd xml.etree.cElementTree",
    "Python 3.10": "collections.Callable collections.Hashable collections.Iterable collections.Iterator "
    "collections.Mapping collections.MutableMapping collections.MutableSequence collections.Sequence "
    "collections.Sized",
    "Python 3.11": "asyncio.coroutine inspect.formatargspec inspect.getargspec",
    "Python 3.12": "asynchat asyncore configparser.SafeConfigParser distutils imp smtpd",
    "Python 3.13": "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap nntplib pipes sndhdr "
    "sunau telnetlib uu xdrlib",
    "Python 3.14": "ast.Bytes ast.NameConstant ast.Num ast.Str",
    "setuptools 82": "pkg_resources",
    "torch 1.8": "torch.ifft torch.irfft torch.rfft",
    "torch 1.9": "torch.nn.modules.linear._LinearWithBias",
    "torch 2.0": "torch._six",
    "torchvision 0.11": "torchvision.models.utils",
    "torchvision 0.15": "torchvision.models.alexnet.model_urls torchvision.models.densenet.model_urls "
    "torchvision.models.googlenet.model_urls torchvision.models.inception.model_urls "
    "torchvision.models.resnet.model_urls torchvision.models.squeezenet.model_urls "
    "torchvision.models.vgg.model_urls",
    "torchvision 0.17": "torchvision.transforms.functional_tensor",
    "torchaudio 2.9": "torchaudio.get_audio_backend torchaudio.list_audio_backends "
    "torchaudio.set_audio_backend torchaudio.sox_effects",
    "timm 0.9": "timm.models.layers.",
    "numpy 1.24": "numpy.bool numpy.complex numpy.float numpy.int numpy.object numpy.str numpy.unicode",
    "numpy 2.0": "numpy.Inf numpy.Infinity numpy.NINF numpy.NaN numpy.PINF numpy.alltrue "
    "numpy.asfarray numpy.bool8 numpy.complex_ numpy.cumproduct numpy.find_common_type numpy.float_ "
    "numpy.infty numpy.int0 numpy.mat numpy.product numpy.round_ numpy.sometrue numpy.string_ "
    "numpy.unicode_",
    "scikit-learn 0.23": "sklearn.externals.joblib sklearn.externals.six",
    "scikit-image 0.18": "skimage.measure.compare_psnr skimage.measure.compare_ssim",
    "scipy 1.3": "scipy.misc.imread scipy.misc.imresize scipy.misc.imsave",
}
# numpy 2 has a `bool` again.
_BACK = frozenset({"numpy.bool"})
_SINCE = {
    name: since for since, names in _REMOVED.items() for name in names.split() if name not in _BACK
}
_WORDS = re.compile(
    rf"\b(?:{'|'.join(sorted({name.strip('.').rpartition('.')[2] for name in _SINCE}))})\b"
)
# A condition on a version, or on whether something is there.
_TESTS = re.compile(r"version|hasattr|find_spec|available|PY[23]|TYPE_CHECKING", re.IGNORECASE)
_ABSENT = frozenset({"AttributeError", "NameError"})


def find_removed_names(
    resolver: Resolver, scopes: Iterable[Scope], functions: Iterable[Defined]
) -> Iterator[RemovedName]:
    """Uses of names that a newer release no longer has, unless the code is prepared for that.

    Args:
        resolver: Looks names up.
        scopes: The modules that importing the hubconf imports.
        functions: The functions that calling entrypoints may reach.
    """
    for scope in scopes:
        if _WORDS.search(scope.file.text):
            yield from _find_in(resolver, scope, scope.file.tree.body, on_import=True)
        if "dataclass" in scope.file.text:
            yield from _find_defaults(resolver, scope)
    for found in functions:
        if not isinstance(found.node, ast.ClassDef) and _has_words(found.scope.file, found.node):
            yield from _find_in(resolver, found.scope, found.node.body, on_import=False)


def _find_in(
    resolver: Resolver, scope: Scope, body: Iterable[ast.stmt], *, on_import: bool
) -> Iterator[RemovedName]:
    for node in _unguarded(scope.file, body):
        for name in _names(resolver, scope, node):
            since = _SINCE.get(name) or _SINCE.get(f"{name.rpartition('.')[0]}.")
            if since:
                yield RemovedName(name, since, scope.file.location(node), on_import)
                break


def _names(resolver: Resolver, scope: Scope, node: ast.AST) -> Iterator[str]:
    """The dotted names that an import or an attribute may stand for."""
    match node:
        case ast.Import(names=aliases):
            yield from (name for alias in aliases for name in _packages(alias.name))
        case ast.ImportFrom(module=str(module), names=aliases, level=0):
            yield from _packages(module)
            yield from (
                f"{module}.{alias.name}" for alias in aliases if f"{module}.{alias.name}" in _SINCE
            )
        case ast.Attribute(attr=attr) if _WORDS.fullmatch(attr):
            found = resolver.expression(scope, node)
            if isinstance(found, External):
                yield found.name


def _packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _has_words(file: SourceFile, statement: ast.stmt) -> bool:
    """Whether the last part of such a name is on the lines of a statement."""
    lines = file.lines[statement.lineno - 1 : statement.end_lineno]
    return any(map(_WORDS.search, lines))


def _unguarded(file: SourceFile, body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of code that runs, except in functions and where the absence of a name is expected.

    Statements without any of the words are skipped.
    """
    pending = list(body)
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.Try(handlers=handlers) if any(map(_expects_absence, handlers)):
                pending += [*node.orelse, *node.finalbody]
            case ast.If(test=test) | ast.IfExp(test=test) if _TESTS.search(ast.unparse(test)):
                continue
            case ast.Assign() | ast.AnnAssign() | ast.Expr() if not _has_words(file, node):
                continue
            case _:
                yield node
                pending += child_nodes(node)


def _expects_absence(handler: ast.ExceptHandler) -> bool:
    names = (
        [one.id for one in ast.walk(handler.type) if isinstance(one, ast.Name)]
        if handler.type
        else []
    )
    return catches_import(handler) or any(name in _ABSENT for name in names)


def _find_defaults(resolver: Resolver, scope: Scope) -> Iterator[RemovedName]:
    """Fields of dataclasses whose default is an instance of another one, which has no hash."""
    lines = scope.file.lines_with_words(["dataclass"])
    for statement in statements(scope.file.tree.body, nested=False):
        if not isinstance(statement, ast.ClassDef) or not is_on(statement, lines):
            continue
        if _dataclass(resolver, scope, statement) is None:
            continue
        for default in filter(None, map(_default, statement.body)):
            target = resolver.expression(scope, default.func)
            if isinstance(target, Defined) and _lacks_hash(resolver, target):
                text, place = ast.unparse(default), scope.file.location(default)
                yield RemovedName(text, "Python 3.11", place, on_import=True, kind="default")


def _default(field: ast.stmt) -> ast.Call | None:
    """The call that makes the default of a field, if there is one."""
    match field:
        case ast.AnnAssign(annotation=annotation, value=ast.Call() as default):
            if "ClassVar" in ast.unparse(annotation):
                return None
            given = [one.value for one in default.keywords if one.arg == "default"]
            inner = given[0] if given else None
            return inner if isinstance(inner, ast.Call) else default
    return None


def _lacks_hash(resolver: Resolver, found: Defined) -> bool:
    node = found.node
    if not isinstance(node, ast.ClassDef):
        return False
    options = _dataclass(resolver, found.scope, node)
    if options is None or find_method(node, "__hash__") is not None:
        return False
    is_hashable = options.get("eq") is False or options.get("frozen") or options.get("unsafe_hash")
    return not is_hashable


def _dataclass(resolver: Resolver, scope: Scope, node: ast.ClassDef) -> dict[str, object] | None:
    """The options of the decorator that makes a class a dataclass, or None."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = resolver.expression(scope, called)
        if isinstance(target, External) and target.name == "dataclasses.dataclass":
            given = decorator.keywords if isinstance(decorator, ast.Call) else []
            return {str(one.arg): getattr(one.value, "value", True) for one in given}
    return None
