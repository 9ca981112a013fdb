"""What hubkit/torchhub.py states is what torch.hub does, and what authors of hub repos mean."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from hubkit import torchhub
from hubkit.analysis import read_repo, require_hubconf
from hubkit.config import EntrypointConfig
from hubkit.torchhub import (
    NO_DEFAULT,
    OTHER_DEFAULT,
    ParameterDefault,
    arguments_with_weights,
    arguments_without_weights,
    has_weights,
    weights_defaults,
    weights_kind,
    weights_parameters,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.torch
def test_constants_are_those_of_torch() -> None:
    import torch.hub

    assert torch.hub._TRUSTED_REPO_OWNERS == torchhub.TRUSTED_OWNERS
    assert torch.hub.VAR_DEPENDENCY == torchhub.DEPENDENCIES
    assert torch.hub.MODULE_HUBCONF == torchhub.HUBCONF
    parameters = inspect.signature(torch.hub.load).parameters.values()
    own = [
        one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]
    assert set(own) == torchhub.LOAD_PARAMETERS
    for name in ("net-0123456789abcdef.pth", "a-b.c-12345678.pth", "net.pth", "net-.pth"):
        found = torch.hub.HASH_REGEX.search(name)
        assert torchhub.hash_in_name(name) == (found.group(1) if found else None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pretrained", "flag"),
        ("pretrain", "flag"),
        ("pretrained_backbone", "flag"),
        ("backbone_pretrained", "flag"),
        ("weights", "name"),
        ("weights_backbone", "name"),
        ("checkpoint", "path"),
        ("ckpt", "path"),
        ("checkpoint_path", "path"),
        ("load_weights", "flag"),
        ("use_checkpoint", None),
        ("untrained", None),
        ("class_weights", None),
        ("checkpointing", None),
        ("train", None),
    ],
)
def test_names_that_choose_weights(name: str, kind: str | None) -> None:
    assert weights_kind(name) == kind


@pytest.mark.parametrize(
    ("parameters", "without", "with_weights"),
    [
        ({"pretrained": True}, {"pretrained": False}, {"pretrained": True}),
        ({"pretrained": NO_DEFAULT}, {"pretrained": False}, {"pretrained": True}),
        ({"pretrained": "imagenet"}, {"pretrained": None}, {"pretrained": "imagenet"}),
        ({"pretrained": None}, {"pretrained": None}, {"pretrained": True}),
        ({"pretrained": OTHER_DEFAULT}, {"pretrained": None}, None),
        ({"load_weights": False}, {"load_weights": False}, {"load_weights": True}),
        ({"weights": None}, {"weights": None}, None),
        ({"weights": False}, {"weights": False}, {"weights": True}),
        ({"weights": "DEFAULT"}, {"weights": None}, {"weights": "DEFAULT"}),
        ({"checkpoint": "net.pth"}, {"checkpoint": None}, {"checkpoint": "net.pth"}),
        ({"weights_path": "net.pth"}, {"weights_path": None}, {"weights_path": "net.pth"}),
        # The caller must have the file, so there is nothing to choose.
        ({"checkpoint": NO_DEFAULT}, {}, None),
        # One decides for the whole model, and the others keep their defaults.
        ({"weights": None, "pretrained": False}, {"pretrained": False}, {"pretrained": True}),
        ({"ckpt": None, "weights": "A"}, {"weights": None}, {"weights": "A"}),
        ({"pretrained_cfg": None, "weights": "A"}, {"pretrained_cfg": None}, None),
        # A part has weights of its own, which the whole model's make superfluous.
        (
            {"pretrained": False, "pretrained_backbone": True},
            {"pretrained": False, "pretrained_backbone": False},
            {"pretrained": True},
        ),
        (
            {"pretrained_backbone": True},
            {"pretrained_backbone": False},
            {"pretrained_backbone": True},
        ),
        ({"width": 64}, {}, None),
        # It describes weights, and chooses none.
        ({"pretrained_window_sizes": [0, 0]}, {}, None),
    ],
)
def test_what_to_pass_without_and_with_weights(
    parameters: dict[str, object], without: dict[str, Any], with_weights: dict[str, Any] | None
) -> None:
    found = [ParameterDefault(*one) for one in parameters.items()]
    assert arguments_without_weights(found, EntrypointConfig()) == without
    assert arguments_with_weights(found, EntrypointConfig()) == with_weights
    assert has_weights(found, EntrypointConfig()) == bool(without)


@pytest.mark.parametrize(
    ("name", "annotation", "value"),
    [
        ("weights", "ResNet50_Weights | None", "DEFAULT"),
        ("weights", "Optional[torchvision.models.ResNet50_Weights]", "DEFAULT"),
        ("weights", "Literal['coco', 'voc'] | None", "coco"),
        ("pretrained", 'typing.Literal["imagenet"] | None', "imagenet"),
        ("pretrained", "bool | None", True),
        ("pretrained", "str | None", None),
        ("weights", "str | None", None),
    ],
)
def test_an_annotation_says_how_to_ask_for_weights(
    name: str, annotation: str, value: object
) -> None:
    (found,) = weights_parameters([ParameterDefault(name, None, annotation)])
    assert found.with_weights == value
    assert found.without is None


@pytest.mark.parametrize(
    ("annotation", "chooses"),
    [
        ("Literal['coco', 'voc']", False),
        ("Literal['coco', 'voc', None]", True),
        ("Optional[Literal['coco', 'voc']]", True),
        ("Literal['coco', False]", True),
        ("str", True),
        ("", True),
    ],
)
def test_a_choice_between_weights_is_no_choice_to_do_without(
    annotation: str, *, chooses: bool
) -> None:
    parameter = ParameterDefault("pretrain_data", "coco", annotation)
    assert bool(weights_parameters([parameter])) is chooses
    # The names of parameters that are about nothing else still decide.
    assert weights_parameters([ParameterDefault("weights", "coco", annotation)])


FLAG = (ParameterDefault("pretrained", False), ParameterDefault("weights", None))
PLAIN = (ParameterDefault("width", 4),)


@pytest.mark.parametrize(
    ("parameters", "settings", "without", "with_weights", "offers"),
    [
        (FLAG, {}, {"pretrained": False}, {"pretrained": True}, True),
        (FLAG, {"trained": False}, {"pretrained": False}, None, False),
        (FLAG, {"trained": {"weights": "A"}}, {"pretrained": False}, {"weights": "A"}, True),
        (FLAG, {"untrained": {}}, {}, {"pretrained": True}, True),
        (FLAG, {"call": {"pretrained": "A"}}, {"pretrained": "A"}, {"pretrained": "A"}, True),
        (FLAG, {"call": {"pretrained": False}}, {"pretrained": False}, None, True),
        (PLAIN, {}, {}, None, False),
        (PLAIN, {"untrained": False}, None, {}, True),
        (
            PLAIN,
            {"untrained": False, "trained": {"size": 1}, "call": {"a": 2}},
            None,
            {"size": 1, "a": 2},
            True,
        ),
    ],
)
def test_what_the_author_declares_counts_more(
    parameters: tuple[ParameterDefault, ...],
    settings: dict[str, Any],
    without: dict[str, Any] | None,
    with_weights: dict[str, Any] | None,
    offers: bool,
) -> None:
    config = EntrypointConfig(**settings)
    assert arguments_without_weights(parameters, config) == without
    assert arguments_with_weights(parameters, config) == with_weights
    assert has_weights(parameters, config) == offers


def test_defaults_are_read_from_source(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(
        "from torchvision.models import ResNet50_Weights as _W\n"
        "def a(width=1, *, pretrained=True, **kwargs): ...\n"
        "def b(weights=_W.DEFAULT): ...\n"
        "def c(pretrained: bool): ...\n"
    )
    found = require_hubconf(read_repo(tmp_path)).entrypoints
    assert [weights_defaults(one.parameters or ()) for one in found] == [
        (ParameterDefault("pretrained", True),),
        (ParameterDefault("weights", OTHER_DEFAULT),),
        (ParameterDefault("pretrained", NO_DEFAULT, "bool"),),
    ]
    assert [
        one.name for one in weights_parameters(weights_defaults(found[0].parameters or ()))
    ] == ["pretrained"]
