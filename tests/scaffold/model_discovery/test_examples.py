"""How a repo builds its own models, read from its documents and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import write_literal
from hubkit.scaffold.proposals import find_arguments
from tests.scaffold.model_discovery.conftest import NN, models, net

if TYPE_CHECKING:
    from tests.scaffold.model_discovery.conftest import ReadModels

NET = f"{NN}{net('Net', 'size, depth=2')}"


def readme(code: str) -> str:
    return f"# Nets\n\n```python\n{code}\n```\n"


def test_a_readme_shows_arguments_and_input(read: ReadModels) -> None:
    code = (
        "v = Net(\n    size = 32 * 8,\n    depth = 6\n)\nx = torch.randn(1, 3, 256, 256)\ny = v(x)"
    )
    offer = read(**{"net.py": NET, "README.md": readme(code)})
    example = models(offer)["Net"].example
    assert example is not None
    assert example.arguments == (("size", "256"), ("depth", "6"))
    assert example.inputs == ("f32[1,3,256,256]",)
    assert example.path == "README.md"


@pytest.mark.parametrize(
    ("code", "inputs"),
    [
        ("m = Net(1)\nm(torch.randint(0, 20000, (1, 64)))", ("i64[1,64] < 20000",)),
        ("m = Net(1).eval()\nm(torch.zeros((2, 3)), torch.ones(2, 4))", ("f32[2,3]", "f32[2,4]")),
        ("m = Net(1)\nx = Variable(torch.rand(1, 8)).cuda()\nm(x)", ("f32[1,8]",)),
        ("Net(1)(torch.FloatTensor(1, 8))", ("f32[1,8]",)),
        ("m = Net(1)\nm(load('cat.png'))", ()),
        ("m = Net(1)\nx = torch.randn(n, 3)\nm(x)", ()),
        ("m = Net(1)\nm(torch.randn(4096, 4096, 4096))", ()),
        ("m = Net(1)\nm(torch.zeros(2, dtype=torch.long))", ()),
    ],
)
def test_inputs_are_read_where_they_are_spelled_out(
    read: ReadModels, code: str, inputs: tuple[str, ...]
) -> None:
    example = models(read(**{"net.py": NET, "README.md": readme(code)}))["Net"].example
    assert example is not None
    assert example.inputs == inputs


@pytest.mark.parametrize(
    "code", ["Net()", "Net(size)", "Net(*args)", "Net(1, **more)", "Net(1, 2, 3)"]
)
def test_a_call_that_does_not_spell_out_what_is_needed_is_not_an_example(
    read: ReadModels, code: str
) -> None:
    assert models(read(**{"net.py": NET, "README.md": readme(code)}))["Net"].example is None


def test_the_modules_own_script_comes_before_other_files(read: ReadModels) -> None:
    script = "if __name__ == '__main__':\n    n = Net(7)\n    n(torch.rand(2, 3))\n"
    train = "from net import Net\nNet(5)\n"
    offer = read(**{"net.py": f"{NET}{script}", "train.py": train, "README.md": readme("Net(1)")})
    example = models(offer)["Net"].example
    assert example is not None
    assert (example.arguments, example.path) == ((("size", "7"),), "net.py")


def test_a_call_of_another_model_of_that_name_is_not_an_example(read: ReadModels) -> None:
    offer = read(
        **{
            "nets/__init__.py": "",
            "nets/a.py": NET,
            "nets/b.py": NET,
            "other.py": "Net(9)\n",
            "README.md": readme("from nets.b import Net\nNet(4)"),
        }
    )
    examples = {model.module: model.example for model in offer.models}
    assert examples["nets.a"] is None
    assert examples["nets.b"] is not None
    assert examples["nets.b"].arguments == (("size", "4"),)


def test_keyword_arguments_of_a_double_star_count(read: ReadModels) -> None:
    source = f"{NN}{net('Net', '**kwargs', 'self.n = kwargs')}"
    example = models(read(**{"net.py": source, "README.md": readme("Net(dim=3)")}))["Net"].example
    assert example is not None
    assert example.arguments == (("dim", "3"),)


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("'relu'", '"relu"'),
        ("'say \"x\"'", "'say \"x\"'"),
        ("( 1,2 )", "(1, 2)"),
        ("(1,)", "(1,)"),
        ("[1, 'a', None]", '[1, "a", None]'),
        ("64*4", "256"),
        ("-1.", "-1.0"),
        ("True", "True"),
        ("nn.ReLU", ""),
        ("dict()", ""),
        ("{}", ""),
        ("1e999", ""),
        ("9" * 70, ""),
        ("9**9**9", ""),
        ("f(", ""),
    ],
)
def test_literals_are_written_as_formatters_write_them(source: str, written: str) -> None:
    assert write_literal(source) == written


def test_a_document_may_import_from_the_package_that_exports_the_model(read: ReadModels) -> None:
    offer = read(
        **{
            "nets/__init__.py": "from nets.deep import Net\n",
            "nets/deep.py": NET,
            "README.md": readme("from nets import Net\nNet(4)"),
        }
    )
    example = models(offer)["Net"].example
    assert example is not None
    assert example.arguments == (("size", "4"),)


def test_a_call_by_another_name_is_an_example(read: ReadModels) -> None:
    text = "def main(args):\n    from net import Net as make\n\n    return make(args.size)\n"
    offer = read(**{"net.py": NN + net("Net", "size"), "run.py": text, "c.yaml": "size: 4\n"})
    (example,) = models(offer)["Net"].examples
    assert example.arguments == (("size", "4"),)


def test_known_arguments_of_a_call_count_without_the_rest(read: ReadModels) -> None:
    text = "def main(data):\n    from net import Net\n\n    return Net(data.shape[1], 16)\n"
    model = models(read(**{"net.py": NN + net("Net", "features, hidden"), "run.py": text}))["Net"]
    assert model.example is None
    assert [one.arguments for one in model.examples] == [(("hidden", "16"),)]
    arguments = find_arguments(model)
    assert not isinstance(arguments, str)
    assert {one.name: one.default for one in arguments} == {"features": "", "hidden": "16"}
