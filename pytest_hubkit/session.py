"""One hubconf in one run of pytest: what is known about it, and what was made of it so far."""

from __future__ import annotations

import contextlib
import gc
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit.lockfile import read_own_pins
from hubkit.runtime.sandbox import Policy, kept_state
from hubkit.source import open_files
from pytest_hubkit.case import Plan
from pytest_hubkit.checks.registry import PrerequisiteError
from pytest_hubkit.child.worker import Worker
from pytest_hubkit.crashes import Crashes
from pytest_hubkit.examples import Examples
from pytest_hubkit.failures import describe_import_failure, describe_problem
from pytest_hubkit.isolation import guarded, guarded_hub_functions
from pytest_hubkit.nursery import start_nursery
from pytest_hubkit.options import Options
from pytest_hubkit.seeds import SEED, draw, seeded
from pytest_hubkit.stored import WeightsStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hubkit._util.forks import Nursery
    from hubkit.config import Config
    from hubkit.facts import Hubconf, RepoFacts
    from hubkit.lockfile import LockedCheckpoint
    from hubkit.runtime import LoadedHubconf
    from hubkit.runtime.sandbox import Guard


@dataclass(eq=False)
class HubconfSession:
    """One hubconf in one run of pytest.

    Attributes:
        facts: The facts of its source.
        config: Its configuration.
        options: The options of the run.
        ask_hook: Calls the hook `pytest_hubkit_inputs`; None if nothing implements it.
        plan: Which checks run.
        crashes: The crashes of other processes of this run.
        share: Which worker of xdist this process is, and of how many.
        note: Says what runs now, to show it.
        broken: What failed so far, by check and case ("" for the repo): the reason to skip checks
            that require it.
        checked: The checks that ran, or were run early for others that require them.
        known: What passes checks that depend on a model's design: the label of the first such case,
            by check and design.
        drawn: The next number of each generator after hubconf was imported here.
    """

    facts: RepoFacts
    config: Config
    options: Options = field(default_factory=Options)
    ask_hook: Callable[..., Any] | None = None
    plan: Plan = field(default_factory=Plan)
    crashes: Crashes = field(default_factory=lambda: Crashes(None))
    share: tuple[int, int] = (0, 1)
    note: Callable[[str], object] = field(default=lambda _: None, repr=False)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)
    checked: set[tuple[str, str]] = field(default_factory=set)
    known: dict[tuple[str, object], str] = field(default_factory=dict, init=False)
    drawn: dict[str, float] = field(default_factory=dict, init=False)
    _undoing: contextlib.ExitStack = field(
        default_factory=contextlib.ExitStack, init=False, repr=False
    )

    @property
    def root(self) -> Path:
        """The folder that holds ``hubconf.py``."""
        return self.facts.root

    @property
    def source(self) -> Hubconf:
        """The facts of the hubconf.

        Raises:
            PrerequisiteError: It is missing or does not parse.
        """
        if self.facts.hubconf is None:
            raise PrerequisiteError("C101", describe_problem(self.facts))
        return self.facts.hubconf

    @cached_property
    def folder(self) -> Path:
        """A temporary folder, until `close`."""
        return self.crashes.make_folder()

    @cached_property
    def examples(self) -> Examples:
        """The examples in its documents."""
        return Examples(self.facts)

    @cached_property
    def worker(self) -> Worker:
        """A worker process, which lives until `pause`."""
        return Worker(isolated=self.options.policy.denies_all, interpreter=self.interpreter)

    @cached_property
    def _nursery(self) -> Nursery | None:
        return start_nursery(self.facts)

    @property
    def interpreter(self) -> tuple[str, ...]:
        """The command for child processes in which torch is imported; () if there is none."""
        return self._nursery.interpreter if self._nursery else ()

    @cached_property
    def loaded(self) -> LoadedHubconf:
        """The hubconf, imported in this process into a namespace of its own.

        Raises:
            PrerequisiteError: Its code fails when imported.
        """
        from hubkit.runtime import import_hubconf

        self._undoing.enter_context(kept_state())
        policy, home = self.options.policy, self.folder / "torch-home"
        try:
            # Models may rely on settings that the import changes, so they are restored at the end.
            with seeded(SEED), guarded(self.root, "importing hubconf.py", policy, home):
                loaded = import_hubconf(self.root, hub=guarded_hub_functions())
                self.drawn = draw()
                # What is there by now stays: the garbage collector can ignore it until `pause`.
                gc.freeze()
                self._undoing.callback(gc.unfreeze)
                return loaded
        except (Exception, SystemExit) as error:
            raise PrerequisiteError("C101", describe_import_failure(error)) from error

    @contextlib.contextmanager
    def running(self, who: str, policy: Policy | None = None, home: str = "") -> Iterator[Guard]:
        """Surround code of the repo; yields what it tries to reach on the network.

        Args:
            who: What runs, for messages.
            policy: What it may reach; by default, what the options allow.
            home: Name of the folder for what torch caches; "" for the one of models without
                weights, which is empty unless one of them downloads.
        """
        torch_home = self.folder / (home or "torch-home")
        policy = policy or self.options.policy
        with kept_state(lasting=True), guarded(self.root, who, policy, torch_home) as guard:
            yield guard

    @contextlib.contextmanager
    def running_model(self, label: str) -> Iterator[None]:
        """Surround code of a model, which has no network."""
        with self.running(f"{label}'s forward", Policy()), self.loaded.active():
            yield

    @cached_property
    def elsewhere(self) -> Path:
        """An empty folder that is not the repo's: the current folder of users."""
        folder = self.folder / "elsewhere"
        folder.mkdir()
        return folder

    @cached_property
    def store(self) -> WeightsStore:
        """The weights on this machine. The user's hub dir is the one that is set by now."""
        import torch

        root = self.root.resolve()
        folders = (root / "dist", *filter(None, [self.options.weights]))
        paths = () if self.options.policy.everything else tuple(open_files(root).paths())
        return WeightsStore(str(root), paths, tuple(map(str, folders)), torch.hub.get_dir())

    @cached_property
    def pins(self) -> Mapping[str, LockedCheckpoint]:
        """The checkpoints in the repo's lock file, by URL.

        Raises:
            LockfileError: It is not a lock file.
        """
        return read_own_pins(self.facts.files)

    @property
    def weights_home(self) -> str:
        """The name for `running` of the folder whose weights are there already.

        Its ``hub/checkpoints`` is the folder in the options, or the user's own.
        """
        import torch

        hub = self.folder / "weights-home" / "hub"
        if not hub.exists():
            folder = self.options.weights
            hub.parent.mkdir()
            if folder is None:
                Path(torch.hub.get_dir()).mkdir(parents=True, exist_ok=True)
                hub.symlink_to(torch.hub.get_dir(), target_is_directory=True)
            else:
                hub.mkdir()
                folder.mkdir(parents=True, exist_ok=True)
                (hub / "checkpoints").symlink_to(folder, target_is_directory=True)
        return "weights-home"

    def pause(self) -> None:
        """Restore the state of the process, for tests that are not of this hubconf."""
        self._undoing.close()
        vars(self).pop("loaded", None)
        if "worker" in vars(self):
            self.worker.close()
            del vars(self)["worker"]

    def close(self) -> None:
        """Remove temporary files too."""
        self.pause()
        nursery = vars(self).pop("_nursery", None)
        if nursery is not None:
            nursery.close()
        if "folder" in vars(self):
            remove(self.folder)
            del vars(self)["folder"]


def remove(folder: Path) -> None:
    """Remove a folder, even if a crash left parts of it read-only."""
    import shutil

    for top, names, _ in os.walk(folder):
        for path in (Path(top, name) for name in names):
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
