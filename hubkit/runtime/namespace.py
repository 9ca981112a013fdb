"""The private namespace of a hub repo: which names are the repo's, and whose code is running.

Modules of a repo live below one private package, ``hubkit.repos.<repo>``. They are executed with a
``__builtins__`` of their own, whose ``__import__`` looks in the tree first, as Python would with
the tree in front of ``sys.path``. That holds for as long as the code lives: an import in a function
that runs much later still finds the tree, and nobody else's ``sys.path`` or ``sys.modules`` changes.

The ``__builtins__`` also tell whose code a frame runs. One rule holds for imports and for calls of
``torch.hub``: the nearest frame of a repo's own code counts, also long after `hubkit.load` returned
and in threads that the repo started. If there is none on the stack, a context variable names the
repo whose entrypoint is running. Both are per thread.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import re
import sys
import threading
from contextvars import ContextVar
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, ValidationError, convert, to_builtins
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import FrameType

    from hubkit.facts import RepoRef
    from hubkit.runtime.module_loader import Listing
    from hubkit.runtime.torch_patches import HubFunctions


PACKAGE = "hubkit.repos"
PREFIX = f"{PACKAGE}."

# The key in the __builtins__ of a repo's modules that holds their namespace.
KEY = "__hubkit_namespace__"

CachedImport = tuple[str, ModuleType, ModuleType, str, ModuleType, "Mapping[str, object] | None"]
"""The outcome of an import statement.

The key in ``sys.modules`` and the module there; the module (or its proxy) that ``from`` imports
from; key and module of the topmost package, which a plain ``import`` returns; and for a package,
its variables.
"""


class Namespace(Struct, frozen=True, eq=False):
    """A tree and the package that it is imported as.

    Attributes:
        root: The tree's folder, resolved.
        package: Dotted name of the package.
        prefix: The same with a dot at the end; the full name of each of its modules starts with it.
        policy: How its code is imported.
        state: What its imports made so far.
    """

    root: Path
    package: str
    prefix: str
    policy: CodePolicy
    state: NamespaceState

    def __repr__(self) -> str:
        return f"<namespace of {self.label}>"

    @property
    def name(self) -> str:
        """The name of the package below ``hubkit.repos``."""
        return self.package[len(PREFIX) :]

    @property
    def label(self) -> str:
        """The repo and ref, or the folder, for messages."""
        return self.policy.label or str(self.root)

    def contains(self, path: str) -> bool:
        """Whether a file or folder is the tree or lies in it."""
        return f"{os.path.realpath(path)}{os.sep}".startswith(f"{self.root}{os.sep}")


class NamespaceState:
    """What the imports of one tree made so far.

    Attributes:
        search_path: Folders to search for modules; the ``__path__`` of the package.
        builtins: The ``__builtins__`` of the modules.
        import_: The ``__import__`` in them.
        hub: What the code's calls of ``torch.hub`` call; None calls torch itself.
        initial_path: ``sys.path`` before any of the tree's code ran.
        own: Top-level names that are known to be the tree's (True) or not (False).
        folders: Folders of the tree without ``__init__.py``, by top-level name. The name may be
            another package's too.
        absolute: Outcomes of absolute imports, by name.
        relative: Outcomes of relative imports, by package, level and name.
        proxies: Proxies of standard modules, by name; None where the original is used.
        listings: Names in its folders, by folder.
        sys_modules_users: Full names of modules whose code uses ``sys.modules``.
        wrote_sys_modules: Whether its code replaced or removed others' modules in ``sys.modules``.
        is_opened_by_name: Whether it was imported by the name of its package, not by loading it.
        is_fixed: Whether the tree's files are only replaced all at once (`CodePolicy.is_fixed`).
        files: Files that were imported, with their modification time and size.
        folder_id: Identifies the folder, and the hubconf in it, that the files were read from.
    """

    def __init__(self, root: Path, *, is_fixed: bool) -> None:
        self.search_path = [str(root)]
        self.builtins: dict[str, object] = {}
        self.import_: Callable[..., ModuleType] = builtins.__import__
        self.hub: HubFunctions | None = None
        self.initial_path: frozenset[str] | None = None
        self.own: dict[str, bool] = {}
        self.folders: dict[str, list[str]] = {}
        self.absolute: dict[str, CachedImport] = {}
        self.relative: dict[tuple[object, int, str], CachedImport] = {}
        self.proxies: dict[str, ModuleType | None] = {}
        self.listings: dict[str, Listing] = {}
        self.sys_modules_users: set[str] = set()
        self.wrote_sys_modules = False
        self.is_opened_by_name = False
        self.is_fixed = is_fixed
        self.files: dict[str, tuple[int, int]] = {}
        self.folder_id = identify_folder(root)


def refresh_builtins(namespace: Namespace) -> None:
    """Copy what others have put into, or replaced in, ``builtins``."""
    state = namespace.state
    # In one step, so that no other thread ever sees an __import__ that is not the repo's.
    state.builtins.update({**vars(builtins), "__import__": state.import_, KEY: namespace})


# Names of packages


# Uppercase letters follow "_" in these only, and "__" separates the parts of a name.
_SPELLED = {"_": "_U", ".": "_D", "-": "_H", "/": "_S", ":": "_C", "@": "_A", "+": "_P"}
_READ = {spelling[1]: character for character, spelling in _SPELLED.items()}
_FOLDER = "folder"
_SHA_DIGITS = 12
_LONGEST = 40  # characters of a folder's name


def name_repo(repo: RepoRef, sha: str) -> str:
    """The name of a commit's package: ``github_com__acme__net__1a2b3c4d5e6f``.

    It is the same on every machine, and tells another process which code a pickled object needs (see
    `hubkit.repos`). It is an identifier, because ``torch.jit`` writes it into source and parses it
    again.
    """
    place = (repo.scheme, repo.host) if repo.scheme != "https" else (repo.host,)
    first, *rest = [_spell(part, ".") for part in place]
    if first[0].isdigit():
        first = f"_X{ord(first[0]):x}X{first[1:]}"
    owner, name = _spell(repo.owner, "-"), _spell(repo.name, "-")
    return "__".join((first, *rest, owner, name, sha[:_SHA_DIGITS]))


def read_repo_name(name: str) -> tuple[RepoRef, str] | None:
    """The repo that a package's name spells, and the start of its commit's hash.

    The name may come from anywhere: what it spells is not necessarily a valid repo.

    Args:
        name: The package, without `PREFIX`.
    """
    from hubkit.facts import RepoRef

    parts = strip_edition(name).split("__")
    if len(parts) not in (4, 5) or not re.fullmatch(f"[0-9a-f]{{{_SHA_DIGITS}}}", parts[-1]):
        return None
    *place, owner, repo, sha = parts
    scheme, host = ["https", *(_read(part, ".") for part in place)][-2:]
    return RepoRef(_read(owner, "-"), _read(repo, "-"), None, host, scheme), sha


def name_folder(root: Path) -> str:
    """The name of a folder's package: ``folder__net__1a2b3c4d``, with a hash of its hubconf.

    It is the same wherever a copy of the folder lies.
    """
    import zlib

    try:
        hubconf = (root / "hubconf.py").read_bytes()
    except OSError:
        hubconf = b""
    digest = zlib.crc32(hubconf.replace(b"\r\n", b"\n"))
    return "__".join((_FOLDER, _spell(root.name[:_LONGEST], "-"), f"{digest:08x}"))


def read_folder_name(name: str) -> str | None:
    """The name, or the start of a long one, of the folder that a package is named after, or None."""
    kind, *rest = name.split("__")
    return _read(rest[0], "-") if kind == _FOLDER and len(rest) == 2 else None


def strip_edition(name: str) -> str:
    """The name of a package without the number of its edition."""
    return re.sub(r"_E[0-9]+$", "", name)


def _spell(text: str, plain: str) -> str:
    """Spell a text as a part of an identifier; one character is ``_`` where that is clear."""
    spelled: list[str] = []
    for at, character in enumerate(text):
        following = text[at + 1 : at + 2]
        if character.isascii() and character.isalnum():
            spelled.append(character)
        elif character == plain and at and re.match("[a-z0-9]", following):
            spelled.append("_")
        else:
            spelled.append(_SPELLED.get(character) or f"_X{ord(character):x}X")
    return "".join(spelled)


def _read(spelled: str, plain: str) -> str:
    def read(match: re.Match[str]) -> str:
        code, short = match.groups()
        return chr(min(int(code, 16), sys.maxunicode)) if code else _READ.get(short or "", plain)

    return re.sub("_(?:X([0-9a-f]{1,8})X|([A-Z]))?", read, spelled)


# Names of modules


def owns(namespace: Namespace, name: str, fromlist: Sequence[str] = ()) -> bool:
    """Whether an absolute import of a name means a module of the tree.

    Args:
        namespace: The tree's.
        name: The imported name, dotted or not.
        fromlist: Names that are imported from it.
    """
    state = namespace.state
    top, _, rest = name.partition(".")
    own = state.own.get(top)
    if own is not None:
        return own
    folders = state.folders.get(top)
    if folders is None:
        spec = _find_top_level(namespace, top)
        if spec is None:
            return False
        if spec.origin is not None:
            state.own[top] = True
            return True
        folders = state.folders[top] = [*(spec.submodule_search_locations or ())]
    wanted = (rest.partition(".")[0],) if rest else fromlist
    # For Python, any regular package comes before a folder without __init__.py, so a stray utils
    # in site-packages would hide the repo's. Here the folder counts if it has what is imported.
    return any(PathFinder.find_spec(one, folders) for one in wanted) or not _is_installed(top)


def mark_external(namespace: Namespace, name: str) -> None:
    """Record that a name was imported from outside the tree."""
    state, top = namespace.state, name.partition(".")[0]
    if top not in state.own and top not in state.folders:
        state.own[top] = False
        refresh_builtins(namespace)


def adopt_module(namespace: Namespace, name: str, module: ModuleType) -> None:
    """Make a module that the repo's code put into ``sys.modules`` one of the namespace."""
    state = namespace.state
    sys.modules.setdefault(namespace.prefix + name, module)
    state.own[name.partition(".")[0]] = True
    state.absolute.clear()
    state.relative.clear()


def import_own(namespace: Namespace, name: str) -> ModuleType:
    """Import a module of the tree by the name that the repo's code uses."""
    try:
        return importlib.import_module(namespace.prefix + name)
    except ImportError as error:
        strip_prefix(namespace, error)
        raise


def strip_prefix(namespace: Namespace, error: ImportError) -> None:
    """Make an import error name modules as the repo's code does."""
    prefix = namespace.prefix
    if error.name and error.name.startswith(prefix):
        error.name = error.name[len(prefix) :]
    if prefix in str(error.msg):
        error.msg = str(error.msg).replace(prefix, "")
        error.args = (error.msg, *error.args[1:])


def adopt_search_path(namespace: Namespace) -> None:
    """Search folders of the tree that its code has put on ``sys.path``."""
    search_path = namespace.state.search_path
    initial = namespace.state.initial_path or frozenset()
    in_front, position = True, 0
    # Other threads may change sys.path meanwhile; copying a list is one step.
    for entry in sys.path.copy():
        if entry in initial:
            in_front = False
        elif namespace.contains(entry):
            path = os.path.realpath(entry)
            if path not in search_path:
                search_path.insert(position if in_front else len(search_path), path)
                position += 1


def _find_top_level(namespace: Namespace, top: str) -> ModuleSpec | None:
    if BuiltinImporter.find_spec(top) or FrozenImporter.find_spec(top):
        return None
    # As with sys.path, a module of the standard library that is imported already wins. Published
    # repos were only ever run that way, so one with a signal.py does not expect its own.
    if top in sys.stdlib_module_names and top in sys.modules:
        return None
    adopt_search_path(namespace)
    return PathFinder.find_spec(top, namespace.state.search_path)


def _is_installed(name: str) -> bool:
    """Whether there is a regular top-level module outside all hub repos; imports nothing."""
    module = sys.modules.get(name)
    if module is not None and not getattr(type(module), "is_hubkit", False):
        return module.__spec__ is None or module.__spec__.origin is not None
    for finder in sys.meta_path:
        if not getattr(finder, "is_hubkit", False) and hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, None)
            if spec is not None:
                return spec.origin is not None
    return False


# Changes on disk


def record_file(namespace: Namespace, path: str) -> os.stat_result:
    """Record the state of a file that is about to be imported, and return it."""
    found = os.stat(path)  # noqa: PTH116
    namespace.state.files[path] = found.st_mtime_ns, found.st_size
    return found


def has_changed(namespace: Namespace) -> bool:
    """Whether a file that was imported has been edited or removed since."""
    if namespace.state.is_fixed:
        return identify_folder(namespace.root) != namespace.state.folder_id
    # Most of what a warm load of a folder costs. Other threads may be adding files.
    stat = os.stat
    try:
        for path, (modified_at, size) in namespace.state.files.copy().items():
            found = stat(path)
            if found.st_mtime_ns != modified_at or found.st_size != size:
                return True
    except OSError:
        return True
    return False


def identify_folder(folder: Path | str) -> tuple[int, ...]:
    """Tells a folder, and the hubconf in it, from another in its place."""
    try:
        itself, hubconf = os.stat(folder), os.stat(f"{folder}/hubconf.py")  # noqa: PTH116
    except OSError:
        return ()
    return itself.st_dev, itself.st_ino, hubconf.st_ino, hubconf.st_mtime_ns, hubconf.st_size


# Whose code is running


class Activation(Struct, frozen=True):
    """A repo whose code is running.

    Attributes:
        namespace: The repo's.
        hub: What its calls of ``torch.hub`` call; None calls torch itself.
    """

    namespace: Namespace
    hub: HubFunctions | None


ACTIVE: ContextVar[Activation | None] = ContextVar("hubkit_active", default=None)


def namespace_in(module_builtins: object) -> Namespace | None:
    """The namespace that a ``__builtins__`` belongs to, or None."""
    found: Any = module_builtins.get(KEY) if isinstance(module_builtins, dict) else None
    return found if isinstance(found, Namespace) else None


def find_namespace_for(frame: FrameType | None) -> Namespace | None:
    """The namespace on whose behalf a frame runs, or None."""
    while frame is not None:
        namespace = namespace_in(frame.f_builtins)
        if namespace is not None:
            return namespace
        frame = frame.f_back
    active = ACTIVE.get()
    return active.namespace if active else None


# How the code of a tree is imported, and which trees child processes may import: a spawned worker
# unpickles objects whose classes live in hubkit.repos.<repo>. It may import the trees that its parent
# imported; an environment variable names them, and where they are.


NO_BYTECODE = ""
VARIABLE = "HUBKIT_LOADED"

_MAX_TREES = 200  # operating systems limit the size of the environment
_lock = threading.Lock()


class CodePolicy(Struct, frozen=True):
    """How the code of one tree is imported.

    Attributes:
        is_fixed: Its files are never edited, only replaced all at once, as in the hub dir, so
            nobody needs to check each of them for changes.
        bytecode: The folder that holds its compiled files. None puts them where Python does, in
            the tree; ``NO_BYTECODE`` writes none. Unless None, no bytecode in the tree is run.
        digest: The digest that a lock file requires of the tree; else "".
        lock: What the tree was verified against, such as the lock file. Imports of one tree under
            different locks share no modules.
        package: The name of its package below ``hubkit.repos``; "" for the folder's
            (`hubkit.runtime.namespace.name_folder`).
        label: The repo and ref, for messages; "" for the folder's path.
    """

    is_fixed: bool = False
    bytecode: str | None = None
    digest: str = ""
    lock: Hashable = None
    package: str = ""
    label: str = ""


FOLDER = CodePolicy()
"""For a folder of the user's: import it as Python does."""


class AllowedTree(Struct, frozen=True):
    """A tree that child processes may import by the name of its package.

    Attributes:
        root: The tree's folder.
        digest: The digest that a lock file requires of it, or "".
        search_path: The folders that it searches for modules.
    """

    root: str
    digest: str = ""
    search_path: tuple[str, ...] = ()


def allow_in_children(package: str, tree: AllowedTree) -> None:
    """Let child processes import a tree by its name.

    Args:
        package: The name of its package.
        tree: The tree. Without a digest it keeps the one that is set.
    """
    with _lock:
        allowed = read_allowed()
        before = allowed.get(package)
        if before is not None and not tree.digest:
            tree = replace(tree, digest=before.digest)
        if tree != before:
            latest = [*allowed.items(), (package, tree)][-_MAX_TREES:]
            os.environ[VARIABLE] = json.dumps(to_builtins(dict(latest)))


def read_allowed() -> dict[str, AllowedTree]:
    """The trees that this process or its parent imported, by package."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return {}
    try:
        return convert(json.loads(text), dict[str, AllowedTree])
    except (ValueError, RecursionError, ValidationError):
        return {}
