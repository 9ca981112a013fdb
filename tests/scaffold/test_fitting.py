"""The search for arguments with which a model has the shapes of a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hubkit import limits
from hubkit.scaffold.fitting import Fit, find_fit, is_determined

if TYPE_CHECKING:
    from hubkit.scaffold.fitting import Arguments, Shapes


def network(
    channels: int = 3,
    classes: int = 10,
    widths: tuple[int, ...] = (16, 32),
    depth: int = 2,
    scale: float = 1.0,
    heads: int = 4,
    *,
    bias: bool = True,
) -> Shapes:
    """The shapes of a network as people write them."""
    if widths[0] % heads:
        raise ValueError("heads")
    sizes = [int(width * scale) for width in widths]
    shapes: dict[str, tuple[int, ...]] = {"stem.weight": (sizes[0], channels, 3, 3)}
    if bias:
        shapes["stem.bias"] = (sizes[0],)
    for at in range(depth):
        shapes[f"blocks.{at}.weight"] = (sizes[0], sizes[0])
    shapes["down.weight"] = (sizes[1], sizes[0])
    shapes["head.weight"] = (3 * (5 + classes), sizes[1])
    return shapes


def build(arguments: Arguments) -> Shapes | str:
    given: dict[str, Any] = arguments
    try:
        return network(**given)
    except ValueError as error:
        return str(error)


DEFAULTS: Arguments = {
    "channels": 3,
    "classes": 10,
    "widths": (16, 32),
    "depth": 2,
    "scale": 1.0,
    "heads": 4,
    "bias": True,
}


def fit(wanted: Shapes, *starts: Arguments) -> Fit:
    return find_fit(build, wanted, [DEFAULTS, *starts], lambda: False)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"classes": 2},
        {"channels": 1, "classes": 7, "bias": False},
        {"widths": (24, 56), "depth": 5},
        {"widths": (8, 8), "channels": 8, "classes": 8, "depth": 8},
        {"depth": 12, "bias": False, "classes": 1000},
        {"scale": 0.5, "classes": 3},
    ],
)
def test_shapes_show_the_arguments(change: dict[str, Any]) -> None:
    wanted = network(**change)
    found = fit(wanted)
    assert found.arguments is not None
    assert build(found.arguments) == wanted
    assert found.differences == 0


def test_arguments_that_shapes_do_not_show_come_from_the_repo() -> None:
    wanted = network(widths=(18, 32), heads=3)
    defaults = {name: value for name, value in DEFAULTS.items() if name != "scale"}
    assert find_fit(build, wanted, [defaults], lambda: False).differences  # 18 % 4
    shown = {**defaults, "heads": 3, "widths": (6, 6)}
    found = find_fit(build, wanted, [defaults, shown], lambda: False)
    assert found.arguments is not None
    assert (found.arguments["heads"], found.arguments["widths"]) == (3, (18, 32))


def test_differences_are_named() -> None:
    wanted = {**network(classes=3), "gate.weight": (4,)}
    found = fit(wanted)
    assert (found.differences, found.difference) == (1, "the model has no `gate.weight`")
    shapes = {**network(), "stem.weight": (16, 3, 5, 5)}
    assert fit(shapes).difference == (
        "`stem.weight` is [16, 3, 5, 5] in the checkpoint and [16, 3, 3, 3] in the model"
    )
    less = {name: shape for name, shape in network().items() if name != "down.weight"}
    assert fit(less).difference == "the checkpoint has no `down.weight`"
    old = find_fit(lambda _: {"n.num_batches_tracked": (), "w": (1,)}, {"w": (1,)}, [{}], bool)
    assert old.differences == 0


def test_a_model_that_cannot_be_built_is_no_fit() -> None:
    found = find_fit(lambda _: "no GPU", {"w": (1,)}, [{"width": 1}], lambda: False)
    assert found == Fit(None, "no GPU")


def test_the_search_ends() -> None:
    built: list[Arguments] = []

    def count(arguments: Arguments) -> Shapes | str:
        built.append(arguments)
        return build(arguments)

    find_fit(count, {"other": (7, 7)}, [DEFAULTS], lambda: False)
    assert len(built) <= limits.TRIED_BUILDS.most
    built.clear()
    assert find_fit(count, network(), [DEFAULTS], lambda: True) == Fit(None)
    assert not built


def test_arguments_without_influence_on_the_shapes_are_known() -> None:
    assert is_determined(build, DEFAULTS, "classes")
    assert is_determined(build, DEFAULTS, "depth")
    assert not is_determined(build, DEFAULTS, "heads")
