"""Watch what the files of a repo import, and hide undeclared modules that the code can do without.

Used in child processes only: it replaces ``builtins.__import__``, which every ``import`` statement
calls, even if the module is already loaded.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from hubkit.torchhub import TORCH_MODULES
from pytest_hubkit.child.protocol import Undeclared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, ModuleType


# What comes with torch, so that no hubconf has to declare it: torch requires the last one.
WITH_TORCH = TORCH_MODULES | {"typing_extensions"}
_STANDARD = f"{Path(os.__file__).parent}{os.sep}"
_CAUGHT = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


def hide_distributions(names: tuple[str, ...]) -> None:
    """Hide metadata of distributions until the process ends, as if they were not installed.

    Args:
        names: Their names.
    """
    from importlib.metadata import MetadataPathFinder

    hidden = {_normalize(name) for name in names}
    find = MetadataPathFinder.find_distributions

    def find_others(*args: Any, **kwargs: Any) -> Iterator[Any]:  # noqa: ANN401
        return (one for one in find(*args, **kwargs) if _normalize(one.name) not in hidden)

    if hidden:
        setattr(MetadataPathFinder, "find_distributions", find_others)  # noqa: B010 - mypy's rule


def _normalize(name: str | None) -> str:
    """A name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name or "").lower()


class ImportWatch(Struct):
    """Watches the imports of one repo's files.

    Attributes:
        root: The repo's folder, resolved.
        allowed: Top-level modules that they may import.
        hide: Whether other imports fail where the code catches the ImportError.
        entrypoint: The entrypoint that runs, or "".
        found: Imports of other modules, in order.
    """

    root: Path
    allowed: frozenset[str]
    hide: bool = True
    entrypoint: str = ""
    found: dict[tuple[str, str], Undeclared] = field(default_factory=dict)

    def start(self) -> None:
        """Watch until the process ends."""
        plain_import, import_module = builtins.__import__, importlib.import_module

        @functools.wraps(plain_import)
        def watched_import(
            name: str,
            globals: Any = None,  # noqa: A002, ANN401
            locals: Any = None,  # noqa: A002, ANN401
            fromlist: Any = (),  # noqa: ANN401
            level: int = 0,
        ) -> ModuleType:
            if not level:
                self._check(name, sys._getframe(1))  # noqa: SLF001
            return plain_import(name, globals, locals, fromlist, level)

        @functools.wraps(import_module)
        def watched_import_module(name: str, package: str | None = None) -> ModuleType:
            if not name.startswith("."):
                self._check(name, sys._getframe(1))  # noqa: SLF001
            return import_module(name, package)

        builtins.__import__ = watched_import
        importlib.import_module = watched_import_module

    def _check(self, name: str, frame: FrameType) -> None:
        top = name.partition(".")[0]
        # Most imports are those of torch and hubkit inside functions.
        if top in self.allowed or _is_standard(top):
            return
        path = self._inside(frame.f_code.co_filename)
        if not path or self._is_own(top):
            return
        hidden = self.hide and self._catches_failure(frame)
        self.found.setdefault(
            (top, self.entrypoint), Undeclared(top, path, frame.f_lineno, self.entrypoint, hidden)
        )
        if hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def _inside(self, path: str) -> str:
        """A file's path in the repo, or "" if it is not one of the repo's files."""
        prefix, environment = f"{self.root}{os.sep}", f"{sys.prefix}{os.sep}"
        if not path.startswith(prefix):
            return ""
        # A virtual environment may lie in the repo, be the repo's folder, or hold the repo.
        others = [
            one for one in (environment, _STANDARD) if one.startswith(prefix) and one != prefix
        ]
        if path.startswith(tuple(others)):
            return ""
        inside = Path(path[len(prefix) :])
        return "" if "site-packages" in inside.parts else inside.as_posix()

    def _is_own(self, top: str) -> bool:
        """Whether an undeclared module comes from a folder of the repo."""
        loaded = sys.modules.get(top)
        places = [getattr(loaded, "__file__", None)] if loaded is not None else self._find(top)
        return any(place and self._inside(place) for place in places)

    def _find(self, top: str) -> list[str | None]:
        spec = importlib.machinery.PathFinder.find_spec(top)
        if spec is None:
            return []
        folders = [f"{folder}{os.sep}" for folder in spec.submodule_search_locations or ()]
        return [spec.origin, *folders]

    def _catches_failure(self, frame: FrameType | None) -> bool:
        """Whether the repo's code that leads here catches a failing import."""
        while frame is not None:
            path = frame.f_code.co_filename
            if self._inside(path) and _is_guarded(path, frame.f_lineno):
                return True
            frame = frame.f_back
        return False


def _is_standard(top: str) -> bool:
    return top in sys.stdlib_module_names or top in sys.builtin_module_names


def _is_guarded(path: str, line: int) -> bool:
    return any(first <= line <= last for first, last in _guarded_lines(path))


@functools.cache
def _guarded_lines(path: str) -> tuple[tuple[int, int], ...]:
    """First and last lines of the blocks of a file in which an ImportError is caught."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(_guarded_blocks(tree))


def _guarded_blocks(tree: ast.Module) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            guarded = any(_catches(handler.type) for handler in node.handlers)
        elif isinstance(node, ast.With):
            guarded = any(_suppresses(item.context_expr) for item in node.items)
        else:
            continue
        if guarded:
            yield node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(_last_name(one) in _CAUGHT for one in kinds)


def _suppresses(expression: ast.expr) -> bool:
    return (
        isinstance(expression, ast.Call)
        and _last_name(expression.func) == "suppress"
        and any(_catches(argument) for argument in expression.args)
    )


def _last_name(node: ast.expr) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")
