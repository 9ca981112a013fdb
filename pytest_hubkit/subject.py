"""One case of one entrypoint: what it is built from, what it gives, and how it runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from hubkit.facts import Location
from hubkit.runtime.sandbox import Policy
from pytest_hubkit.cases import describe_call
from pytest_hubkit.chain import Chain, follow
from pytest_hubkit.checks.registry import NotApplicableError, PrerequisiteError
from pytest_hubkit.devices import require_device
from pytest_hubkit.failures import describe_build_failure, describe_death, describe_hanging
from pytest_hubkit.fingerprints import fingerprints
from pytest_hubkit.first_runs import run_first
from pytest_hubkit.forwards import Forward, copied, find_module, run
from pytest_hubkit.seeds import OTHER_SEED, SEED, draw, seeded
from pytest_hubkit.trees import has_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from hubkit.facts import Entrypoint
    from hubkit.runtime.sandbox import Attempt, Guard
    from pytest_hubkit.cases import Case
    from pytest_hubkit.inputs import Inputs
    from pytest_hubkit.session import Conformance
    from pytest_hubkit.trained import Trained


@dataclass(eq=False)
class Subject:
    """One case of one entrypoint being exercised.

    Attributes:
        conformance: The hubconf.
        case: How the entrypoint is called.
        selected: Codes of the checks that run on it.
        left_out: By code, why others do not.
        digests: Checksums of the second one's weights as they were built, where they are needed.
        drawn: By the seed from which it was built, what each generator gave next.
        attempts: What it tried to reach while it was built without weights.
        build_seconds: How long that took.
    """

    conformance: Conformance
    case: Case
    selected: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    digests: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    drawn: dict[int, dict[str, float]] = field(default_factory=dict, init=False, repr=False)
    attempts: list[Attempt] = field(default_factory=list, init=False, repr=False)
    build_seconds: float = field(default=0.0, init=False)
    _chain: Chain | None = field(default=None, init=False, repr=False)
    _failed: dict[str, Exception] = field(default_factory=dict, init=False, repr=False)

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
    def is_first(self) -> bool:
        """Whether it is the one on which what concerns all of them is reported."""
        return self is self.conformance.subjects[0]

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

    def build(self, seed: int = SEED, policy: Policy | None = None) -> Any:  # noqa: ANN401
        """Call the entrypoint without weights, afresh.

        Args:
            seed: Seed of its random numbers.
            policy: What it may reach on the network; what the options say by default.

        Raises:
            PrerequisiteError: Its code fails.
            UndeclaredError: Nobody declared arguments that it needs.
        """
        loaded, arguments, conformance = self.conformance.loaded, self.arguments, self.conformance
        home = "" if self.case.is_untrained else self._require_weights()
        guard: Guard | None = None
        try:
            with seeded(seed), conformance.running(self.call, policy, home) as guard:
                started = time.perf_counter()
                made = loaded.call(self.case.entrypoint, **arguments)
                self.build_seconds = time.perf_counter() - started
                self.drawn[seed] = draw()
        except (Exception, SystemExit) as error:
            failure = describe_build_failure(self, error, guard)
            code = "C102" if self._is_undeclared(error) else "C106"
            raise PrerequisiteError(code, failure) from error
        self.attempts = guard.attempts
        return made

    def _require_weights(self) -> str:
        """Where weights are cached, for an entrypoint that cannot do without."""
        if self.conformance.options.network == "deny":
            raise NotApplicableError(
                "it is declared to need its weights: run with --hubconf-network=cache or allow"
            )
        return self.conformance.weights_home

    def _is_undeclared(self, error: BaseException) -> bool:
        """Whether a module is missing of which C102 says that it should be declared."""
        if not isinstance(error, ModuleNotFoundError) or "C102" not in self.conformance.selected:
            return False
        undeclared = self.conformance.children.declared_only.undeclared
        missing = (error.name or "").partition(".")[0]
        return any(found.module == missing and not found.hidden for found in undeclared)

    def _once(self, what: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Make something that is shared; when it fails once, it fails for all who ask."""
        if what in self._failed:
            raise self._failed[what]
        try:
            return make()
        except (PrerequisiteError, NotApplicableError) as error:
            self._failed[what] = error
            raise
        except pytest.fail.Exception:
            # A test's time limit: the next ones need not wait for it too.
            self._failed[what] = PrerequisiteError(*describe_hanging(self, what))
            raise

    @cached_property
    def built(self) -> Any:  # noqa: ANN401
        """What the entrypoint gives: built once, shared by all checks."""
        return self._once("built", self._build_first)

    def _build_first(self) -> Any:  # noqa: ANN401
        died = self.conformance.children.died_on(self.label)
        if died is not None:
            # It would take pytest down too.
            raise PrerequisiteError("C106", describe_death(self, died))
        made = self.build()
        module, device = find_module(made), self.conformance.options.device
        require_device(device)
        if module is not None and device != "cpu":
            module.to(device)
        return made

    @cached_property
    def second(self) -> Any:  # noqa: ANN401
        """The same, built once more, from other random numbers."""
        _ = self.built
        return self._once("second", self._build_second)

    def _build_second(self) -> Any:  # noqa: ANN401
        made = self.build(OTHER_SEED)
        module = find_module(made)
        if module is not None and "C304" in self.selected:
            self.digests = fingerprints(module.state_dict().items())
        return made

    @cached_property
    def trained(self) -> Trained:
        """What is seen when it is loaded with its weights.

        Raises:
            PrerequisiteError: That fails.
        """
        from pytest_hubkit.trained import load_trained

        return self._once("trained", lambda: load_trained(self))  # type: ignore[no-any-return]

    @property
    def module(self) -> torch.nn.Module:
        """The module in what the entrypoint gives.

        Raises:
            NotApplicableError: There is none.
        """
        return self._module_in(self.built)

    @property
    def second_module(self) -> torch.nn.Module:
        """The module in the second one."""
        return self._module_in(self.second)

    def _module_in(self, made: Any) -> torch.nn.Module:  # noqa: ANN401
        module = find_module(made)
        if module is None:
            raise NotApplicableError(f"it gives no nn.Module but a {type(made).__name__}")
        return module

    @property
    def runnable(self) -> Any:  # noqa: ANN401
        """What takes the example input: the module, else what the entrypoint gives."""
        made: Any = self.built
        module = find_module(made)
        if module is None and not callable(made):
            raise NotApplicableError(f"it gives a {type(made).__name__}, which takes no input")
        return made if module is None else module

    @property
    def parameter_count(self) -> int | None:
        """How many parameters the model has; None while there is no model."""
        module = find_module(self.built) if "built" in vars(self) else None
        if module is None:
            return None
        return sum(one.numel() for one in module.parameters() if has_shape(one))

    def seen(self) -> dict[str, Any]:
        """What was seen so far, for the report: as simple as what crosses to another process."""
        seen: dict[str, Any] = {
            "parameters": self.parameter_count,
            "memory_bytes": self.conformance.children.seen_memory(self.label),
        }
        if "built" in vars(self):
            seen["load_seconds"] = self.build_seconds
            seen["call"] = self.call
        if "first" in vars(self):
            seen["forward_seconds"] = self.first.seconds
            seen["input"] = self.first.inputs.provenance
            seen["provisional"] = self.first.inputs.provisional
        return {name: value for name, value in seen.items() if value is not None}

    @cached_property
    def first(self) -> Forward:
        """The first run on the example input, in evaluation mode.

        Raises:
            PrerequisiteError: The model fails on input that was declared for it.
            UndeclaredError: There is no input, or the guessed one does not fit.
        """
        return self._once("first", lambda: run_first(self))  # type: ignore[no-any-return]

    @property
    def chain(self) -> Chain:
        """What a chain of copies has shown of it; made when the model has run."""
        if self._chain is None:
            # What a time limit ends is not begun again.
            self._chain = Chain()
            self._chain = follow(self)
        return self._chain

    def run(self, runnable: Any = None, inputs: Inputs | None = None, seed: int = SEED) -> Any:  # noqa: ANN401
        """Run on the example input in evaluation mode, without gradients.

        Args:
            runnable: What to run; the shared model by default.
            inputs: Other input.
            seed: Seed of the random numbers that it may draw.
        """
        fed = (inputs or self.first.inputs).mapped(copied)
        # A model may have a length, and count as false.
        return run(self, self.runnable if runnable is None else runnable, fed, seed)

    def running(self) -> Any:  # noqa: ANN401
        """Surround code of the model that is not run by `run`."""
        return self.conformance.running(f"{self.label}'s forward", Policy())

    def release(self) -> None:
        """Let the model go, and all that was made with it."""
        for name in ("built", "second", "first"):
            vars(self).pop(name, None)
        self._chain = None
