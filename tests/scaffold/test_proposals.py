"""What is proposed of what a repo offers, under which names, and how it is written down."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubkit.facts import Location, Parameter
from hubkit.scaffold.entrypoints import write_code
from hubkit.scaffold.model_discovery import ModelDiscovery
from hubkit.scaffold.model_sources import Example, Model
from hubkit.scaffold.model_weights import WeightsFile, find_checkpoint
from hubkit.scaffold.proposals import Proposal, propose
from tests.scaffold.test_templates import PICKY, ruff

if TYPE_CHECKING:
    from pathlib import Path


def model(name: str, *parameters: Parameter, **more: object) -> Model:
    known = {
        "module": "net",
        "root": "",
        "kind": "class",
        "docstring": None,
        "gives": f"net.{name}",
        "location": Location("net.py", 1),
    }
    return Model(name=name, parameters=parameters, **{**known, **more})  # type: ignore[arg-type]


def at(path: str, line: int = 1, **more: object) -> dict[str, object]:
    module = path.removesuffix(".py").replace("/", ".")
    return {"location": Location(path, line), "module": module, **more}


def need(name: str) -> Parameter:
    return Parameter(name)


def default(name: str, source: str, annotation: str | None = None) -> Parameter:
    return Parameter(name, default=source, annotation=annotation)


def proposed(*models: Model, **more: object) -> tuple[Proposal, ...]:
    return propose(ModelDiscovery(models=models, **more))[0]  # type: ignore[arg-type]


def left(*models: Model) -> dict[str, str]:
    return {one.name: one.reason for one in propose(ModelDiscovery(models=models))[1]}


def names(*models: Model) -> list[str]:
    return [one.name for one in proposed(*models)]


def test_functions_come_in_place_of_the_classes_that_they_build() -> None:
    function = model("net18", kind="function", gives="net.Net")
    assert names(model("Net", default("depth", "2")), function) == ["net18"]
    needy = model("make", need("args"), kind="function", gives="net.Net")
    assert names(model("Net"), needy) == ["net"]


def test_parts_and_losses_are_left_out_with_the_reason() -> None:
    assert names(model("Net"), model("Cell", is_part=True)) == ["net"]
    assert left(
        model("Net"), model("ConvBlock"), model("DiceLoss", examples=(Example((), (), ""),))
    ) == {
        "ConvBlock": "a part, judging by its name",
        "DiceLoss": "a loss or a metric, judging by its name",
    }
    reason = "it requires `backbone`, an object: a hubconf needs plain arguments"
    values = ({"backbone": '"resnet"'},)
    assert left(model("Net", need("backbone"), values=values)) == {"Net": reason}
    assert names(model("ConvNeXt"), model("ConvBN"), model("UpBlock1")) == ["convnext"]
    assert names(model("SSIMNet"), model("L_spa", **at("lib/myloss.py"))) == ["ssimnet"]
    shown = Example((), (), "README.md")
    offered = model("Net", is_part=True, is_exported=True, examples=(shown,))
    assert names(offered, model("Block", is_part=True, is_exported=True, examples=(shown,))) == [
        "net"
    ]


def test_the_only_model_is_proposed_even_if_its_name_is_that_of_a_part() -> None:
    assert names(model("CharConv")) == ["char_conv"]
    assert names(model("CharConv"), model("DiceLoss")) == ["char_conv"]
    assert left(model("CharConv"), model("Reader")) == {"CharConv": "a part, judging by its name"}


def test_exported_models_come_first_and_each_file_has_its_turn() -> None:
    found = (
        model("A1", **at("a.py", 1)),
        model("A2", **at("a.py", 2)),
        model("B", **at("b.py")),
        model("C", **at("deep/c.py", is_exported=True)),
    )
    assert names(*found) == ["c", "a1", "b", "a2"]


@pytest.mark.parametrize(
    ("path", "name", "entrypoint"),
    [
        ("vit.py", "ViT", "vit_2"),
        ("vit_3d.py", "ViT", "vit_3d"),
        ("other.py", "ViT", "other_vit"),
        ("x.py", "U_Net_", "u_net"),
    ],
)
def test_a_name_that_is_taken_is_distinguished_by_the_file(
    path: str, name: str, entrypoint: str
) -> None:
    first = model("ViT", **at("a/first.py", is_exported=True))
    found = names(first, model(name, **at(path)))
    assert found == (["vit", entrypoint] if entrypoint != "vit_2" else ["vit"])


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["nets/attention_unet.py"], "attention_unet"),
        (["nets/attentionunet.py"], "attentionunet"),
        (["nets/models.py", "weights/attention_u_net_v2.pth"], "attention_u_net"),
        (["nets/models.py"], "attention_unet"),
    ],
)
def test_names_are_spelled_as_the_repo_spells_them(files: list[str], name: str) -> None:
    module, *weights = files
    found = ModelDiscovery(
        models=(model("AttentionUNet", **at(module)),),
        weights=tuple(WeightsFile(path=path, size=1) for path in weights),
    )
    assert [one.name for one in propose(found)[0]] == [name]


@pytest.mark.parametrize("name", ["class", "Modèle", "X" * 33, "dependencies"])
def test_invalid_names_are_not_entrypoints(name: str) -> None:
    assert all(
        one.isidentifier() and one not in ("class", "dependencies") for one in names(model(name))
    )


def test_arguments_are_what_can_be_written_down() -> None:
    parameters = (
        need("num_classes"),
        need("width"),
        default("depth", "4*2"),
        default("norm", "nn.BatchNorm2d"),
        default("mode", "'same'", "str"),
        default("size", "None", "int"),
        default("source", "1"),
        default("pretrained", "True"),
        Parameter("args", "var-positional"),
        Parameter("kwargs", "var-keyword"),
    )
    example = Example((("width", "8"), ("depth", "3"), ("extra", '"x"')), ("f32[1,3,8,8]",), "x")
    (one,) = proposed(model("Net", *parameters, examples=(example,)))
    assert [(a.name, a.annotation, a.default) for a in one.arguments] == [
        ("num_classes", "int", ""),
        ("width", "int", "8"),
        ("depth", "int", "8"),
        ("mode", "str", '"same"'),
        ("size", "int | None", "None"),
        ("pretrained", "bool", "False"),
        ("extra", "str", '"x"'),
    ]
    assert one.extra == "kwargs"
    assert one.settings == ("call = { num_classes = 10 }", 'input = "f32[B,3,8,8]"')


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["weights/unet.pth"], "weights/unet.pth"),
        (["checkpoints/unet-0123abcd.pt"], "checkpoints/unet-0123abcd.pt"),
        (["unet_best.pth"], "unet_best.pth"),
        (["unet_large.pth"], None),
        (["unet_coco.pth"], "unet_coco.pth"),
        (["resnet.pth"], None),
        (["best.pth"], None),
        (["checkpoints/unet/last.ckpt"], "checkpoints/unet/last.ckpt"),
        (["unet/checkpoints/epoch=3.ckpt"], None),
        (["checkpoints/unet_large/last.ckpt"], None),
    ],
)
def test_weights_go_to_the_model_whose_name_they_bear(files: list[str], found: str | None) -> None:
    offer = ModelDiscovery(weights=tuple(WeightsFile(path, 1, is_plain=True) for path in files))
    checkpoint = find_checkpoint("unet", ("unet", "unet_large"), offer)
    assert (checkpoint.path if checkpoint else None) == found


def test_the_only_weights_go_to_the_only_model_and_pointers_to_none() -> None:
    plain = WeightsFile("model_best.pth.tar", 1, is_plain=True, key="state_dict")
    checkpoint = find_checkpoint("unet", ("unet",), ModelDiscovery(weights=(plain,)))
    assert checkpoint is not None
    assert (checkpoint.path, checkpoint.key) == ("model_best.pth.tar", "state_dict")
    pointer = WeightsFile("unet.pth", 1, is_plain=True, is_pointer=True)
    pickled = WeightsFile("unet.pt", 1)
    assert find_checkpoint("unet", ("unet",), ModelDiscovery(weights=(pointer, pickled))) is None
    url = find_checkpoint(
        "unet", ("unet",), ModelDiscovery(urls=(("https://x/unet-0123abcd.pth", "r"),))
    )
    assert url is not None
    assert url.has_hash


@pytest.mark.parametrize(("name", "value"), [("pretrained", "False"), ("weights", "None")])
def test_a_model_with_a_weight_switch_gets_no_second_one(name: str, value: str) -> None:
    weights = (WeightsFile("net.pth", 1, is_plain=True),)
    (one,) = proposed(model("Net", default(name, value)), weights=weights)
    assert one.checkpoint is None


LONG = "x" * 40
CASES = {
    "plain": ModelDiscovery(models=(model("Net"), model("net18", kind="function", gives="net.B"))),
    "long": ModelDiscovery(
        models=(
            model(
                "Net" + "y" * 29,
                *(default(f"{LONG}{i}", f'"{LONG}"') for i in range(3)),
                docstring=f"Summary {'of many words ' * 20}.\n\nArgs:\n    {LONG}0: {'text ' * 40}\n",
                **at(f"{'deep/' * 12}module.py"),
            ),
        )
    ),
    "weights": ModelDiscovery(
        models=(model("Net", need("n_classes"), default("progress", "True")), model("Big")),
        weights=(
            WeightsFile(f"{LONG}/{LONG}/big.pth", 1, is_plain=True, key="model", prefix="module."),
        ),
        urls=((f"https://example.org/{LONG}{LONG}/net-0123abcd.pth", "README.md"),),
    ),
    "config": ModelDiscovery(
        models=(
            model("Net", default("width", "1"), config="NetConfig"),
            model("Wide", *(default(f"{LONG}{i}", "1") for i in range(2)), config="WideConfig"),
        )
    ),
    "roots": ModelDiscovery(
        models=(
            model("Net", root="src", **at("pkg/net.py")),
            model("Other", root=f"a/{LONG}/{LONG}", **at("other.py")),
            model("Third", root=f"b/{LONG}/{'y' * 24}", **at("third.py")),
        ),
        weights=(WeightsFile("third.pth", 1, is_plain=True),),
    ),
    "address": ModelDiscovery(
        models=(model("Net"),), urls=((f"https://example.org/{LONG}/net-0123abcd.pth", "x"),)
    ),
    "quotes": ModelDiscovery(
        models=(model("Net"),), weights=(WeightsFile('it\'s "net".pth', 1, is_plain=True),)
    ),
    "same": ModelDiscovery(models=(model("Net", **at("a.py")), model("Net", **at("b.py")))),
    "odd": ModelDiscovery(
        models=(
            model("Net", Parameter("x", "positional-only", default="1"), docstring='"""\\ quoted'),
            model("Kw", Parameter("kw", "var-keyword"), docstring="kw: Does things"),
        )
    ),
    "docs": ModelDiscovery(
        models=(model("Net", docstring="r'''"), model("B", docstring="does it"))
    ),
}


def hubconf(offer: ModelDiscovery) -> str:
    code = write_code(propose(offer)[0], ("torch", *(f"{LONG}{i}" for i in range(3))))
    blocks = [code.imports, code.dependencies, *filter(None, [code.constants])]
    body = "\n\n\n".join(["\n\n".join(blocks), *(one.rstrip("\n") for one in code.functions)])
    return f'"""Entrypoints."""\n\n{body}\n'


def test_code_is_formatted_and_clean_whatever_is_proposed(tmp_path: Path) -> None:
    for name, offer in CASES.items():
        (tmp_path / f"{name}.py").write_text(hubconf(offer), "utf-8")
    assert not ruff("format", "--diff", ".", cwd=tmp_path)
    known = (
        "--config=lint.isort.known-first-party=['net', 'deep', 'a', 'b', 'pkg', 'other', 'third']"
    )
    assert not ruff("check", *PICKY, known, ".", cwd=tmp_path)


def test_weights_are_loaded_in_the_way_that_they_are_kept() -> None:
    text = hubconf(CASES["weights"])
    assert "check_hash=True" in text
    assert 'state = state["model"]' in text
    assert 'prefix = "module."' in text
    switches = "    n_classes: int,\n    pretrained: bool = False,\n    progress: bool = True,\n)"
    assert f"def net(\n{switches} -> _torch.nn.Module:" in text


@given(st.text(max_size=60))
def test_no_name_of_a_file_breaks_the_code_or_gets_into_it(text: str) -> None:
    weights = (WeightsFile(f"net-{text}.pth", 1, is_plain=True),)
    found = ModelDiscovery(models=(model("Net", root=text),), weights=weights)
    tree = ast.parse(hubconf(found))
    assert [one.name for one in tree.body if isinstance(one, ast.FunctionDef)] == ["net"]
    strings = [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)]
    assert text in strings or not text
    assert f"net-{text}.pth" in strings or "_torch.load" not in hubconf(found)


@given(st.text(max_size=200), st.text(max_size=80))
def test_no_docstring_breaks_the_code(docstring: str, described: str) -> None:
    text = f"{docstring}\n\nArgs:\n    width: {described}"
    found = model("Net", default("width", "1"), docstring=text)
    ast.parse(hubconf(ModelDiscovery(models=(found,))))
