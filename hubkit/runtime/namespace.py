"""The private namespace of one hub repo: what its imports mean."""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

from hubkit.runtime.executed import ExecutedFiles
from hubkit.runtime.listing import Listings
from hubkit.runtime.policy import FOLDER
from hubkit.runtime.statements import Memory, make_import
from hubkit.runtime.views import make_view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hubkit.runtime.nested import HubFunctions
    from hubkit.runtime.policy import CodePolicy

# In the __builtins__ of every module of a repo: tells whose code a frame runs.
MARK = "__hubkit_namespace__"


class Namespace:
    """One tree's modules, all below one private package.

    Modules that are executed here get a ``__builtins__`` of their own, whose ``__import__`` looks
    in the tree first, as ``sys.path`` would with the tree in front. That holds for as long as the
    code lives, so imports in functions that run much later still find the tree, and nobody else's
    ``sys.path`` or ``sys.modules`` is involved.

    Attributes:
        root: The tree's folder.
        package: Dotted name of its package.
        policy: How its code is imported.
        prefix: The same with a dot at the end.
        search_path: Folders in which its modules are looked for; the package's ``__path__``.
        builtins: The ``__builtins__`` of its modules.
        files: Those of its files that were executed.
        listings: What its folders hold.
        memory: What its import statements have led to.
        import_: ``__import__`` as its code sees it.
        readers: Names of its modules whose code has to do with ``sys.modules``.
        hub: What its calls of ``torch.hub`` go to; None leaves them to torch.
        callers_path: What was on ``sys.path`` before any of its code ran.
    """

    def __init__(self, root: Path, package: str, policy: CodePolicy = FOLDER) -> None:
        self.root = root
        self.package = package
        self.policy = policy
        self.prefix = f"{package}."
        self.search_path = [str(root)]
        self.builtins: dict[str, object] = {}
        self.files = ExecutedFiles(root)
        self.files.are_fixed = policy.is_fixed
        self.listings = Listings(root, policy.bytecode)
        self.hub: HubFunctions | None = None
        self.callers_path: frozenset[str] | None = None
        self.memory = Memory()
        self.readers: set[str] = set()
        self.import_ = make_import(self)
        self._own: dict[str, bool] = {}
        self._folders: dict[str, list[str]] = {}
        self._views: dict[str, ModuleType | None] = {}
        self.take_over_builtins()

    def __repr__(self) -> str:
        return f"<namespace of {self.root}>"

    def take_over_builtins(self) -> None:
        """Let the repo's code see what others have put into, or replaced in, ``builtins``."""
        # In one step, so that no other thread ever sees an __import__ that is not the repo's.
        self.builtins.update({**vars(builtins), "__import__": self.import_, MARK: self})

    def new_module(self, name: str) -> ModuleType:
        """An empty module whose code will see the repo's builtins."""
        module = ModuleType(name)
        vars(module)["__builtins__"] = self.builtins
        return module

    def view(self, name: str) -> ModuleType | None:
        """The repo's view of a module, or None when it sees the original."""
        if name not in self._views:
            self._views[name] = make_view(name, self)
        return self._views[name]

    def holds(self, path: str) -> bool:
        """Whether a file or folder is the tree or lies in it."""
        return f"{os.path.realpath(path)}{os.sep}".startswith(f"{self.root}{os.sep}")

    def take_in(self, name: str, module: ModuleType) -> None:
        """Keep a module that the repo's code has put into ``sys.modules`` under a bare name."""
        sys.modules.setdefault(self.prefix + name, module)
        self._own[name.partition(".")[0]] = True
        self.memory.clear()

    def import_module(self, name: str) -> ModuleType:
        """``importlib.import_module`` of one of the repo's own modules, by its bare name."""
        try:
            return importlib.import_module(self.prefix + name)
        except ImportError as error:
            self.clean(error)
            raise

    def owns(self, name: str, fromlist: Sequence[str] = ()) -> bool:
        """Whether an absolute import means a module of the tree."""
        top, _, rest = name.partition(".")
        own = self._own.get(top)
        if own is not None:
            return own
        folders = self._folders.get(top)
        if folders is None:
            spec = self._find(top)
            if spec is None:
                return False
            if spec.origin is not None:
                self._own[top] = True
                return True
            folders = self._folders[top] = [*(spec.submodule_search_locations or ())]
        return _hold(folders, (rest.partition(".")[0],) if rest else fromlist) or not _is_elsewhere(
            top
        )

    def is_shared(self, top: str) -> bool:
        """Whether a name is that of a folder of the tree, and may be another package's too."""
        return top in self._folders

    def leave(self, name: str) -> None:
        """Settle that a name which was imported from elsewhere is none of the tree's."""
        top = name.partition(".")[0]
        if top not in self._own and top not in self._folders:
            self._own[top] = False
            self.take_over_builtins()

    def clean(self, error: ImportError) -> None:
        """Let an import error name modules as the repo's code does."""
        if error.name and error.name.startswith(self.prefix):
            error.name = error.name[len(self.prefix) :]
        if self.prefix in str(error.msg):
            error.msg = str(error.msg).replace(self.prefix, "")
            error.args = (error.msg, *error.args[1:])

    def _find(self, top: str) -> ModuleSpec | None:
        if BuiltinImporter.find_spec(top) or FrozenImporter.find_spec(top):
            return None
        # As with sys.path: what the standard library has loaded already wins. Published repos were
        # only ever run that way, so one with a signal.py does not expect its own.
        if top in sys.stdlib_module_names and top in sys.modules:
            return None
        self.adopt_search_path()
        return PathFinder.find_spec(top, self.search_path)

    def adopt_search_path(self) -> None:
        """Take over folders of the tree that its code has put on ``sys.path``."""
        callers = self.callers_path or frozenset()
        in_front, position = True, 0
        # Other threads may change sys.path meanwhile; to copy a list is one step.
        for entry in sys.path.copy():
            if entry in callers:
                in_front = False
            elif self.holds(entry):
                path = os.path.realpath(entry)
                if path not in self.search_path:
                    self.search_path.insert(position if in_front else len(self.search_path), path)
                    position += 1


def _hold(folders: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether folders without ``__init__.py`` hold one of the modules that are wanted of them.

    For Python any regular package comes before such a folder, so a stray ``utils`` in
    site-packages would hide the repo's. Here the folder is meant when it has what is wanted.
    """
    return any(PathFinder.find_spec(name, [*folders]) for name in wanted)


def _is_elsewhere(name: str) -> bool:
    """Whether there is a regular top-level module outside all hub repos; imports nothing."""
    loaded = sys.modules.get(name)
    if loaded is not None and not getattr(type(loaded), "is_hubkit", False):
        return loaded.__spec__ is None or loaded.__spec__.origin is not None
    for finder in sys.meta_path:
        if not getattr(finder, "is_hubkit", False) and hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, None)
            if spec is not None:
                return spec.origin is not None
    return False
