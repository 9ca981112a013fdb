"""What one run of pytest knows about one hubconf, made when first asked for and shared by checks.

A `Conformance` stands for the repo, a `Subject` for one case of one entrypoint. Checks ask them
for facts, models, input and what child processes saw.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hubkit.facts import Location
from pytest_hubkit.cases import describe_call
from pytest_hubkit.checks.registry import NotApplicableError, PrerequisiteError
from pytest_hubkit.children import Children
from pytest_hubkit.failures import (
    describe_build_failure,
    describe_import_failure,
    describe_problem,
)
from pytest_hubkit.running import hub_functions_that_deny, offline

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from hubkit.config import Config
    from hubkit.facts import Entrypoint, Hubconf, RepoFacts
    from hubkit.runtime import LoadedHubconf
    from pytest_hubkit.cases import Case, Inputs
    from pytest_hubkit.network import Attempt

Network = Literal["deny", "allow"]


@dataclass(eq=False)
class Conformance:
    """One hubconf being exercised.

    Attributes:
        facts: What its source says.
        config: What its author says.
        network: Whether its entrypoints may use the network.
        subjects: Its cases, those only that were selected once that is known.
        selected: Codes of the checks that run on the repo as a whole.
        broken: What was found broken so far: by check and subject ("" for the repo), the reason to
            skip what needs it.
    """

    facts: RepoFacts
    config: Config
    network: Network
    subjects: list[Subject] = field(default_factory=list)
    selected: set[str] = field(default_factory=set)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)

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
        return Path(tempfile.mkdtemp(prefix="hubkit-conformance-"))

    @cached_property
    def children(self) -> Children:
        """What child processes say."""
        return Children(self)

    @cached_property
    def loaded(self) -> LoadedHubconf:
        """The hubconf, imported in this process into a namespace of its own.

        Raises:
            PrerequisiteError: Its code fails when imported.
        """
        from hubkit.runtime import import_hubconf

        hub = hub_functions_that_deny() if self.network == "deny" else None
        try:
            with self.running("importing hubconf.py"):
                return import_hubconf(self.root, hub=hub)
        except (Exception, SystemExit) as error:
            raise PrerequisiteError("C101", describe_import_failure(error)) from error

    @contextlib.contextmanager
    def running(self, who: str) -> Any:  # noqa: ANN401
        """Surround the repo's code, as far as the policy asks for it; gives attempts to connect."""
        if self.network == "allow":
            yield []
            return
        with offline(self.root, who, self.folder / "torch-home") as guard:
            yield guard.attempts

    def close(self) -> None:
        """Forget models and remove temporary files."""
        for subject in self.subjects:
            subject.release()
        if "folder" in vars(self):
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)
            del vars(self)["folder"]
        vars(self).pop("children", None)


@dataclass(eq=False)
class Subject:
    """One case of one entrypoint being exercised.

    Attributes:
        conformance: The hubconf.
        case: How the entrypoint is called.
        selected: Codes of the checks that run on it.
    """

    conformance: Conformance
    case: Case
    selected: set[str] = field(default_factory=set)
    _failed: PrerequisiteError | None = field(default=None, init=False, repr=False)

    @property
    def label(self) -> str:
        """The entrypoint's name, with the case's when it has one."""
        return self.case.label

    @property
    def entrypoint(self) -> Entrypoint | None:
        """What source says of the entrypoint; None for one that is made at run time."""
        return self.conformance.source.entrypoint(self.case.entrypoint)

    @property
    def location(self) -> Location:
        """Where it is defined, as far as source tells."""
        known = self.entrypoint
        return known.definition if known else Location("hubconf.py")

    @property
    def function(self) -> Callable[..., Any]:
        """The entrypoint itself."""
        return self.conformance.loaded.entrypoint(self.case.entrypoint)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments that build it without weights."""
        return self.case.arguments(self.function)

    @property
    def call(self) -> str:
        """The call that builds it, as one would write it."""
        return describe_call(self.case.entrypoint, self.arguments)

    def build(self) -> Any:  # noqa: ANN401
        """Call the entrypoint without weights, afresh.

        Raises:
            PrerequisiteError: Its code fails.
            NotApplicableError: Nobody declared arguments that it needs.
        """
        loaded, arguments = self.conformance.loaded, self.arguments
        attempts: list[Attempt] = []
        try:
            with self.conformance.running(self.call) as attempts:
                return loaded.call(self.case.entrypoint, **arguments)
        except (Exception, SystemExit) as error:
            failure = describe_build_failure(self, error, attempts)
            code = "C102" if self._is_undeclared(error) else "C106"
            raise PrerequisiteError(code, failure) from error

    def _is_undeclared(self, error: BaseException) -> bool:
        """Whether a module is missing of which C102 says that it should be declared."""
        if not isinstance(error, ModuleNotFoundError) or "C102" not in self.conformance.selected:
            return False
        undeclared = self.conformance.children.declared_only.undeclared
        missing = (error.name or "").partition(".")[0]
        return any(found.module == missing and not found.hidden for found in undeclared)

    @cached_property
    def built(self) -> Any:  # noqa: ANN401
        """What the entrypoint gives: built once, shared by all checks."""
        if self._failed is not None:
            raise self._failed
        try:
            return self.build()
        except PrerequisiteError as error:
            self._failed = error
            raise

    @property
    def module(self) -> torch.nn.Module:
        """The module in what the entrypoint gives.

        Raises:
            NotApplicableError: There is none.
        """
        module = find_module(self.built)
        if module is None:
            raise NotApplicableError(f"it gives no nn.Module but a {type(self.built).__name__}")
        return module

    @property
    def parameter_count(self) -> int | None:
        """How many parameters the model has; None while there is no model."""
        if "built" not in vars(self):
            return None
        module = find_module(self.built)
        return sum(one.numel() for one in module.parameters()) if module is not None else None

    @property
    def inputs(self) -> Inputs:
        """Example input, the same each time."""
        return self.case.inputs()

    def release(self) -> None:
        """Let the model go."""
        vars(self).pop("built", None)


def find_module(value: object) -> torch.nn.Module | None:
    """The first ``nn.Module`` in a value: itself, or an element of a tuple, list or dict."""
    import torch

    if isinstance(value, torch.nn.Module):
        return value
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        return next((one for one in value if isinstance(one, torch.nn.Module)), None)
    return None
