"""What checks work with: one case of an entrypoint, or the repo as a whole, and what was built."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import to_builtins

from hubkit.facts import Location
from hubkit.runtime.sandbox import wrap_requests
from pytest_hubkit.architecture import count_bytes, read_design, summarize_modules
from pytest_hubkit.case import BuildCall, describe_call
from pytest_hubkit.checks.registry import NotApplicableError, PrerequisiteError, UndeclaredError
from pytest_hubkit.entrypoint_help import inspect_help
from pytest_hubkit.failures import (
    describe_build_failure,
    describe_crash,
    describe_forward_failure,
    describe_hanging,
    describe_missing_reset,
)
from pytest_hubkit.fast_path import CHECKS as FAST_CHECKS
from pytest_hubkit.fast_path import FastPath, take_fast_path, take_shortest_path
from pytest_hubkit.inference import ObservedRun, observe, require_device, run
from pytest_hubkit.inputs import (
    HookedEntrypoint,
    Inputs,
    find_declared,
    find_known,
    guess_inputs,
    read_answer,
    suggest_input,
)
from pytest_hubkit.models import (
    copied,
    copy_model,
    evaluating,
    find_module,
    find_runnable,
    invoke,
    is_on_meta,
)
from pytest_hubkit.seeds import OTHER_SEED, SEED, draw, seeded
from pytest_hubkit.tensors import describe, find_difference, fingerprints, has_shape
from pytest_hubkit.values import find_values
from pytest_hubkit.weights import (
    Pretrained,
    Untrained,
    answer_from_machine,
    load_pretrained,
    require_answered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    from hubkit.facts import Entrypoint
    from hubkit.runtime.sandbox import Attempt, Guard, Policy
    from pytest_hubkit.case import Case, PlannedCase
    from pytest_hubkit.child.protocol import LoadReply
    from pytest_hubkit.children import Children
    from pytest_hubkit.session import HubconfSession


_ON_META = "on the meta device, which computes no numbers: build it on the CPU"


@dataclass(eq=False)
class RepoContext:
    """The repo as a whole.

    Attributes:
        session: The hubconf.
        children: Its child processes.
    """

    session: HubconfSession
    children: Children


@dataclass(eq=False)
class CaseContext:
    """One case of an entrypoint, and what was built of it.

    Attributes:
        session: The hubconf.
        children: Its child processes.
        planned: The case and its checks.
        digests: Fingerprints of the second build's weights, for C304.
        drawn: The next number of each generator after a build, by the seed of the build.
        attempts: What it tried to reach while it was built without weights.
        build_seconds: How long that took.
        loaded: What was seen when it was loaded with its weights, if it was.
    """

    session: HubconfSession
    children: Children
    planned: PlannedCase
    digests: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    drawn: dict[int, dict[str, float]] = field(default_factory=dict, init=False, repr=False)
    attempts: list[Attempt] = field(default_factory=list, init=False, repr=False)
    build_seconds: float = field(default=0.0, init=False)
    loaded: Pretrained | None = field(default=None, init=False, repr=False)
    _fast_path: FastPath | None = field(default=None, init=False, repr=False)
    _failed: dict[str, Exception] = field(default_factory=dict, init=False, repr=False)
    _is_described: bool = field(default=False, init=False, repr=False)

    @property
    def case(self) -> Case:
        """The case."""
        return self.planned.case

    @property
    def label(self) -> str:
        """The case's label."""
        return self.case.label

    @property
    def selected(self) -> set[str]:
        """Codes of the checks that run on it."""
        return self.planned.selected

    @property
    def entrypoint(self) -> Entrypoint | None:
        """The facts of the entrypoint; None for one that is created at run time."""
        return self.session.source.entrypoint(self.case.entrypoint)

    @property
    def location(self) -> Location:
        """Where the entrypoint is defined, as far as the source shows."""
        known = self.entrypoint
        return known.definition if known else Location("hubconf.py")

    @property
    def is_first(self) -> bool:
        """Whether it is the case on which problems of all cases are reported."""
        return self.planned is self.session.plan.active[0]

    @property
    def is_deterministic(self) -> bool:
        """Whether C204 has not found otherwise."""
        return ("C204", self.label) not in self.session.broken

    @property
    def declared_only(self) -> LoadReply:
        """The reply of the child process for the work tree."""
        return self.children.declared_only_with(self.label)

    @property
    def archive(self) -> LoadReply:
        """The reply of the child process for the archive of the commit."""
        return self.children.archive_with(self.label)

    @property
    def function(self) -> Callable[..., Any]:
        """The entrypoint itself."""
        return self.session.loaded.entrypoint(self.case.entrypoint)

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """Arguments that build it without weights."""
        return self.case.arguments(self.function)

    @cached_property
    def build_call(self) -> BuildCall:
        """The call that builds it."""
        return BuildCall(self.case, self.arguments, self.location)

    @cached_property
    def call(self) -> str:
        """The same as Python code."""
        return self.build_call.text

    @cached_property
    def trained_call(self) -> str | None:
        """The call with weights; "" if only the author knows it, None if it offers none."""
        if not self.case.has_weights(self.function):
            return None
        arguments = self.case.trained_arguments(self.function)
        return "" if arguments is None else describe_call(self.case.entrypoint, arguments)

    def build(self, seed: int = SEED, policy: Policy | None = None) -> Any:  # noqa: ANN401
        """Call the entrypoint without weights.

        Args:
            seed: Seed of its random numbers.
            policy: What it may reach on the network; by default, what the options allow.

        Raises:
            PrerequisiteError: Its code fails.
            UndeclaredError: It needs arguments that are not declared.
        """
        session, call = self.session, self.build_call
        home = self._weights_home() if self.case.needs_weights else ""
        guard: Guard | None = None
        try:
            with seeded(seed), session.running(call.text, policy, home) as guard:
                if self.case.needs_weights:
                    answer_from_machine(guard, session, self.case)
                started = time.perf_counter()
                made = session.loaded.call(self.case.entrypoint, **call.arguments)
                self.build_seconds = time.perf_counter() - started
                self.drawn[seed] = draw()
        except (Exception, SystemExit) as error:
            if self.case.needs_weights and guard is not None:
                require_answered(guard, call.text)
            failure = describe_build_failure(call, error, guard)
            code = "C102" if self._is_undeclared(error) else "C106"
            raise PrerequisiteError(code, failure) from error
        self.attempts = guard.attempts
        return made

    def _weights_home(self) -> str:
        """Where torch caches weights, for an entrypoint that needs them."""
        wrap_requests()
        _ = self.session.store  # before another hub dir is set
        return (
            self.session.weights_home if self.session.options.policy.everything else "needed-home"
        )

    def _is_undeclared(self, error: BaseException) -> bool:
        """Whether a missing module is one that C102 reports as undeclared."""
        if not isinstance(error, ModuleNotFoundError) or "C102" not in self.session.plan.selected:
            return False
        undeclared = self.declared_only.undeclared
        missing = (error.name or "").partition(".")[0]
        return any(found.module == missing and not found.hidden for found in undeclared)

    def _once(self, what: str, make: Callable[[], Any], code: str = "C106") -> Any:  # noqa: ANN401
        """Make something that checks share; if it fails once, it fails for all of them.

        Args:
            what: Its name.
            make: Makes it.
            code: The check that reports that it hangs.
        """
        if what in self._failed:
            raise self._failed[what]
        try:
            return make()
        except (PrerequisiteError, NotApplicableError) as error:
            self._failed[what] = error
            raise
        except pytest.fail.Exception:
            # A test's time limit: other checks need not wait for it too.
            failure = describe_hanging(self.label, self.location)
            self._failed[what] = PrerequisiteError(code, failure)
            raise

    @cached_property
    def built(self) -> Any:  # noqa: ANN401
        """What the entrypoint returns: built once, shared by all checks."""
        return self._once("built", self._build_first)

    def _build_first(self) -> Any:  # noqa: ANN401
        crash = self.children.find_crash(self.label)
        if crash is not None:
            # It would crash pytest too.
            raise PrerequisiteError("C106", describe_crash(self.build_call, crash))
        made = self.build()
        module, device = find_module(made), self.session.options.device
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
        try:
            made = self.build(OTHER_SEED)
        except PrerequisiteError as error:
            raise PrerequisiteError("C108", error.failure) from error
        module = find_module(made)
        if module is not None and "C304" in self.selected:
            self.digests = fingerprints(module.state_dict().items())
        return made

    @property
    def pretrained(self) -> Pretrained:
        """What was seen when it was loaded with its weights.

        Raises:
            PrerequisiteError: That fails.
            UndeclaredError: It requests a file that is not on this machine.
        """
        if self.loaded is None:
            call = BuildCall(
                self.case, self.case.trained_arguments(self.function) or {}, self.location
            )
            self.loaded = self._once(
                "pretrained", lambda: load_pretrained(self.session, call, self._untrained), "C305"
            )
        return self.loaded

    @property
    def _untrained(self) -> Untrained | None:
        """The model without weights, to compare with; None if it needs them."""
        if self.case.needs_weights or find_module(self.built) is None:
            return None
        return Untrained(self.module.state_dict, self._first_output, self.run)

    def _first_output(self) -> Any:  # noqa: ANN401
        """The output for the example input; None if there is none, or if it is not on the CPU."""
        if self.session.options.device != "cpu":
            return None
        with contextlib.suppress(NotApplicableError, PrerequisiteError):
            return self.first.output
        return None  # C201 reports it

    def _describe_weights(self) -> dict[str, Any]:
        """What is known of the call with weights, for the report."""
        if self.loaded is None:
            return {"call": self.trained_call}
        fit = self.loaded.fit
        return {
            "call": self.trained_call,
            "files": to_builtins(tuple(self.loaded.files.values())),
            "filled": fit.filled if fit else None,
            "parameters": fit.size if fit else None,
        }

    @property
    def module(self) -> torch.nn.Module:
        """The module in what the entrypoint returns.

        Raises:
            NotApplicableError: There is none.
        """
        return self._module_in(self.built)

    @property
    def second_module(self) -> torch.nn.Module:
        """The module in the second build."""
        return self._module_in(self.second)

    def _module_in(self, made: Any) -> torch.nn.Module:  # noqa: ANN401
        module = find_module(made)
        if module is None:
            raise NotApplicableError(
                f"it returns an object ({type(made).__name__}) that is not an nn.Module"
            )
        return module

    @cached_property
    def runnable(self) -> Any:  # noqa: ANN401
        """What takes the example input: the module, else what the entrypoint returns."""
        made: Any = self.built
        runnable = find_runnable(made)
        if runnable is None and find_module(made) is not None:
            raise UndeclaredError(f"not tried: no model in its {type(made).__name__} can be called")
        if runnable is None:
            raise NotApplicableError(
                f"it returns an object ({type(made).__name__}) that takes no input"
            )
        return runnable

    @cached_property
    def parameter_count(self) -> int | None:
        """How many parameters the model has, if it is one."""
        module = find_module(self.built)
        if module is None:
            return None
        return sum(one.numel() for one in module.parameters() if has_shape(one))

    def _describe_model(self) -> dict[str, Any]:
        """The size and the parts of the model, for the report, the first time only."""
        module = find_module(self.built)
        if module is None or self._is_described:
            return {}
        self._is_described = True
        # What the repo's code overrides may fail.
        with contextlib.suppress(Exception):
            return {"bytes": count_bytes(module), "modules": to_builtins(summarize_modules(module))}
        return {}

    @cached_property
    def _shapes(self) -> dict[str, Any]:
        """The types and shapes of the first run, for the report."""
        with contextlib.suppress(Exception):
            values = [*map(describe, self.first.inputs.values)]
            return {"input_values": values, "output": describe(self.first.output)}
        return {}

    def measurements(self) -> dict[str, Any]:
        """What was measured so far, for the report, in types that xdist can send."""
        found: dict[str, Any] = {"memory_bytes": self.children.find_memory(self.label)}
        if "built" in vars(self):
            found.update(self._describe_model())
            found["parameters"] = self.parameter_count
            found["load_seconds"] = self.build_seconds
            found["call"] = self.call
            known = self.entrypoint
            if known is None or known.parameters is None:
                made = inspect_help(self.case.entrypoint, self.function, self.session.root)
                found["help"] = to_builtins(made)
            if self.trained_call is not None:
                found["weights"] = self._describe_weights()
        if "first" in vars(self):
            found["forward_seconds"] = self.first.seconds
            found["input"] = self.first.inputs.provenance
            found["provisional"] = self.first.inputs.provisional
            found.update(self._shapes)
        return {name: value for name, value in found.items() if value is not None}

    @cached_property
    def first(self) -> ObservedRun:
        """The first run on the example input, in evaluation mode.

        Raises:
            PrerequisiteError: The model fails on its declared input.
            UndeclaredError: There is no input, or the guesses do not fit.
        """
        return self._once("first", self._run_first, "C201")  # type: ignore[no-any-return]

    def _run_first(self) -> ObservedRun:
        runnable = self.runnable
        example = f"{suggest_input(runnable)} in {self.case.place}"
        reason = f"no input is declared; for example, declare {example}"
        for inputs in self._candidate_inputs():
            try:
                return observe(self.session, self.label, self.prepared(runnable), inputs)
            except Exception as error:  # noqa: PERF203
                if not inputs.provisional:
                    failure = describe_forward_failure(
                        self.build_call,
                        inputs,
                        error,
                        needs_gradients=self._needs_gradients(error, inputs),
                    )
                    raise PrerequisiteError("C201", failure) from error
                message = f"{type(error).__name__}: {error}".splitlines()[0]
                reason = f"the guessed input ({inputs.provenance}) fails with {message}"
                reason = f"{reason}; declare {example}"
        raise UndeclaredError(reason)

    def _needs_gradients(self, error: Exception, inputs: Inputs) -> bool:
        """Whether the model fails only because gradients are disabled."""
        if "grad" not in str(error):
            return False
        fed, runnable = inputs.mapped(copied), self.prepared(self.runnable)
        with (
            contextlib.suppress(Exception),
            evaluating(runnable),
            self.session.running_model(self.label),
        ):
            invoke(runnable, fed, gradients=True)
            return True
        return False

    def _candidate_inputs(self) -> Iterator[Inputs]:
        """The input that is declared in some way, else guesses."""
        declared = self.find_inputs()
        if declared is not None:
            yield declared
            return
        known = list(find_known(self.runnable, self.function, self.case))
        yield from known
        if not known and find_module(self.runnable) is not None:
            yield from guess_inputs(self.runnable, dict(self.case.config.dims))

    def find_inputs(self) -> Inputs | None:
        """The input that the configuration declares or the hook returns, or None.

        If there is a hook, the case is built for it.
        """
        declared, ask = find_declared(self.case), self.session.ask_hook
        if declared is not None or ask is None:
            return declared
        case = self.case
        entrypoint = HookedEntrypoint(case.entrypoint, case.name, case.kind, self.arguments)
        answer = ask(entrypoint=entrypoint, model=self.built, dims=dict(case.config.dims))
        if answer is None:
            return None
        return read_answer(answer, "pytest_hubkit_inputs in conftest.py")

    @cached_property
    def design(self) -> object:
        """What decides which code of the model runs; None if it is not known or does not count.

        Two cases of the same design, with input of the same kind, pass the same checks of features.
        """
        if self.session.options.selection.everything:
            return None
        try:
            if self.runnable is not self.module:
                return None
            inputs = self.first.inputs
        except (NotApplicableError, PrerequisiteError):
            # The check itself says so, if that matters to it.
            return None
        values = find_values(inputs.values)
        kinds = tuple(
            one if isinstance(one, str) else (one.dtype, len(one.shape)) for _, one in values
        )
        config = self.case.config
        declared = config.stochastic, config.stateful, config.tolerance
        return self.session.options.device, declared, kinds, read_design(self.module)

    def find_alike(self, code: str) -> str:
        """A case of the same design that has passed a check, or "".

        What an author promises for a model is tried on that model.

        Args:
            code: The check.
        """
        if (code == "C212" and self.case.config.trainable) or self.design is None:
            return ""
        return self.session.known.get((code, self.design), "")

    @cached_property
    def nondeterminism(self) -> str:
        """How a second run on the same input differs from the first, in words; "" if it does not.

        Raises:
            UndeclaredError: Nothing in the output can be compared.
        """
        if "C204" in self.fast_path.passed:
            return ""
        self.require_comparable()
        again = self.run(seed=SEED if self.case.config.stochastic else OTHER_SEED)
        # Accelerators add in an order of their own.
        tolerance = 0.0 if self.session.options.device == "cpu" else 1e-6
        return find_difference(self.first.output, again, tolerance)

    def require_comparable(self) -> None:
        """Check that there is something in the output to look at.

        Raises:
            UndeclaredError: There is not, so that the level cannot be reached.
        """
        output = self.first.output
        values = [value for _, value in find_values(output)]
        if not values:
            raise UndeclaredError(
                f"not tried: nothing in its output can be compared (a {type(output).__name__}): "
                "return tensors, arrays, numbers or texts, or an object with such attributes"
            )
        if all(not isinstance(one, str) and one.is_meta for one in values):
            raise UndeclaredError(f"not tried: its output is {_ON_META}")

    def require_numbers(self, module: torch.nn.Module) -> None:
        """Check that a model has numbers.

        Args:
            module: The model.

        Raises:
            UndeclaredError: It is on the meta device.
        """
        if self.session.options.device == "meta" or is_on_meta(module):
            raise UndeclaredError(f"not tried: it is {_ON_META}")

    @property
    def fast_path(self) -> FastPath:
        """Checks that are known to pass together; empty if anything is unusual."""
        if self._fast_path is None:
            # What a time limit ends is not started again.
            self._fast_path = FastPath()
            # Each check reports its own failure.
            with contextlib.suppress(Exception):
                self._fast_path = self._take_fast_path()
        return self._fast_path

    def _take_fast_path(self) -> FastPath:
        config = self.case.config
        if not self.selected >= FAST_CHECKS or config.stochastic or config.stateful:
            return FastPath()
        if self.session.options.device != "cpu" or self.runnable is not self.module:
            return FastPath()
        self.require_comparable()
        known = self.selected & {"C209", "C211"}
        if all(map(self.find_alike, known)):
            return take_shortest_path(self.first, self.module, lambda: self.second_module, self.run)
        path = take_fast_path(
            self.first,
            self.module,
            self.copy_module,
            lambda: self.second_module,
            self.run,
            # With a tolerance for rows, a row shows less than the whole batch.
            by_row=not config.tolerance,
        )
        if "C213" not in self.selected:
            path.take_spare()
        return path

    def copy_module(self) -> torch.nn.Module:
        """A deep copy of the model as it is."""
        with self.session.running_model(self.label):
            return copy_model(self.module)

    def run(self, runnable: Any = None, inputs: Inputs | None = None, seed: int = SEED) -> Any:  # noqa: ANN401
        """Run on the example input in evaluation mode, without gradients.

        Args:
            runnable: What to run; the shared model by default.
            inputs: Other input.
            seed: Seed of the random numbers that it may draw.
        """
        fed = (inputs or self.first.inputs).mapped(copied)
        # A model may have a length, and count as false.
        runnable = self.runnable if runnable is None else runnable
        return run(self.session, self.label, self.prepared(runnable), fed, seed=seed)

    def prepared(self, runnable: Any) -> Any:  # noqa: ANN401
        """A model whose next run does not depend on earlier ones: itself unless it is stateful.

        Args:
            runnable: The model or another callable.
        """
        stateful = self.case.config.stateful
        if not stateful:
            return runnable
        with self.session.running_model(self.label):
            if stateful is True:
                return copy_model(runnable)
            reset = getattr(runnable, stateful, None)
            if not callable(reset):
                raise PrerequisiteError("C201", describe_missing_reset(self.build_call, stateful))
            reset()
        return runnable

    def release(self) -> None:
        """Release the model, and everything that was made with it."""
        made = (
            "built", "second", "first", "runnable", "nondeterminism", "parameter_count", "design",
        )  # fmt: skip
        for name in made:
            vars(self).pop(name, None)
        self._fast_path = None


class ModelCache:
    """The cases that have their models in memory.

    Args:
        limit: How many of them may.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: list[CaseContext] = []

    def hold(self, context: CaseContext) -> None:
        """Let a case have its model in memory; release the least recently used ones.

        Args:
            context: The case.
        """
        if context in self._held:
            self._held.remove(context)
        self._held.append(context)
        while len(self._held) > self._limit:
            self._held.pop(0).release()

    def clear(self) -> None:
        """Release them all."""
        for context in self._held:
            context.release()
        self._held.clear()
