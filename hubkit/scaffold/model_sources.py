"""The modules of a repo that a hubconf can import, and examples of how the repo builds its models."""

from __future__ import annotations

import ast
import keyword
import re
import textwrap
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from hubkit import limits
from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.documents import find_code
from hubkit.analysis.modules import SourceTree, read_source
from hubkit.analysis.resolve import Resolver
from hubkit.analysis.syntax import branches_of, statements, walk
from hubkit.analysis.values import write_expression
from hubkit.facts import HubconfProblem
from hubkit.scaffold.values import last_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Scope
    from hubkit.facts import Files, Location, Parameter
    from hubkit.scaffold.values import Values


# Folders of other projects, and of build output.
FOREIGN = re.compile(
    r"(?:^|/)(?:\.[^/]*|build|dist|node_modules|third_?party|vendor|externals?|site-packages|venv"
    r"|env|__pycache__)/"
)
# Folders without models to publish.
_ASIDE = re.compile(r"(?:^|/)(?:tests?|testing|docs?|benchmarks?)/")
_NOT_MODULES = frozenset({"setup.py", "conftest.py", "hubconf.py", "noxfile.py", "tasks.py"})
# Calls at the top level of a module that only prepare something.
_PREPARATIONS = re.compile(
    r"(?:warnings|logging|logger|sys\.path|os\.environ|matplotlib|torch\.backends|typing|np|numpy"
    r"|\w*(?:register|add|append|extend|update|insert|setdefault|patch)\w*)(?:\.|$)"
)
_WORK = frozenset({"parse_args", "parse_known_args", "ArgumentParser"})
_README = re.compile(r"readme(?:\.\w+)?", re.IGNORECASE)
_PYTHON = frozenset({"", "py", "python", "python3", "pycon"})
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.) ?", re.MULTILINE)
_FLOATS = frozenset({"randn", "rand", "zeros", "ones", "Tensor", "FloatTensor", "empty"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_CONFIG_CLASS = re.compile(r"(?i)(?:config|cfg|settings|options|h?params|args|arguments)$")
_MAX_AXES = 6
_MAX_ELEMENTS = 1 << 22


class Example(Struct, frozen=True):
    """A call that builds a model, in the README or in a module that runs as a script.

    Attributes:
        arguments: Names of parameters with the source of literals, including those of a ``**``
            parameter.
        inputs: The inputs of the model, such as "f32[1,3,256,256]"; empty if unknown.
        path: The file.
        is_partial: Whether the call has arguments whose values the source does not show.
        builds: Whether no required argument is among these.
    """

    arguments: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    path: str
    is_partial: bool = False
    builds: bool = True


class Model(Struct, frozen=True):
    """A function or class of a repo that returns an ``nn.Module``.

    Attributes:
        name: Its name in its own module.
        module: The module to import it from: the package that re-exports it, or its own module.
        root: The folder that the module's name is relative to; "" for the root of the repo.
        kind: Whether it is a function or a class.
        parameters: Its parameters; None if unknown.
        docstring: Its cleaned docstring, or None.
        texts: Descriptions of its parameters, from docstrings: its own, those of ``__init__`` and of
            its base classes, and those of the class that a function builds.
        gives: Dotted name of the class of the model.
        location: Its definition.
        is_part: Whether other models of the repo contain it.
        is_exported: Whether a package re-exports it.
        takes: Names of what its ``forward`` requires; empty if unknown.
        examples: Calls that build it, the best first.
        values: Values for its parameters from configuration files, a set for each.
        fallbacks: Values for its parameters where it needs them: defaults of the class it builds.
        config: Name of the dataclass of its configuration, if all fields have defaults; "" if it
            takes no such object.
        late: Top-level modules from outside the repo that building it imports.
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
    takes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    values: tuple[dict[str, str], ...] = ()
    texts: dict[str, str] = {}
    fallbacks: dict[str, str] = {}
    config: str = ""
    late: tuple[str, ...] = ()

    @property
    def example(self) -> Example | None:
        """The best call that builds it with known arguments, or None."""
        return next((one for one in self.examples if one.builds), None)


class OwnSource(Struct, frozen=True):
    """A module of the repo.

    Attributes:
        scope: Its names.
        root: The folder that its dotted name is relative to; "" for the root of the repo.
    """

    scope: Scope
    root: str


class Sources(Struct, frozen=True):
    """The modules of a repo.

    Attributes:
        resolver: Resolves names in them.
        modules: Modules whose import only defines names, nearest to the root first.
        unread: Other files, each with the reason why its models cannot be imported.
    """

    resolver: Resolver
    modules: tuple[OwnSource, ...]
    unread: tuple[tuple[str, str], ...]


def read_sources(files: Files) -> Sources:
    """Read a repo's modules, except tests, documentation and copies of other projects.

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
    """Folders that must be on the path to import the modules in them.

    ``src`` is one by convention. Others are folders whose name is not an identifier, and folders
    whose modules import one another as top-level modules.
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
    """The folder that contains the outermost package around a file."""
    folder = path.rpartition("/")[0]
    while folder and "__init__.py" in files.names(folder):
        folder = folder.rpartition("/")[0]
    return folder


def _imports_from(files: Files, path: str, folder: str) -> bool:
    """Whether a module imports something that is in its folder and not at the repo's root."""
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
    """The module at a path, or the reason why it cannot be imported."""
    root = max((r for r in roots if path.startswith(f"{r}/")), key=len, default="")
    inner = path[len(root) + 1 :] if root else path
    parts = inner.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    if not parts or not all(map(_is_name, parts)):
        return "its path is not a valid module name"
    if is_stdlib(parts[0]):
        return f"the standard library has a module `{parts[0]}`"
    scope = tree.scope(".".join(parts))
    if scope is None:
        problems = (p.message for p in tree.problems if p.location.path == path)
        return f"it cannot be parsed: {next(problems, 'it cannot be read')}"
    if scope.file.path != path:
        return f"{scope.file.path} defines the same module"
    line = _find_work(scope.file.tree.body)
    if line:
        return f"importing it runs a script (line {line})"
    return OwnSource(scope, root)


def _find_work(body: Iterable[ast.stmt]) -> int:
    """The line on which importing a module does more than define names; 0 if there is none."""
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
    """Whether a file that cannot be imported seems to contain a model."""
    text = files.read_text(path)
    return bool(re.search(r"^class \w+\(.*Module\b", text, re.MULTILINE))


class Block(Struct, frozen=True):
    """A block of code that runs from top to bottom.

    Attributes:
        path: Its file.
        body: Its statements.
        imports: Names that it imports, and the last parts of module names.
        calls: The calls in it, by the last part of the function's name.
        is_config: Whether it is the body of a class such as ``Config``.
    """

    path: str
    body: tuple[ast.stmt, ...]
    imports: tuple[str, ...]
    calls: dict[str, list[ast.Call]]
    is_config: bool = False


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
        yield _block(path, own, imports)
        for statement in statements(file.tree.body):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                yield _block(path, statement.body, imports)
            elif isinstance(statement, ast.ClassDef) and _CONFIG_CLASS.search(statement.name):
                yield replace(_block(path, statement.body, imports), is_config=True)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names that code imports, and the last parts of module names."""
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.name.rpartition(".")[2]
            if isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.rpartition(".")[2]


def find_examples(model: Model, blocks: Iterable[Block], values: Values) -> tuple[Example, ...]:
    """Find the calls that build a model: those that show an input first, then complete ones.

    Args:
        model: The model.
        blocks: The code to search. Blocks in the model's own file come first.
        values: Values for arguments such as ``args.width``.
    """
    own = model.location.path
    found: list[Example] = []
    for block in sorted(blocks, key=lambda block: block.path != own):
        for call in block.calls.get(model.name, ()):
            if block.path != own and not _is_meant(block, call, model):
                continue
            example = _example(block, call, model.parameters or (), values)
            if example is not None:
                found.append(example)
    return tuple(sorted(found, key=lambda one: (one.is_partial, not one.inputs)))


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
    aliases: dict[str, str] = {}
    for statement in body:
        for node in walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                calls.setdefault(name, []).append(node)
            elif isinstance(node, ast.ImportFrom):
                aliases |= {a.asname: a.name for a in node.names if a.asname}
    for alias, name in aliases.items():
        calls.setdefault(name, []).extend(calls.get(alias, ()))
    return Block(path, tuple(body), imports, calls)


def _is_meant(block: Block, call: ast.Call, model: Model) -> bool:
    """Whether a call in another file builds this model, not another one of the same name."""
    for statement in block.body:
        if (
            isinstance(statement, ast.ImportFrom)
            and statement.module
            and any(alias.name == model.name for alias in statement.names)
        ):
            inner = model.location.path.removesuffix(".py").replace("/", ".")
            # Documents import from the package.
            return f".{inner}".endswith(f".{statement.module}") or statement.module == model.module
    if block.path.endswith(".py"):
        stem = model.location.path.removesuffix(".py").rpartition("/")[2]
        return stem in block.imports or model.name in block.imports
    return isinstance(call.func, ast.Name)


def _example(
    block: Block, call: ast.Call, parameters: tuple[Parameter, ...], values: Values
) -> Example | None:
    """The arguments of a call by name, as far as the source shows them; None if it shows none."""
    positional = [p.name for p in parameters if p.kind in ("positional", "positional-only")]
    if len(call.args) > len(positional) or any(one.arg is None for one in call.keywords):
        return None
    arguments = dict(zip(positional, call.args, strict=False))
    arguments |= {one.arg: one.value for one in call.keywords if one.arg}
    known = {parameter.name for parameter in parameters}
    takes_all = any(one.kind == "var-keyword" and not one.ignored for one in parameters)
    sources: dict[str, str] = {}
    for name, value in arguments.items():
        literal = _read_value(value, block, values)
        if literal and (name in known or takes_all):
            sources[name] = literal
    is_partial = len(call.args) + len(call.keywords) > len(sources)
    builds = all(one.name in sources for one in parameters if one.required)
    if not (builds or sources):
        return None
    return Example(tuple(sources.items()), _inputs(block, call), block.path, is_partial, builds)


def _read_value(node: ast.expr, block: Block, values: Values) -> str:
    """The source of an argument's value: a literal, a variable, or a value of the configuration."""
    literal = write_expression(node)
    if literal is not None:
        return literal
    name = last_name(node)
    if isinstance(node, ast.Name):
        for statement in block.body:
            if isinstance(statement, ast.Assign) and last_name(statement.targets[0]) == name:
                return write_expression(statement.value) or ""
    return values.find(name) if name else ""


def _inputs(block: Block, built: ast.Call) -> tuple[str, ...]:
    """The inputs of a model in the block that builds it."""
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
    """A tensor in the notation of the configuration; "" if its shape is not a literal."""
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
