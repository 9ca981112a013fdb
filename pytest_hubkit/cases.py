"""How an entrypoint is called, and with what input: what was declared, else what is obvious."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from hubkit.config import EntrypointConfig
from hubkit.torchhub import NO_DEFAULT, arguments_with_weights, arguments_without_weights
from pytest_hubkit.checks.registry import UndeclaredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.config import Config


class Case(Struct, frozen=True):
    """One way to call an entrypoint, and what is known about it.

    Attributes:
        entrypoint: Name of the entrypoint.
        config: What the repo's author says about it.
        place: Where that belongs, such as "[tool.hubkit.entrypoints.unet] in pyproject.toml".
        name: Tells several cases of one entrypoint apart; "" when there is only one.
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
        """What the entrypoint gives back; a model unless declared otherwise."""
        return self.config.kind or "model"

    @property
    def is_untrained(self) -> bool:
        """Whether it can be built without weights."""
        return self.config.untrained is not False

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Keyword arguments that build it without weights, or with them if there is no other way.

        Args:
            function: The entrypoint.

        Raises:
            UndeclaredError: It needs arguments that nobody declared.
        """
        if self.config.untrained is False:
            return self.trained_arguments(function) or dict(self.config.call)
        untrained, call = self.config.untrained, dict(self.config.call)
        try:
            return untrained_arguments(function, call, untrained)
        except UndeclaredError as error:
            raise self.undeclared(str(error)) from None

    def trained_arguments(self, function: Callable[..., Any]) -> dict[str, Any] | None:
        """Keyword arguments that build it with weights; None when nothing tells them.

        Args:
            function: The entrypoint.
        """
        weights, call = self.config.weights, dict(self.config.call)
        if weights is not None and weights.call is not None:
            return {**call, **weights.call}
        free = [(name, default) for name, default in defaults_of(function) if name not in call]
        chosen = arguments_with_weights(free)
        if chosen is None:
            return dict(call) if self.config.untrained is False else None
        return {**chosen, **call}

    def undeclared(self, reason: str) -> UndeclaredError:
        """The error for when nobody declared the arguments that it needs."""
        return UndeclaredError(f"{reason}: declare `call` in {self.place}")


def make_cases(name: str, config: Config) -> tuple[Case, ...]:
    """The cases of an entrypoint that the configuration describes: one, unless it names several."""
    # A repo without any configuration is told the file that needs nothing else.
    inside_pyproject = config.path == "pyproject.toml"
    table = f"tool.hubkit.entrypoints.{name}" if inside_pyproject else f"entrypoints.{name}"
    file, known = config.path or "hubkit.toml", config.entrypoint(name)
    if not known.cases:
        return (Case(name, known, f"[{table}] in {file}"),)
    return tuple(
        Case(name, one, f"[{table}.cases.{case}] in {file}", case)
        for case, one in known.cases.items()
    )


def untrained_arguments(
    function: Callable[..., Any],
    call: Mapping[str, Any],
    untrained: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Keyword arguments that build an entrypoint's model without weights.

    Args:
        function: The entrypoint.
        call: Arguments that are declared.
        untrained: Arguments that are declared to leave out the weights; None to go by the names of
            its parameters.

    Raises:
        UndeclaredError: It needs arguments that nobody declared.
    """
    parameters = parameters_of(function)
    if untrained is None:
        untrained = arguments_without_weights(defaults_of(function))
    arguments = {**untrained, **call}
    missing = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and parameter.name not in arguments
    ]
    if missing:
        raise UndeclaredError(f"it cannot be called without {', '.join(missing)}")
    return arguments


def parameters_of(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """The parameters of a callable; none when it does not tell."""
    try:
        return tuple(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ()


def describe_call(name: str, arguments: Mapping[str, Any]) -> str:
    """A call as one would write it."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def defaults_of(function: Callable[..., Any]) -> tuple[tuple[str, object], ...]:
    """Names and defaults of the parameters that can be passed by name, as torchhub wants them."""
    return tuple(
        (one.name, NO_DEFAULT if one.default is one.empty else one.default)
        for one in parameters_of(function)
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    )
