"""The modules that a hubconf declares in ``dependencies``: are they installed?"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import warnings
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from hubkit import limits
from hubkit._util.paths import read_inside
from hubkit.errors import MissingDependenciesError, MissingExtraError
from hubkit.torchhub import DEPENDENCIES, HUBCONF

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def require_dependencies(root: Path, what: str) -> None:
    """Check that all modules that a hubconf declares are installed, without importing any.

    Names such as ``torch>=2`` and ``scikit-learn``, with which torch.hub always fails, mean
    ``torch`` and ``sklearn``.

    Args:
        root: The repo's folder; modules in it count as installed.
        what: What needs them, for the error.

    Raises:
        MissingDependenciesError: Some are not installed; the error names all of them.
        MissingExtraError: Only torch is not installed.
    """
    wanted = dict.fromkeys(_module_name(entry) for entry in read_declared(root))
    missing = tuple(name for name in wanted if not _is_available(name, root))
    if missing == ("torch",):
        raise torch_is_missing(f"{what} needs torch")
    if missing:
        raise _are_missing(missing, what)


def read_declared(root: Path) -> tuple[str, ...]:
    """The entries of a hubconf's ``dependencies``; none if the source does not show them.

    A list of constants, which nearly all repos write, is read from the syntax tree. Anything else
    is left to `hubkit.analysis`, which takes longer.
    """
    try:
        source = read_inside(root, HUBCONF, limits.SOURCE_BYTES.most + 1)
        if DEPENDENCIES.encode() not in source or len(source) > limits.SOURCE_BYTES.most:
            return ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    found = _read_constants(tree)
    if found is None:
        from hubkit.analysis import read_dependencies

        found = read_dependencies(root) or ()
    return found


def _read_constants(tree: ast.Module) -> tuple[str, ...] | None:
    """The entries, if one top-level assignment of constants is all that the name is used for."""
    values = [*_find_assigned(tree)]
    if len(values) != 1 or not isinstance(values[0], ast.List | ast.Tuple):
        return None
    uses = sum(_names(node) == DEPENDENCIES for node in ast.walk(tree))
    entries = [one.value for one in values[0].elts if isinstance(one, ast.Constant)]
    names = tuple(entry for entry in entries if isinstance(entry, str))
    return names if uses == 1 and len(names) == len(values[0].elts) else None


def _find_assigned(tree: ast.Module) -> Iterator[ast.expr]:
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="dependencies")], value=value):
                yield value
            case ast.AnnAssign(target=ast.Name(id="dependencies"), value=ast.expr() as value):
                yield value


def _names(node: ast.AST) -> str | None:
    """The name that a node uses or binds."""
    match node:
        case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.alias(name=name, asname=asname):
            return asname or name
    return None


def torch_is_missing(what: str) -> MissingExtraError:
    """The error to raise if torch is needed and not installed.

    Args:
        what: What needs it, such as "hubconf.py needs torch".
    """
    # With numpy: without it, torch warns and cannot exchange arrays.
    return MissingExtraError(
        f"{what}, which is not installed.", hint="Install it: pip install torch numpy"
    )


def _are_missing(names: tuple[str, ...], what: str) -> MissingDependenciesError:
    import shlex

    from hubkit.analysis import distribution_name

    packages = map(distribution_name, names)
    return MissingDependenciesError(
        f"{what} needs modules that are not installed: {', '.join(names)}.",
        missing=names,
        hint=f"Install them: pip install {shlex.join(dict.fromkeys(packages))}",
    )


def _module_name(entry: str) -> str:
    if entry.isidentifier():
        return entry
    match = re.match(r"\s*([\w.-]+)", entry)
    name = match[1] if match else entry
    if all(part.isidentifier() for part in name.split(".")):
        return name
    from hubkit.analysis import import_name

    return import_name(name) or name.replace("-", "_")


def _is_available(name: str, root: Path) -> bool:
    """Whether a module can be imported, as far as one can tell without running its parents."""
    top, _, rest = name.partition(".")
    if name in sys.modules or (root / top).is_dir() or (root / f"{top}.py").is_file():
        return True
    try:
        spec = importlib.util.find_spec(top)
    except ImportError:
        return False
    except ValueError:
        # In sys.modules and without a spec: somebody put it there by hand.
        return True
    for part in rest.split(".") if rest else ():
        if spec is None or spec.submodule_search_locations is None:
            return False
        spec = PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations)
    return spec is not None
