"""What one run of pytest knows about one hubconf, made when first asked for and shared by checks.

A `Conformance` stands for the repo, a `Subject` for one case of one entrypoint. Checks ask them
for facts, models, input and what child processes saw.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit.runtime.sandbox import kept_state
from pytest_hubkit.checks.registry import PrerequisiteError
from pytest_hubkit.children import Children
from pytest_hubkit.deaths import Deaths
from pytest_hubkit.examples import Examples
from pytest_hubkit.failures import describe_import_failure, describe_problem
from pytest_hubkit.options import Options
from pytest_hubkit.running import guarded, guarded_hub_functions
from pytest_hubkit.seeds import SEED, draw, seeded
from pytest_hubkit.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.config import Config
    from hubkit.facts import Hubconf, RepoFacts
    from hubkit.runtime import LoadedHubconf
    from hubkit.runtime.sandbox import Guard, Policy
    from pytest_hubkit.subject import Subject


@dataclass(eq=False)
class Conformance:
    """One hubconf being exercised.

    Attributes:
        facts: What its source says.
        config: What its author says.
        options: How the suite runs.
        ask: Asks the hook `pytest_hubkit_inputs`; None where nobody implements it.
        known: All its cases.
        subjects: Those that were selected, once that is known.
        selected: Codes of the checks that run on the repo as a whole.
        left_out: By code, why others do not.
        undoing: What is to be undone at the end.
        broken: What was found broken so far: by check and subject ("" for the repo), the reason to
            skip what needs it.
        judged: By check and subject, what ran, or was run ahead for others that need it.
        drawn: What each generator gave next after hubconf was imported here.
        deaths: What has taken other processes of this run down.
    """

    facts: RepoFacts
    config: Config
    options: Options = field(default_factory=Options)
    ask: Callable[..., Any] | None = None
    known: list[Subject] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    selected: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    undoing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)
    judged: set[tuple[str, str]] = field(default_factory=set)
    deaths: Deaths = field(default_factory=lambda: Deaths(None))
    drawn: dict[str, float] = field(default_factory=dict, init=False)
    _held: list[Subject] = field(default_factory=list, init=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder that holds ``hubconf.py``."""
        return self.facts.root

    @property
    def source(self) -> Hubconf:
        """The hubconf as source.

        Raises:
            PrerequisiteError: It is missing or does not parse.
        """
        if self.facts.hubconf is None:
            raise PrerequisiteError("C101", describe_problem(self.facts))
        return self.facts.hubconf

    @cached_property
    def folder(self) -> Path:
        """A temporary folder, until `close`."""
        return self.deaths.make_folder()

    @cached_property
    def children(self) -> Children:
        """What child processes say."""
        return Children(self)

    @cached_property
    def examples(self) -> Examples:
        """The examples that it shows."""
        return Examples(self.facts)

    @cached_property
    def worker(self) -> Worker:
        """A worker process, which lives until `close`."""
        return Worker(isolated=self.options.policy.denies_all)

    @cached_property
    def loaded(self) -> LoadedHubconf:
        """The hubconf, imported in this process into a namespace of its own.

        Raises:
            PrerequisiteError: Its code fails when imported.
        """
        from hubkit.runtime import import_hubconf

        self.undoing.enter_context(kept_state())
        policy, home = self.options.policy, self.folder / "torch-home"
        try:
            # What it sets may be what its models count on: that is undone when all is over.
            with seeded(SEED), guarded(self.root, "importing hubconf.py", policy, home):
                loaded = import_hubconf(self.root, hub=guarded_hub_functions())
                self.drawn = draw()
                return loaded
        except (Exception, SystemExit) as error:
            raise PrerequisiteError("C101", describe_import_failure(error)) from error

    @contextlib.contextmanager
    def running(self, who: str, policy: Policy | None = None, home: str = "") -> Iterator[Guard]:
        """Surround the repo's code; gives what it asks of the network.

        Args:
            who: What runs, for messages.
            policy: What it may reach; what the options say by default.
            home: What torch caches: in a folder of this name, or "" for the one of models without
                weights, which is empty unless one of them downloads.
        """
        torch_home = self.folder / (home or "torch-home")
        policy = policy or self.options.policy
        with kept_state(lasting=True), guarded(self.root, who, policy, torch_home) as guard:
            yield guard

    @property
    def weights_home(self) -> str:
        """The name for `running` under which weights are found that are there already.

        The folder's ``hub/checkpoints`` is the one that the options name, or the user's own.
        """
        import torch

        hub = self.folder / "weights-home" / "hub"
        if not hub.exists():
            chosen = self.options.weights
            hub.parent.mkdir()
            if chosen is None:
                Path(torch.hub.get_dir()).mkdir(parents=True, exist_ok=True)
                hub.symlink_to(torch.hub.get_dir(), target_is_directory=True)
            else:
                hub.mkdir()
                chosen.mkdir(parents=True, exist_ok=True)
                (hub / "checkpoints").symlink_to(chosen, target_is_directory=True)
        return "weights-home"

    def hold(self, subject: Subject) -> None:
        """Let a case have its model in memory, and the longest unused go where there are too many.

        Args:
            subject: The case.
        """
        if subject in self._held:
            self._held.remove(subject)
        self._held.append(subject)
        while len(self._held) > self.options.keep:
            self._held.pop(0).release()

    def pause(self) -> None:
        """Let models go, and let what is not of this hubconf find the process as it was."""
        for subject in self.subjects:
            subject.release()
        self._held.clear()
        self.undoing.close()
        vars(self).pop("loaded", None)
        if "worker" in vars(self):
            self.worker.close()
            del vars(self)["worker"]

    def close(self) -> None:
        """Let all go, and remove temporary files."""
        self.pause()
        if "folder" in vars(self):
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)
            del vars(self)["folder"]
        vars(self).pop("children", None)
