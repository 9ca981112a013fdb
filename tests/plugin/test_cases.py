"""With which arguments an entrypoint is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hubkit.config import Config, EntrypointConfig
from pytest_hubkit.case import Case, describe_call, make_cases
from pytest_hubkit.checks import NotApplicableError
from pytest_hubkit.inputs import find_declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.config import Values


def flag(pretrained: bool = True, progress: bool = True) -> None: ...
def required(pretrained: bool, size: int = 3) -> None: ...
def by_name(pretrained: str = "imagenet") -> None: ...
def maybe(pretrained: str | None = None) -> None: ...
def weights(weights: str = "DEFAULT", weights_backbone: str = "X") -> None: ...
def backbone(pretrained: bool = False, pretrained_backbone: bool = True) -> None: ...
def variadic(*args: int, **kwargs: int) -> None: ...
def plain(width: int = 3) -> None: ...


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (flag, {"pretrained": False}),
        (required, {"pretrained": False}),
        (by_name, {"pretrained": None}),
        (maybe, {"pretrained": None}),
        (weights, {"weights": None, "weights_backbone": None}),
        (backbone, {"pretrained": False, "pretrained_backbone": False}),
        (variadic, {}),
        (plain, {}),
        (max, {}),
    ],
)
def test_weights_are_left_out(function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    assert Case("net").arguments(function) == arguments


def test_declared_cases_take_precedence() -> None:
    def call(function: Callable[..., Any], **config: Any) -> dict[str, Any]:
        return Case("net", EntrypointConfig(**config)).arguments(function)

    without = {"pretrained": False, "progress": False}
    assert call(flag, call={"progress": False}) == without
    assert call(flag, call={"pretrained": True}) == {"pretrained": True}
    assert call(flag, untrained={}) == {}
    assert call(by_name, untrained={"pretrained": ""}) == {"pretrained": ""}
    assert call(flag, untrained=False, trained={"pretrained": 1}) == {"pretrained": 1}


def test_missing_arguments_are_asked_for_where_they_are_declared() -> None:
    def net(size: int, depth: int, width: int = 3) -> None: ...

    case = make_cases("net", Config(path="pyproject.toml"))[0]
    with pytest.raises(NotApplicableError) as caught:
        case.arguments(net)
    assert str(caught.value) == (
        "it cannot be called without size, depth: declare `call` in "
        "[tool.hubkit.entrypoints.net] in pyproject.toml"
    )
    declared = Case("net", EntrypointConfig(call={"size": 1, "depth": 2}))
    assert declared.arguments(net) == {"size": 1, "depth": 2}


def test_a_repo_without_configuration_is_told_the_small_file() -> None:
    assert make_cases("net", Config())[0].place == "[entrypoints.net] in hubkit.toml"


def test_a_call_reads_as_one_would_write_it() -> None:
    assert describe_call("net", {"pretrained": False, "name": "a"}) == (
        "net(pretrained=False, name='a')"
    )


@pytest.mark.torch
@pytest.mark.parametrize(
    ("declared", "args", "kwargs", "provenance"),
    [
        ("f32[B,4]", [(2, 4)], {}, 'input "f32[B,4]" in here'),
        (("f32[2]", "i64[3] < 9"), [(2,), (3,)], {}, "input ['f32[2]', 'i64[3] < 9'] in here"),
        (
            {"x": "f32[T]"},
            [],
            {"x": (16,)},
            "input {'x': 'f32[T]'} in here, with T = 16 by default",
        ),
    ],
)
def test_input_is_passed_as_declared_and_says_where_it_comes_from(
    declared: Values, args: list[Any], kwargs: dict[str, Any], provenance: str
) -> None:
    found = find_declared(Case("net", EntrypointConfig(input=declared), "here"))
    assert found is not None
    assert [tuple(value.shape) for value in found.args] == args
    assert {name: tuple(value.shape) for name, value in found.kwargs.items()} == kwargs
    assert found.provenance == provenance


def test_without_declared_input_there_is_none() -> None:
    assert find_declared(Case("net", place="[entrypoints.net] in hubkit.toml")) is None


def test_only_the_parameter_that_decides_is_set() -> None:
    def both(pretrained: bool = False, weights: str = "imagenet") -> None: ...

    case = Case("both")
    assert case.arguments(both) == {"pretrained": False}
    assert case.trained_arguments(both) == {"pretrained": True}
