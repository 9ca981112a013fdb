"""Import a repo's hubconf into a namespace of its own, and call its entrypoints."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.errors import HubconfNotFoundError, NotBuiltError, entrypoint_not_found
from hubkit.runtime.import_hook import (
    find_namespace,
    get_namespace,
    hide_import_frames,
    install_finder,
    loaded_namespaces,
)
from hubkit.runtime.namespace import (
    ACTIVE,
    FOLDER,
    Activation,
    AllowedTree,
    adopt_search_path,
    allow_in_children,
    owns,
    refresh_builtins,
    strip_prefix,
)
from hubkit.runtime.sys_modules import (
    adopt_new_modules,
    copy_sys_modules,
    enter_entrypoint,
    leave_entrypoint,
)
from hubkit.runtime.torch_patches import patch_torch, unbind_replacements

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from hubkit.errors import EntrypointNotFoundError
    from hubkit.runtime.namespace import CodePolicy, Namespace
    from hubkit.runtime.torch_patches import HubFunctions

HUBCONF = "hubconf"


class LoadedHubconf(Struct, frozen=True):
    """A hubconf that has been imported.

    Attributes:
        namespace: The namespace of its modules.
        module: The module.
        hub: What its calls of ``torch.hub`` call; None calls torch itself.
        title: What errors call it, by default its path.
    """

    namespace: Namespace
    module: ModuleType
    hub: HubFunctions | None = None
    title: str = ""

    @property
    def root(self) -> Path:
        """The folder that holds ``hubconf.py``."""
        return self.namespace.root

    def names(self) -> tuple[str, ...]:
        """The names that ``torch.hub.list`` shows: public callables, sorted."""
        return public_callables(self.module)

    def entrypoint(self, name: str) -> Callable[..., Any]:
        """The callable of that name.

        Raises:
            EntrypointNotFoundError: There is none.
        """
        # By dir(), like torch.hub, so that a hubconf may define __dir__ and __getattr__.
        found = getattr(self.module, name) if name in dir(self.module) else None
        if callable(found):
            return found  # type: ignore[no-any-return]
        raise self._not_found(name, is_value=found is not None)

    def call(self, name: str, /, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        """Call an entrypoint and return its result.

        Raises:
            EntrypointNotFoundError: There is none of that name.
        """
        with activate(self.namespace, self.hub):
            return self.entrypoint(name)(*args, **kwargs)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Run code on the repo's behalf."""
        with activate(self.namespace, self.hub):
            yield

    def _not_found(self, name: str, *, is_value: bool) -> EntrypointNotFoundError:
        what = "is not callable in" if is_value else "is not in"
        return entrypoint_not_found(
            name, self.names(), f"{what} {self.title or self.root / 'hubconf.py'}"
        )


def import_hubconf(
    root: Path, *, hub: HubFunctions | None = None, policy: CodePolicy = FOLDER
) -> LoadedHubconf:
    """Import a repo's hubconf, unless it is imported and has not changed.

    Args:
        root: The folder that holds ``hubconf.py``. The same folder, by whatever path, has the
            same modules and classes for as long as its files do not change.
        hub: What calls of ``torch.hub`` in the repo's code call; None calls torch itself.
        policy: How its code is imported.

    Raises:
        HubconfNotFoundError: There is no ``hubconf.py``.
        Exception: Whatever the repo's code raises.
    """
    root = Path(root).resolve()
    if not (root / "hubconf.py").is_file():
        raise HubconfNotFoundError(f"There is no hubconf.py in {root}.")
    install_finder()
    namespace = get_namespace(root, policy)
    _allow_in_children(namespace)
    if hub is not None:
        namespace.state.hub = hub
    module = sys.modules.get(namespace.prefix + HUBCONF)
    if module is None or _is_initializing(module):
        module = import_in(namespace, hub)
    return LoadedHubconf(namespace, module, hub)


def import_in(namespace: Namespace, hub: HubFunctions | None = None) -> ModuleType:
    """Import the hubconf of a namespace, on the repo's behalf."""
    with activate(namespace, hub), _watched(namespace):
        return importlib.import_module(namespace.prefix + HUBCONF)


def _watched(namespace: Namespace) -> contextlib.AbstractContextManager[None]:
    others = [one for one in loaded_namespaces() if one.root != namespace.root]
    if not others:
        return contextlib.nullcontext()
    from hubkit.runtime.shared_state import watch_replacements

    return watch_replacements(namespace, others)


def find_hubconf(
    root: Path, *, hub: HubFunctions | None = None, lock: Hashable = None
) -> LoadedHubconf | None:
    """A hubconf that is imported and has not changed since, or None.

    Args:
        root: The folder that holds ``hubconf.py``.
        hub: As for `import_hubconf`.
        lock: What the tree was verified against (`CodePolicy.lock`).
    """
    folder = str(root if root.is_absolute() else root.resolve())
    namespace = find_namespace(folder, HUBCONF, lock)
    if namespace is None:
        return None
    if namespace.state.hub is None:  # it was imported by its name
        namespace.state.hub = hub
    module = sys.modules[namespace.prefix + HUBCONF]
    return None if _is_initializing(module) else LoadedHubconf(namespace, module, hub)


def public_callables(module: ModuleType) -> tuple[str, ...]:
    """Names of a module's public callables, sorted: what ``torch.hub.list`` shows."""
    names = (name for name in dir(module) if not name.startswith("_"))
    return tuple(name for name in names if callable(getattr(module, name)))


def _is_initializing(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))


def _allow_in_children(namespace: Namespace) -> None:
    search_path = tuple(namespace.state.search_path)
    tree = AllowedTree(str(namespace.root), namespace.policy.digest, search_path)
    allow_in_children(namespace.package, tree)


# Running code on a repo's behalf


@contextlib.contextmanager
def activate(namespace: Namespace, hub: HubFunctions | None) -> Iterator[None]:
    """Run code on a repo's behalf in this thread.

    Args:
        namespace: The repo's.
        hub: What its calls of ``torch.hub`` call; None calls torch itself.
    """
    patch_torch()
    refresh_builtins(namespace)
    path, modules = sys.path.copy(), copy_sys_modules(namespace)
    folders = len(namespace.state.search_path)
    if namespace.state.initial_path is None:
        namespace.state.initial_path = frozenset(path)
    token = ACTIVE.set(Activation(namespace, hub))
    enter_entrypoint()
    try:
        yield
    except Exception as error:
        hide_import_frames(error)
        if isinstance(error, ImportError):
            strip_prefix(namespace, error)
        not_built = explain_not_built(error, namespace)
        if not_built is None:
            raise
        raise not_built from error
    finally:
        ACTIVE.reset(token)
        leave_entrypoint()
        adopt_new_modules(namespace, path, modules)
        _adopt_path_entries(namespace, path)
        unbind_replacements(namespace.prefix)
        if len(namespace.state.search_path) > folders:
            _allow_in_children(namespace)


def _adopt_path_entries(namespace: Namespace, before: list[str]) -> None:
    """Move what the repo has put on ``sys.path`` to its own search path.

    Folders of the tree are the repo's. So are relative ones: they belong to a script that is
    started in its own folder, which for a consumer is any folder. Other threads may have added
    others meanwhile.
    """
    if sys.path == before:
        return
    adopt_search_path(namespace)
    known = set(before)
    for entry in sys.path.copy():
        if entry not in known and (not os.path.isabs(entry) or namespace.contains(entry)):  # noqa: PTH117
            with contextlib.suppress(ValueError):
                sys.path.remove(entry)


# Compiled modules that a checkout lacks


def explain_not_built(error: Exception, namespace: Namespace) -> NotBuiltError | None:
    """The error to raise if a repo's code failed for lack of a compiled module, else None.

    In its own repo, a checkout of a package comes before the installed package. Compiled modules
    and the operators that they register are not in git, so the code fails with a name such as
    ``pkg._C`` or ``torchvision::nms`` that its user does not know.

    Args:
        error: What the code raised, with names as the repo's code writes them.
        namespace: The repo's.
    """
    part = _missing_module(error) if isinstance(error, ImportError) else _missing_operator(error)
    top = part.partition(".")[0].partition("::")[0]
    if not part or not owns(namespace, top):
        return None
    if "::" not in part and not _is_compiled(part, namespace.root):
        return None
    return NotBuiltError(
        f"The copy of {top} in {namespace.root} has no {part}, which is compiled and not in git.",
        part=part,
        hint=f"Build it there (pip install -e {namespace.root}), or use the installed {top}"
        " without its repo.",
    )


def _missing_module(error: ImportError) -> str:
    """Dotted name of the module that an import did not find, or empty."""
    match = re.match(
        r"cannot import name '(\w+)' from (?:partially \S+ module )?'([\w.]+)'", str(error.msg)
    )
    if match:
        return f"{match[2]}.{match[1]}"
    return error.name or "" if isinstance(error, ModuleNotFoundError) else ""


def _missing_operator(error: Exception) -> str:
    """Name of the torch operator that is not registered, such as "torchvision::nms", or empty."""
    if not isinstance(error, RuntimeError):
        return ""
    match = re.search(r"operator (\w+::\w+) does not exist", str(error))
    return match[1] if match else ""


def _is_compiled(module: str, root: Path) -> bool:
    """Whether a module is compiled where it is installed, or according to the repo's build."""
    installed = _find_installed(module)
    if installed is not None:
        return str(installed.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return _is_named_in_setup(root, module)


def _find_installed(module: str) -> ModuleSpec | None:
    """The spec of a module outside all hub repos; imports nothing."""
    folders: Sequence[str] | None = None
    spec = None
    parts = module.split(".")
    for depth in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: depth + 1]), folders)
        folders = None if spec is None else spec.submodule_search_locations
        if folders is None:
            break
    return spec if spec is not None and spec.name == module else None


def _is_named_in_setup(root: Path, module: str) -> bool:
    from hubkit._util.paths import read_inside

    try:
        text = read_inside(root, "setup.py").decode("utf-8", "replace")
    except OSError:
        return False
    return re.search(rf"""["']{re.escape(module)}["']""", text) is not None
