from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.facts import Hubconf, Parameter

if TYPE_CHECKING:
    from tests.analysis.conftest import ReadHubconf


def names(hubconf: Hubconf) -> list[str]:
    return [entry.name for entry in hubconf.entrypoints]


def leaks(hubconf: Hubconf) -> dict[str, str]:
    return {leak.name: leak.origin for leak in hubconf.leaks}


def test_functions_and_classes_defined_in_the_hubconf_are_entrypoints(read: ReadHubconf) -> None:
    hubconf = read(
        """
        def unet(pretrained=False): ...
        class Loss: ...
        def _hidden(): ...
        THRESHOLD = 0.5
        names = ["a"]
        """
    )
    assert [(entry.name, entry.kind) for entry in hubconf.entrypoints] == [
        ("unet", "function"),
        ("Loss", "class"),
    ]
    assert leaks(hubconf) == {}


def test_an_import_that_the_hubconf_uses_leaks_and_one_it_does_not_is_published(
    read: ReadHubconf,
) -> None:
    hubconf = read(
        """
        from models.net import Net, resnet
        from models.other import other as _other

        def net():
            return Net()
        """,
        {
            "models/net.py": "class Net: ...\ndef resnet(): ...",
            "models/other.py": "def other(): ...",
        },
    )
    assert names(hubconf) == ["resnet", "net"]
    assert leaks(hubconf) == {"Net": "a class of models.net"}


def test_helpers_of_torch_typing_and_the_standard_library_leak(read: ReadHubconf) -> None:
    hubconf = read(
        """
        import torch
        from functools import partial
        from pathlib import Path
        from typing import Any
        from torch.hub import load_state_dict_from_url
        from torch import nn
        from urllib import request
        from math import pi

        def net(): ...
        """
    )
    assert names(hubconf) == ["net"]
    assert leaks(hubconf) == {
        "partial": "functools",
        "Path": "pathlib",
        "Any": "typing",
        "load_state_dict_from_url": "torch.hub",
    }


def test_a_facade_over_an_installed_package_publishes_what_it_imports(read: ReadHubconf) -> None:
    hubconf = read("from somewhere.models import net, Big\nfrom somewhere import MODEL_URLS\n")
    assert [(entry.name, entry.kind) for entry in hubconf.entrypoints] == [
        ("net", "function"),
        ("Big", "class"),
    ]
    assert hubconf.entrypoints[0].parameters is None


def test_all_decides_when_its_names_exist(read: ReadHubconf) -> None:
    source = "__all__ = {}\ndef net(): ...\ndef helper(): ...\n"
    listed = read(source.format('["net"]'))
    assert names(listed) == ["net"]
    assert leaks(listed) == {"helper": "a function of the hubconf"}
    assert names(read(source.format('["nothing_here"]'))) == ["net", "helper"]


def test_reexports_are_followed_to_their_definition(read: ReadHubconf) -> None:
    hubconf = read(
        "from pkg import build",
        {
            "pkg/__init__.py": "from .factory import make as build",
            "pkg/factory.py": "from pkg.deep.net import *",
            "pkg/deep/net.py": 'def make(depth: int = 18):\n    """Make it."""\n',
        },
    )
    (entry,) = hubconf.entrypoints
    assert entry.via == ("pkg", "pkg.factory", "pkg.deep.net")
    assert entry.parameters == (Parameter("depth", "positional", "18", "int"),)
    assert entry.docstring == "Make it."
    assert (entry.location.path, entry.definition.path) == ("hubconf.py", "pkg/deep/net.py")
    assert (entry.definition.line, entry.definition.column) == (1, 5)


def test_a_class_that_the_hubconf_builds_is_a_helper(read: ReadHubconf) -> None:
    hubconf = read("""
        class Wrapper:
            def __init__(self, net):
                super(Wrapper, self).__init__()
                self.net = net

        class Net:
            def copy(self):
                return Net()

        def wrapped():
            return Wrapper(1)
    """)
    assert [one.name for one in hubconf.entrypoints] == ["Net", "wrapped"]
    assert [one.name for one in hubconf.leaks] == ["Wrapper"]


def test_names_that_documents_load_are_entrypoints(read: ReadHubconf) -> None:
    readme = 'torch.hub.load("a/b", "net")\ntorch.hub.load("a/b", "Helper")\n'
    other = 'torch.hub.load("c/d", "tidy")\ntorch.hub.load("a/b", "partial")\n'
    hubconf = read(
        "from functools import partial\nfrom zoo import Helper, tidy\n"
        "def net():\n    return partial(Helper, tidy(1))",
        {
            "zoo.py": "class Helper: pass\ndef tidy(x): pass",
            "README.md": readme,
            "docs/a.md": other,
        },
    )
    assert [one.name for one in hubconf.entrypoints] == ["Helper", "net"]
    assert {one.name for one in hubconf.leaks} == {"partial", "tidy"}
