"""With which arguments an entrypoint is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hubkit.config import Config, EntrypointConfig
from pytest_hubkit.cases import Case, describe_call, make_case, untrained_arguments
from pytest_hubkit.checks import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Callable


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
    assert untrained_arguments(function, {}) == arguments


def test_what_is_declared_counts_more() -> None:
    assert untrained_arguments(flag, {"progress": False}) == {
        "pretrained": False,
        "progress": False,
    }
    assert untrained_arguments(flag, {"pretrained": True}) == {"pretrained": True}
    assert untrained_arguments(flag, {}, {}) == {}
    assert untrained_arguments(by_name, {}, {"pretrained": ""}) == {"pretrained": ""}


def test_missing_arguments_are_asked_for_where_they_are_declared() -> None:
    def net(size: int, depth: int, width: int = 3) -> None: ...

    case = make_case("net", Config(path="pyproject.toml"))
    with pytest.raises(NotApplicableError) as caught:
        case.arguments(net)
    assert str(caught.value) == (
        "it cannot be called without size, depth: declare `call` in "
        "[tool.hubkit.entrypoints.net] in pyproject.toml"
    )
    declared = Case("net", EntrypointConfig(call={"size": 1, "depth": 2}))
    assert declared.arguments(net) == {"size": 1, "depth": 2}


def test_a_repo_without_configuration_is_told_the_small_file() -> None:
    assert make_case("net", Config()).place == "[entrypoints.net] in hubkit.toml"


def test_a_call_reads_as_one_would_write_it() -> None:
    assert describe_call("net", {"pretrained": False, "name": "a"}) == (
        "net(pretrained=False, name='a')"
    )


@pytest.mark.torch
def test_input_is_passed_as_declared_and_says_where_it_comes_from() -> None:
    one = Case("net", EntrypointConfig(input="f32[B,4]"), "here").inputs()
    assert [tuple(value.shape) for value in one.args] == [(2, 4)]
    assert one.provenance == 'input "f32[B,4]" in here'
    several = Case("net", EntrypointConfig(input=("f32[2]", "i64[3] < 9"))).inputs()
    assert [tuple(value.shape) for value in several.args] == [(2,), (3,)]
    named = Case("net", EntrypointConfig(input={"x": "f32[T]"}), "here").inputs()
    assert tuple(named.kwargs["x"].shape) == (16,)
    assert "with T = 16 for want of `dims`" in named.provenance


@pytest.mark.torch
def test_without_declared_input_there_is_none() -> None:
    with pytest.raises(NotApplicableError, match="no input is declared: write"):
        Case("net", place="[entrypoints.net] in hubkit.toml").inputs()
