"""How an entrypoint is called, and with what input: what was declared, else what is obvious."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hubkit.config import EntrypointConfig
from pytest_hubkit.checks.registry import NotApplicableError
from pytest_hubkit.tensors import TensorSpec, read_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.config import Config

# Without these two, torch.hub.load cannot pass on an argument of the same name.
RESERVED = frozenset(
    ("repo_or_dir", "model", "source", "trust_repo", "force_reload", "verbose", "skip_validation")
)
_SEED = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Example input, ready to be passed.

    Attributes:
        args: By position.
        kwargs: By name.
        provenance: Where it comes from, in words.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    provenance: str


@dataclass(frozen=True, slots=True)
class Case:
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

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Keyword arguments that build it without weights.

        Args:
            function: The entrypoint.

        Raises:
            NotApplicableError: It needs arguments that nobody declared.
        """
        untrained, call = self.config.untrained, dict(self.config.call)
        try:
            return untrained_arguments(function, call, untrained)
        except NotApplicableError as error:
            raise self.undeclared(str(error)) from None

    def undeclared(self, reason: str) -> NotApplicableError:
        """The error for when nobody declared the arguments that it needs."""
        return NotApplicableError(f"{reason}: declare `call` in {self.place}")

    def inputs(self) -> Inputs:
        """Example input as declared: the same values each time.

        Raises:
            NotApplicableError: None is declared.
            ConfigError: What is declared cannot be read.
        """
        import torch

        declared, sizes = self.config.input, self.config.dims
        if declared is None:
            example = 'input = "f32[B,3,H,W]"'
            raise NotApplicableError(f"no input is declared: write {example} in {self.place}")
        generator = torch.Generator().manual_seed(_SEED)

        def make(text: str) -> Any:  # noqa: ANN401
            return read_tensor(text).make(sizes, generator)

        where = f"input {_show(declared)} in {self.place}{_guesses(self.specs(), sizes)}"
        if isinstance(declared, str):
            return Inputs((make(declared),), {}, where)
        if isinstance(declared, tuple):
            return Inputs(tuple(make(text) for text in declared), {}, where)
        return Inputs((), {name: make(text) for name, text in declared.items()}, where)

    def specs(self) -> tuple[TensorSpec, ...]:
        """The declared example input, read."""
        declared = self.config.input
        if declared is None:
            return ()
        texts = (declared,) if isinstance(declared, str) else declared
        return tuple(map(read_tensor, texts.values() if isinstance(texts, dict) else texts))


def make_case(name: str, config: Config) -> Case:
    """The case of an entrypoint that the configuration describes."""
    # A repo without any configuration is told the file that needs nothing else.
    inside_pyproject = config.path == "pyproject.toml"
    table = f"tool.hubkit.entrypoints.{name}" if inside_pyproject else f"entrypoints.{name}"
    place = f"[{table}] in {config.path or 'hubkit.toml'}"
    return Case(name, config.entrypoint(name), place)


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
        NotApplicableError: It needs arguments that nobody declared.
    """
    parameters = parameters_of(function)
    if untrained is None:
        untrained = {
            parameter.name: _untrained_value(parameter)
            for parameter in parameters
            if _chooses_weights(parameter)
        }
    arguments = {**untrained, **call}
    missing = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and parameter.name not in arguments
    ]
    if missing:
        raise NotApplicableError(f"it cannot be called without {', '.join(missing)}")
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


def _chooses_weights(parameter: inspect.Parameter) -> bool:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return False
    words = parameter.name.lower().split("_")
    return "pretrained" in words or parameter.name in ("weights", "weights_backbone")


def _untrained_value(parameter: inspect.Parameter) -> bool | None:
    """None where weights go by name, else False."""
    names = "weights" in parameter.name or parameter.default is None
    return None if names or isinstance(parameter.default, str) else False


def _show(declared: object) -> str:
    if isinstance(declared, str):
        return f'"{declared}"'
    return str(list(declared) if isinstance(declared, tuple) else declared)


def _guesses(specs: tuple[TensorSpec, ...], sizes: Mapping[str, int | str]) -> str:
    names = dict.fromkeys(name for spec in specs for name in spec.guessed(sizes))
    shown = ", ".join(f"{name} = {TensorSpec('', '', (name,)).shape({})[0]}" for name in names)
    return f", with {shown} for want of `dims`" if shown else ""
