"""Import a repo's hubconf into a namespace of its own, and call what it offers."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hubkit.errors import HubconfNotFoundError, entrypoint_not_found
from hubkit.runtime.active import activate
from hubkit.runtime.finder import find_loaded, find_namespace, install_finder
from hubkit.runtime.inherited import add_root
from hubkit.runtime.policy import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from types import ModuleType

    from hubkit.errors import EntrypointNotFoundError
    from hubkit.runtime.namespace import Namespace
    from hubkit.runtime.nested import HubFunctions
    from hubkit.runtime.policy import CodePolicy

HUBCONF = "hubconf"


class LoadedHubconf(Struct, frozen=True):
    """A hubconf whose code has run.

    Attributes:
        namespace: Where its modules live.
        module: The module.
        hub: What its calls of ``torch.hub`` go to; None leaves them to torch.
    """

    namespace: Namespace
    module: ModuleType
    hub: HubFunctions | None = None

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
        # Like torch.hub: by dir(), so that a hubconf may make names by __dir__ and __getattr__.
        found = getattr(self.module, name) if name in dir(self.module) else None
        if callable(found):
            return found  # type: ignore[no-any-return]
        raise self._not_found(name, is_value=found is not None)

    def call(self, name: str, /, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
        """Call an entrypoint and give what it gives.

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
        return entrypoint_not_found(name, self.names(), f"{what} {self.root / 'hubconf.py'}")


def import_hubconf(
    root: Path, *, hub: HubFunctions | None = None, policy: CodePolicy = FOLDER
) -> LoadedHubconf:
    """Run a repo's hubconf, or find it where it ran before.

    Args:
        root: The folder that holds ``hubconf.py``. The same folder, by whatever path, gives the
            same modules and classes for as long as its files do not change.
        hub: What calls of ``torch.hub`` in the repo's code go to; None leaves them to torch.
        policy: How its code is imported.

    Raises:
        HubconfNotFoundError: There is no ``hubconf.py``.
        Exception: Whatever the repo's code raises.
    """
    root = Path(root).resolve()
    if not (root / "hubconf.py").is_file():
        raise HubconfNotFoundError(f"There is no hubconf.py in {root}.")
    install_finder()
    namespace = find_namespace(root, policy)
    namespace.files.are_fixed = policy.is_fixed
    add_root(root, policy.digest)
    if hub is not None:
        namespace.hub = hub
    name = namespace.prefix + HUBCONF
    module = sys.modules.get(name)
    if module is None or _is_initializing(module):
        with activate(namespace, hub):
            module = importlib.import_module(name)
    return LoadedHubconf(namespace, module, hub)


def find_hubconf(
    root: Path, *, hub: HubFunctions | None = None, lock: Hashable = None
) -> LoadedHubconf | None:
    """A hubconf that has run already and has not changed since, or None.

    Args:
        root: The folder that holds ``hubconf.py``.
        hub: As for `import_hubconf`.
        lock: What its bytes were held to when it ran.
    """
    folder = str(root if root.is_absolute() else root.resolve())
    namespace = find_loaded(folder, HUBCONF, lock)
    if namespace is None:
        return None
    if namespace.hub is None:  # it was imported by its name
        namespace.hub = hub
    module = sys.modules[namespace.prefix + HUBCONF]
    return None if _is_initializing(module) else LoadedHubconf(namespace, module, hub)


def public_callables(module: ModuleType) -> tuple[str, ...]:
    """Names of a module's public callables, sorted: what ``torch.hub.list`` shows."""
    names = (name for name in dir(module) if not name.startswith("_"))
    return tuple(name for name in names if callable(getattr(module, name)))


def _is_initializing(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))
