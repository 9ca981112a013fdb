"""The modules of a repo that a hubconf at its root could import, and how the repo builds its models."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hubkit import limits
from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.documents import find_code
from hubkit.analysis.literals import write_expression
from hubkit.analysis.modules import SourceTree
from hubkit.analysis.resolve import Resolver
from hubkit.analysis.source_file import read_source
from hubkit.analysis.syntax import branches_of, statements, walk
from hubkit.facts import HubconfProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Scope
    from hubkit.facts import Files, Location, Parameter


# Folders of other projects, and of what was built.
FOREIGN = re.compile(
    r"(?:^|/)(?:\.[^/]*|build|dist|node_modules|third_?party|vendor|externals?|site-packages|venv"
    r"|env|__pycache__)/"
)
# Folders that hold no models to publish.
_ASIDE = re.compile(r"(?:^|/)(?:tests?|testing|docs?|benchmarks?)/")
_NOT_MODULES = frozenset({"setup.py", "conftest.py", "hubconf.py", "noxfile.py", "tasks.py"})
# Calls at the top level of a module that are preparations and no work.
_PREPARATIONS = re.compile(
    r"(?:warnings|logging|logger|sys\.path|os\.environ|matplotlib|torch\.backends|typing|np|numpy"
    r"|\w*(?:register|add|append|extend|update|insert|setdefault|patch)\w*)(?:\.|$)"
)
_WORK = frozenset({"parse_args", "parse_known_args", "ArgumentParser"})


class Example(Struct, frozen=True):
    """How a repo itself builds a model, in its README or where it runs a module as a script.

    Attributes:
        arguments: Pairs of a parameter's name and the source of the literal that it is given; with
            those that a ``**`` parameter takes.
        inputs: What it is then called with, as "f32[1,3,256,256]"; empty when source does not show it.
        path: The file that it stands in.
    """

    arguments: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    path: str


class Model(Struct, frozen=True):
    """A function or class of a repo that gives an ``nn.Module``.

    Attributes:
        name: What it is called where it is defined.
        module: The dotted name that it is imported from: of a package that re-exports it, the
            package.
        root: The folder that the module's name starts from, relative to the repo; "" for its root.
        kind: What it is.
        parameters: What it takes; None when source does not show it.
        docstring: Its cleaned docstring, or None.
        gives: Dotted name of the class that it gives an instance of.
        location: Where it is defined.
        is_part: Whether other modules of the repo are built from it.
        is_exported: Whether a package re-exports it.
        example: How the repo builds it, or None.
        config: For one that takes a configuration object: name of the dataclass beside it, all of
            whose fields have defaults; "" for others.
    """

    name: str
    module: str
    root: str
    kind: Literal["function", "class"]
    parameters: tuple[Parameter, ...] | None
    docstring: str | None
    gives: str
    location: Location
    is_part: bool = False
    is_exported: bool = False
    example: Example | None = None
    config: str = ""
    late: tuple[str, ...] = ()


class OwnSource(Struct, frozen=True):
    """A module of the repo.

    Attributes:
        scope: Its names.
        root: The folder that its dotted name starts from; "" for the repo's root.
    """

    scope: Scope
    root: str


class Sources(Struct, frozen=True):
    """The modules of a repo.

    Attributes:
        resolver: Looks names up in them.
        modules: Those that importing does nothing but define, nearest to the root first.
        unread: Pairs of another file and why its models cannot be imported.
    """

    resolver: Resolver
    modules: tuple[OwnSource, ...]
    unread: tuple[tuple[str, str], ...]


def read_sources(files: Files) -> Sources:
    """Read a repo's modules, without those of tests, documents and copies of other projects.

    Args:
        files: The repo's files.
    """
    paths = _own_paths(files)
    roots = _find_roots(files, paths)
    tree = SourceTree(files, ("", *roots))
    modules: list[OwnSource] = []
    unread: list[tuple[str, str]] = []
    for path in paths:
        found = _read(tree, path, roots)
        if isinstance(found, str):
            unread += [(path, found)] if _holds_module(files, path) else []
        else:
            modules.append(found)
    return Sources(Resolver(tree), tuple(modules), tuple(unread))


def _own_paths(files: Files) -> list[str]:
    found = [
        path
        for path in files.paths()
        if path.endswith(".py")
        and not FOREIGN.search(path)
        and not _ASIDE.search(path)
        and path.rpartition("/")[2] not in _NOT_MODULES
    ]
    return sorted(found, key=lambda path: (path.count("/"), path))[: limits.SOURCE_FILES.most]


def _find_roots(files: Files, paths: Iterable[str]) -> tuple[str, ...]:
    """Folders below the root that modules must be imported from.

    ``src`` is one by convention. Others are those whose name is not a package's, and those whose
    modules import one another as if they were at the top.
    """
    roots: dict[str, None] = {}
    for path in paths:
        folder = _package_parent(files, path)
        if not folder or folder in roots:
            continue
        is_name = all(map(_is_name, folder.split("/")))
        if folder == "src" or not is_name or _imports_from(files, path, folder):
            roots[folder] = None
    return tuple(roots)


def _is_name(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part)


def _package_parent(files: Files, path: str) -> str:
    """The folder that holds the outermost package around a file."""
    folder = path.rpartition("/")[0]
    while folder and "__init__.py" in files.names(folder):
        folder = folder.rpartition("/")[0]
    return folder


def _imports_from(files: Files, path: str, folder: str) -> bool:
    """Whether a module imports something that is in a folder and not at the repo's root."""
    file = read_source(files, path, module="")
    if isinstance(file, HubconfProblem):
        return False
    here, top = _stems(files.names(folder)), _stems(files.names(""))
    for node in walk(file.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(name.partition(".")[0] in here - top for name in names):
            return True
    return False


def _stems(names: Iterable[str]) -> set[str]:
    return {name.removesuffix(".py") for name in names if "." not in name or name.endswith(".py")}


def _read(tree: SourceTree, path: str, roots: tuple[str, ...]) -> OwnSource | str:
    """The module that lies there, or why there is none."""
    root = max((r for r in roots if path.startswith(f"{r}/")), key=len, default="")
    inner = path[len(root) + 1 :] if root else path
    parts = inner.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    if not parts or not all(map(_is_name, parts)):
        return "its path is no module's name"
    if is_stdlib(parts[0]):
        return f"Python itself has a module `{parts[0]}`"
    scope = tree.scope(".".join(parts))
    if scope is None:
        problems = (p.message for p in tree.problems if p.location.path == path)
        return f"it does not parse: {next(problems, 'it cannot be read')}"
    if scope.file.path != path:
        return f"{scope.file.path} is imported under the same name"
    line = _find_work(scope.file.tree.body)
    if line:
        return f"importing it runs a script (line {line})"
    return OwnSource(scope, root)


def _find_work(body: Iterable[ast.stmt]) -> int:
    """The line on which importing a module does more than define; 0 when it does not."""
    for statement in _run_statements(body):
        match statement:
            case ast.For() | ast.While() if any(
                isinstance(node, ast.Call) and not _prepares(node) for node in walk(statement)
            ):
                return statement.lineno
            case ast.Expr(value=ast.Call() as call) if not _prepares(call):
                return statement.lineno
            case ast.Assign(value=ast.Call() as call) if _name_of(call).split(".")[-1] in _WORK:
                return statement.lineno
    return 0


def _run_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        branches = branches_of(statement)
        if branches is None or isinstance(statement, ast.For | ast.While):
            yield statement
            continue
        for branch in branches:
            if branch.runs_on_import:
                yield from _run_statements(branch.body)


def _prepares(call: ast.Call) -> bool:
    return bool(_PREPARATIONS.match(_name_of(call)))


def _name_of(call: ast.Call) -> str:
    try:
        return ast.unparse(call.func)
    except (RecursionError, ValueError):
        return ""


def _holds_module(files: Files, path: str) -> bool:
    """Whether a file that cannot be imported looks as if it had a model."""
    text = files.read_text(path)
    return bool(re.search(r"^class \w+\(.*Module\b", text, re.MULTILINE))


_README = re.compile(r"readme(?:\.\w+)?", re.IGNORECASE)
_PYTHON = frozenset({"", "py", "python", "python3", "pycon"})
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.) ?", re.MULTILINE)
_FLOATS = frozenset({"randn", "rand", "zeros", "ones", "Tensor", "FloatTensor", "empty"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MAX_AXES = 6
_MAX_ELEMENTS = 1 << 22


class Block(Struct, frozen=True):
    """A piece of code that is run from top to bottom.

    Attributes:
        path: The file that it stands in.
        body: Its statements.
        imports: Last parts of the modules, and the names, that it imports.
        calls: The calls in it by the last part of what is called.
    """

    path: str
    body: tuple[ast.stmt, ...]
    imports: tuple[str, ...]
    calls: dict[str, list[ast.Call]]


def read_blocks(files: Files) -> tuple[Block, ...]:
    """The code in a repo's README, and the bodies of its modules and functions.

    Args:
        files: The repo's files.
    """
    return (*_read_documents(files), *_read_modules(files))


def _read_modules(files: Files) -> Iterator[Block]:
    paths = [p for p in files.paths() if p.endswith(".py") and not FOREIGN.search(p)]
    for path in sorted(paths, key=lambda path: (path.count("/"), path))[
        : limits.EXAMPLE_FILES.most
    ]:
        file = read_source(files, path, module="")
        if isinstance(file, HubconfProblem):
            continue
        own = [one for one in file.tree.body if not isinstance(one, _DEFINITIONS)]
        imports = tuple(_imported(walk(file.tree)))
        for body in (own, *_function_bodies(file.tree)):
            block = _block(path, body, imports)
            if block.calls:
                yield block


def _function_bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for statement in statements(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement.body


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Last parts of the modules, and the names, that code imports."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.name.rpartition(".")[2]
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.rpartition(".")[2]


def find_example(model: Model, blocks: Iterable[Block]) -> Example | None:
    """A call of a model that gives it all that it needs; best one that also shows what it is run on.

    Args:
        model: The model.
        blocks: Where to look. One in the model's own file comes before all others.
    """
    own = model.location.path
    found: list[Example] = []
    for block in sorted(blocks, key=lambda block: block.path != own):
        for call in block.calls.get(model.name, ()):
            if block.path != own and not _is_meant(block, call, model):
                continue
            arguments = _arguments(call, model.parameters or ())
            if arguments is not None:
                found.append(Example(arguments, _inputs(block, call), block.path))
    return next((one for one in found if one.inputs), found[0] if found else None)


def _read_documents(files: Files) -> Iterator[Block]:
    for path in sorted(name for name in files.names("") if _README.fullmatch(name)):
        for code in find_code(files.read_text(path)):
            if code.language in _PYTHON:
                text = textwrap.dedent(_PROMPT.sub("", code.text))
                try:
                    body = ast.parse(text).body
                    yield _block(path, body, tuple(_imported(body)))
                except (SyntaxError, ValueError, RecursionError, MemoryError):
                    continue


def _block(path: str, body: list[ast.stmt], imports: tuple[str, ...]) -> Block:
    calls: dict[str, list[ast.Call]] = {}
    for statement in body:
        for node in walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                calls.setdefault(name, []).append(node)
    return Block(path, tuple(body), imports, calls)


def _is_meant(block: Block, call: ast.Call, model: Model) -> bool:
    """Whether a call elsewhere is of this model, not of another one of the same name."""
    for statement in block.body:
        if (
            isinstance(statement, ast.ImportFrom)
            and statement.module
            and any(alias.name == model.name for alias in statement.names)
        ):
            inner = model.location.path.removesuffix(".py").replace("/", ".")
            # A document names the package that it means.
            return f".{inner}".endswith(f".{statement.module}") or statement.module == model.module
    if block.path.endswith(".py"):
        stem = model.location.path.removesuffix(".py").rpartition("/")[2]
        return stem in block.imports or model.name in block.imports
    return isinstance(call.func, ast.Name)


def _arguments(
    call: ast.Call, parameters: tuple[Parameter, ...]
) -> tuple[tuple[str, str], ...] | None:
    """What a call gives, by name; None when part of it is not a literal, or something is missing."""
    positional = [p.name for p in parameters if p.kind in ("positional", "positional-only")]
    if len(call.args) > len(positional):
        return None
    given = dict(zip(positional, call.args, strict=False))
    for given_by_name in call.keywords:
        if given_by_name.arg is None:
            return None
        given[given_by_name.arg] = given_by_name.value
    known = {parameter.name for parameter in parameters}
    takes_all = any(one.kind == "var-keyword" and not one.ignored for one in parameters)
    sources: dict[str, str] = {}
    for name, value in given.items():
        literal = write_expression(value)
        if literal is None:
            return None
        if name in known or takes_all:
            sources[name] = literal
    if any(one.required and one.name not in sources for one in parameters):
        return None
    return tuple(sources.items())


def _inputs(block: Block, built: ast.Call) -> tuple[str, ...]:
    """What a model is run on where it is built."""
    values: dict[str, ast.expr] = {}
    holder = ""
    body = statements(block.body, nested=False)
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if any(node is built for node in walk(statement.value)):
                holder = name
            values.setdefault(name, statement.value)
    for statement in body:
        for node in walk(statement):
            if not isinstance(node, ast.Call) or node.keywords:
                continue
            is_run = isinstance(node.func, ast.Name) and node.func.id == holder
            if is_run or node.func is built:
                specs = [
                    _spec(values.get(a.id) if isinstance(a, ast.Name) else a) for a in node.args
                ]
                found = tuple(spec for spec in specs if spec)
                return found if len(found) == len(specs) else ()
    return ()


def _spec(node: ast.expr | None) -> str:
    """A tensor in the notation of the configuration; "" for one whose shape is not a literal."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _FLOATS or node.func.attr == "randint":
            break
        node = node.func.value  # torch.randn(...).cuda()
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    arguments = [write_expression(argument) for argument in node.args]
    if name == "Variable" and node.args:
        return _spec(node.args[0])
    if name in _FLOATS:
        kinds = [ast.unparse(one.value) for one in node.keywords if one.arg == "dtype"]
        return "" if kinds else _shaped("f32", ", ".join(map(str, arguments)), "")
    if name == "randint" and len(arguments) >= 2 and str(arguments[-2]).isdecimal():
        return _shaped("i64", str(arguments[-1]), f" < {arguments[-2]}")
    return ""


def _shaped(dtype: str, shape: str, bound: str) -> str:
    axes = [axis.strip() for axis in shape.strip("()[]").split(",") if axis.strip()]
    if not axes or len(axes) > _MAX_AXES or not all(axis.isdecimal() for axis in axes):
        return ""
    count = 1
    for axis in axes:
        count *= int(axis)
    return f"{dtype}[{','.join(axes)}]{bound}" if 0 < count <= _MAX_ELEMENTS else ""
