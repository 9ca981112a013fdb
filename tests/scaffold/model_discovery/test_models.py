"""Which functions and classes of a repo give modules, and where they are imported from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scaffold.model_discovery.conftest import NN, models, net

if TYPE_CHECKING:
    from tests.scaffold.model_discovery.conftest import ReadModels


def test_classes_are_found_through_hierarchies_and_aliases(read: ReadModels) -> None:
    offer = read(
        **{
            "base.py": f"{NN}{net('Base')}",
            "net.py": f"import torch.nn as N\nimport base\n\n\n{net('Deep', base='base.Base')}"
            f"{net('Flat', base='N.Module')}class Config:\n    pass\n",
        }
    )
    assert [(m.module, m.name, m.kind) for m in offer.models] == [
        ("base", "Base", "class"),
        ("net", "Deep", "class"),
        ("net", "Flat", "class"),
    ]


def test_functions_that_give_modules_are_found_and_others_are_not(read: ReadModels) -> None:
    offer = read(
        **{
            "net.py": f"{NN}{net('Net', 'depth')}"
            "def net8(pretrained=False):\n    model = Net(8)\n    return model\n\n\n"
            "def conv(n):\n    return nn.Conv2d(n, n, 3)\n\n\n"
            "def loss(a, b):\n    return a - b\n\n\n"
            "def _private():\n    return Net(1)\n"
        }
    )
    found = models(offer)
    assert list(found) == ["Net", "net8"]
    assert (found["net8"].kind, found["net8"].gives) == ("function", "net.Net")
    assert [p.name for p in found["net8"].parameters or ()] == ["pretrained"]


def test_what_others_are_built_from_is_a_part_and_what_they_derive_from_is_not(
    read: ReadModels,
) -> None:
    offer = read(
        **{
            "net.py": f"{NN}{net('Block')}{net('Cell')}{net('Base', 'kind')}"
            f"{net('Net', body='self.block = Block()', base='Base')}"
            "def net(deep=True):\n    return Base(Cell)\n\n\n"
            f"{net('Wrapper', 'net: Net', 'assert isinstance(net, Net)')}"
        }
    )
    parts = {name: model.is_part for name, model in models(offer).items()}
    assert parts == {
        "Block": True,
        "Cell": True,
        "Base": False,
        "Net": False,
        "net": False,
        "Wrapper": False,
    }


def test_a_package_that_exports_a_model_is_where_it_comes_from(read: ReadModels) -> None:
    offer = read(
        **{
            "nets/__init__.py": "from .vgg import VGG\nfrom .listed import *\nfrom .open import *\n",
            "nets/vgg.py": f"{NN}{net('VGG')}",
            "nets/listed.py": f"{NN}__all__ = ['Listed']\n{net('Listed')}{net('Other')}",
            "nets/open.py": f"{NN}{net('Open')}",
        }
    )
    found = models(offer)
    assert {name: (m.module, m.is_exported) for name, m in found.items()} == {
        "VGG": ("nets", True),
        "Listed": ("nets", True),
        "Other": ("nets.listed", False),
        "Open": ("nets.open", False),
    }


def test_a_configuration_object_with_defaults_is_taken_apart(read: ReadModels) -> None:
    config = "@dataclass\nclass {name}:\n    width: int = 8\n    bias: bool = {bias}\n\n\n"
    offer = read(
        **{
            "model.py": f"from dataclasses import dataclass\n{NN}"
            f"{config.format(name='NetConfig', bias=True)}{net('Net', 'config')}",
            "other.py": f"from dataclasses import dataclass\n{NN}"
            "@dataclass\nclass Config:\n    width: int\n\n\n"
            f"{net('Other', 'config: Config')}",
        }
    )
    found = models(offer)
    assert found["Net"].config == "NetConfig"
    assert [(p.name, p.default) for p in found["Net"].parameters or ()] == [
        ("width", "8"),
        ("bias", "True"),
    ]
    assert found["Other"].config == ""


def test_parameters_are_described_where_base_classes_do(read: ReadModels) -> None:
    base = net("Base", "width=4, depth=2", '"""x"""').replace(
        "):\n        super",
        '):\n        """Set up.\n\n        Args:\n            width: How wide.\n            depth: How deep.\n        """\n        super',
        1,
    )
    own = 'class Wide(Base):\n    """Wide.\n\n    Args:\n        depth: Its own.\n    """\n\n\n'
    make = "def wide(width=8, depth=3):\n    return Wide(width, depth)\n"
    found = models(
        read(**{"base.py": NN + base, "net.py": f"from base import Base\n\n\n{own}{make}"})
    )
    described = {"width": "How wide.", "depth": "Its own."}
    assert found["Wide"].texts == found["wide"].texts == described


def test_what_building_imports_late_is_reported_and_what_may_never_run_is_not(
    read: ReadModels,
) -> None:
    helpers = (
        "def init(self):\n    import scipy.stats\n    helper()\n\n\n"
        "def helper():\n    try:\n        import apex\n    except ImportError:\n        pass\n"
        "    if True:\n        import flash\n\n\n"
    )
    offer = read(
        **{
            "net.py": f"{NN}{helpers}{net('Net', body='self.setup(); init(self)')}"
            "    def setup(self):\n        import numpy as np, math\n\n"
            "    @classmethod\n    def load(cls):\n        import transformers\n",
        }
    )
    assert set(models(offer)["Net"].late) == {"scipy", "numpy", "math"}


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("train.py", "import argparse\np = argparse.ArgumentParser()\n", "importing it runs"),
        ("run.py", "for i in range(3):\n    train(i)\n", "importing it runs a script (line "),
        ("1-basic/net.py", "", ""),
        ("broken.py", "def (:\n", "it cannot be parsed"),
        ("class.py", "", "its path is not a valid module name"),
        ("my model.py", "", "its path is not a valid module name"),
        ("3d.py", "", "its path is not a valid module name"),
        ("token.py", "", "the standard library has a module `token`"),
    ],
)
def test_files_that_cannot_be_imported_are_named_with_the_reason(
    read: ReadModels, path: str, text: str, why: str
) -> None:
    offer = read(**{path: f"{NN}{net('Net')}{text}", "good.py": f"{NN}{net('Good')}"})
    if why:
        assert list(models(offer)) == ["Good"]
        ((file, reason),) = offer.unread
        assert file == path
        assert why in reason
    else:
        assert models(offer)["Net"].root == "1-basic"


def test_preparations_at_the_top_of_a_module_are_not_a_script(read: ReadModels) -> None:
    text = (
        "import warnings\nwarnings.filterwarnings('ignore')\nfor n in (1, 2):\n    WIDTH = n\n"
        "if __name__ == '__main__':\n    print(Net())\n"
    )
    assert list(models(read(**{"net.py": f"{NN}{net('Net')}{text}"}))) == ["Net"]


def test_tests_documents_and_copies_of_others_hold_no_models(read: ReadModels) -> None:
    folders = ("tests", "docs", "third_party/x", ".hidden", "build/lib", "my/site-packages/x")
    offer = read(**{f"{one}/net.py": f"{NN}{net('Net')}" for one in folders})
    assert offer.models == ()


def test_modules_below_src_or_that_import_each_other_have_that_root(read: ReadModels) -> None:
    offer = read(
        **{
            "src/acme/__init__.py": "",
            "src/acme/net.py": f"{NN}{net('Net')}",
            "code/blocks.py": f"{NN}{net('Block')}",
            "code/model.py": f"{NN}from blocks import Block\n\n\n{net('Model', body='self.b = Block()')}",
            "plain/own.py": f"{NN}{net('Own')}",
        }
    )
    found = models(offer)
    assert (found["Net"].root, found["Net"].module) == ("src", "acme.net")
    assert (found["Model"].root, found["Model"].module) == ("code", "model")
    assert (found["Own"].root, found["Own"].module) == ("", "plain.own")
    assert found["Block"].is_part


def test_an_empty_and_a_hostile_repo_offer_nothing(read: ReadModels) -> None:
    deep = "x = " + "(" * 3000 + ")" * 3000
    loop = "from b import A\n\n\nclass B(A):\n    pass\n"
    offer = read(
        **{"deep.py": deep, "a.py": "from b import *\n", "b.py": "from a import *\n", "c.py": loop}
    )
    assert offer.models == ()
