"""The modules of a repo that a hubconf at its root could import."""

from __future__ import annotations

import ast
import keyword
import re
from typing import TYPE_CHECKING

from hubkit.analysis.branches import branches_of
from hubkit.analysis.builtin_names import is_stdlib
from hubkit.analysis.modules import SourceTree
from hubkit.analysis.nodes import walk
from hubkit.analysis.resolve import Resolver
from hubkit.analysis.source_file import read_source
from hubkit.facts import HubconfProblem
from hubkit.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.analysis.scope import Scope
    from hubkit.facts import Files

_MAX_FILES = 1500
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


@dataclass(frozen=True, slots=True)
class OwnSource:
    """A module of the repo.

    Attributes:
        scope: Its names.
        root: The folder that its dotted name starts from; "" for the repo's root.
    """

    scope: Scope
    root: str


@dataclass(frozen=True, slots=True)
class Sources:
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
    return sorted(found, key=lambda path: (path.count("/"), path))[:_MAX_FILES]


def _find_roots(files: Files, paths: Iterable[str]) -> tuple[str, ...]:
    """Folders below the root that modules must be imported from.

    ``src`` is one by convention. Others are those whose name is none of a package, and those whose
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
