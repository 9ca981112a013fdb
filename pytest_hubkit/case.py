"""How an entrypoint is called: as declared, else as the names of its parameters suggest."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from hubkit.config import EntrypointConfig
from hubkit.torchhub import (
    NO_DEFAULT,
    ParameterDefault,
    arguments_with_weights,
    arguments_without_weights,
    has_weights,
)
from pytest_hubkit.checks.registry import UndeclaredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.config import Config
    from hubkit.facts import Location


class Case(Struct, frozen=True):
    """One way to call an entrypoint, and its configuration.

    Attributes:
        entrypoint: Name of the entrypoint.
        config: Its configuration.
        place: The table for it, such as "[tool.hubkit.entrypoints.unet] in pyproject.toml".
        name: Distinguishes several cases of one entrypoint; "" if there is only one.
    """

    entrypoint: str
    config: EntrypointConfig = field(default_factory=EntrypointConfig)
    place: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """The entrypoint's name, with the case's when it has one."""
        return f"{self.entrypoint}[{self.name}]" if self.name else self.entrypoint

    @property
    def kind(self) -> str:
        """What the entrypoint returns; a model unless declared otherwise."""
        return self.config.kind or "model"

    @property
    def needs_weights(self) -> bool:
        """Whether it is declared that it cannot be built without weights."""
        return self.config.untrained is False

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Keyword arguments that build it without weights, or with them if it needs them.

        Raises:
            UndeclaredError: It needs arguments that are not declared.
        """
        arguments = arguments_without_weights(defaults_of(function), self.config)
        if arguments is None:
            arguments = self.trained_arguments(function) or dict(self.config.call)
        missing = self.missing_arguments(function, arguments)
        if missing:
            raise self.undeclared(f"it cannot be called without {', '.join(missing)}")
        return arguments

    def missing_arguments(
        self, function: Callable[..., Any], arguments: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Parameters without a default for which nothing is declared.

        Args:
            function: The entrypoint.
            arguments: What is declared.
        """
        return tuple(
            one.name
            for one in parameters_of(function)
            if one.default is one.empty
            and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
            and one.name not in arguments
        )

    def has_weights(self, function: Callable[..., Any]) -> bool:
        """Whether it offers weights.

        Args:
            function: The entrypoint.
        """
        return has_weights(defaults_of(function), self.config)

    def trained_arguments(self, function: Callable[..., Any]) -> dict[str, Any] | None:
        """Keyword arguments that build it with weights; None if they are unknown.

        Args:
            function: The entrypoint.
        """
        return arguments_with_weights(defaults_of(function), self.config)

    def undeclared(self, reason: str) -> UndeclaredError:
        """The error for arguments that it needs and that are not declared."""
        return UndeclaredError(f"{reason}: declare `call` in {self.place}")


class PlannedCase(Struct, eq=False):
    """A case, and the checks that run on it.

    Attributes:
        case: The case.
        selected: Codes of the checks that run.
        deselected: Why other checks do not run, by code.
    """

    case: Case
    selected: set[str] = field(default_factory=set)
    deselected: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The case's label."""
        return self.case.label


class Plan(Struct, eq=False):
    """Which checks run on a hubconf; complete once pytest has collected its items.

    Attributes:
        cases: All cases.
        active: The cases on which a check runs, in the order of their items.
        selected: Codes of the checks that run on the repo as a whole.
        deselected: Why other checks of the repo do not run, by code.
    """

    cases: list[PlannedCase] = field(default_factory=list)
    active: list[PlannedCase] = field(default_factory=list)
    selected: set[str] = field(default_factory=set)
    deselected: dict[str, str] = field(default_factory=dict)


class BuildCall(Struct, frozen=True):
    """The call that builds a case without weights.

    Attributes:
        case: The case.
        arguments: Keyword arguments.
        location: Where the entrypoint is defined, as far as the source shows.
    """

    case: Case
    arguments: Mapping[str, Any]
    location: Location

    @property
    def text(self) -> str:
        """The call as Python code."""
        return describe_call(self.case.entrypoint, self.arguments)


def make_cases(name: str, config: Config) -> tuple[Case, ...]:
    """The cases of an entrypoint: one, unless the configuration names several."""
    # Without any configuration, messages name the file that needs nothing else.
    inside_pyproject = config.path == "pyproject.toml"
    table = f"tool.hubkit.entrypoints.{name}" if inside_pyproject else f"entrypoints.{name}"
    file, known = config.path or "hubkit.toml", config.entrypoint(name)
    if not known.cases:
        return (Case(name, known, f"[{table}] in {file}"),)
    return tuple(
        Case(name, one, f"[{table}.cases.{case}] in {file}", case)
        for case, one in known.cases.items()
    )


def parameters_of(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """The parameters of a callable; none if they cannot be inspected."""
    try:
        return tuple(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ()


def describe_call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as Python code."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def defaults_of(function: Callable[..., Any]) -> tuple[ParameterDefault, ...]:
    """The parameters that can be passed by name."""
    return tuple(
        ParameterDefault(
            one.name,
            NO_DEFAULT if one.default is one.empty else one.default,
            "" if one.annotation is one.empty else inspect.formatannotation(one.annotation),
        )
        for one in parameters_of(function)
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    )
