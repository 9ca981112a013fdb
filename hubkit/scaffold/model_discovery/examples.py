"""How a repo builds its own models: calls with literal arguments, and what the models are run on."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import TYPE_CHECKING

from hubkit.analysis.literals import write_expression
from hubkit.analysis.nodes import statements, walk
from hubkit.analysis.snippets import find_code
from hubkit.analysis.source_file import read_source
from hubkit.facts import Example, HubconfProblem
from hubkit.records import dataclass
from hubkit.scaffold.model_discovery.sources import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Files, Model, Parameter

_README = re.compile(r"readme(?:\.\w+)?", re.IGNORECASE)
_PYTHON = frozenset({"", "py", "python", "python3", "pycon"})
_PROMPT = re.compile(r"^[ \t]*(?:>>>|\.\.\.) ?", re.MULTILINE)
_FLOATS = frozenset({"randn", "rand", "zeros", "ones", "Tensor", "FloatTensor", "empty"})
_MAX_FILES = 800
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_MAX_AXES = 6
_MAX_ELEMENTS = 1 << 22


@dataclass(frozen=True, slots=True)
class Block:
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
    for path in sorted(paths, key=lambda path: (path.count("/"), path))[:_MAX_FILES]:
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
    """What a call gives, by name; None when not all of it is spelt out, or something lacks."""
    positional = [p.name for p in parameters if p.kind in ("positional", "positional-only")]
    if len(call.args) > len(positional):
        return None
    given = dict(zip(positional, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            return None
        given[keyword.arg] = keyword.value
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
    """A tensor in the notation of the configuration; "" for one that is not spelt out."""
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
    if name == "randint" and len(arguments) >= 2 and str(arguments[-2]).isdigit():
        return _shaped("i64", str(arguments[-1]), f" < {arguments[-2]}")
    return ""


def _shaped(dtype: str, shape: str, bound: str) -> str:
    axes = [axis.strip() for axis in shape.strip("()[]").split(",") if axis.strip()]
    if not axes or len(axes) > _MAX_AXES or not all(axis.isdigit() for axis in axes):
        return ""
    count = 1
    for axis in axes:
        count *= int(axis)
    return f"{dtype}[{','.join(axes)}]{bound}" if 0 < count <= _MAX_ELEMENTS else ""
