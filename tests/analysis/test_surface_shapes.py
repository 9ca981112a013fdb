"""Hubconfs of the shapes that published repos have, and what they publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hubkit.facts import Hubconf
    from tests.analysis.conftest import ReadHubconf


def names(hubconf: Hubconf) -> list[str]:
    return [entry.name for entry in hubconf.entrypoints]


def leaked(hubconf: Hubconf) -> set[str]:
    return {leak.name for leak in hubconf.leaks}


def test_modules_and_constants_are_neither(read: ReadHubconf) -> None:
    hubconf = read(
        """
        import models
        from models import net, MODEL_URLS, sizes, lookup as table
        def build(): ...
        """,
        {
            "models/__init__.py": "MODEL_URLS = {}\nsizes = [1]\nlookup = dict(a=1)\n",
            "models/net.py": "",
        },
    )
    assert names(hubconf) == ["build"]
    assert leaked(hubconf) == set()
    assert not hubconf.has_dynamic_names


def test_partials_are_values_with_the_remaining_parameters(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from functools import partial
        from zoo import build
        resnet18 = partial(build, "resnet18", depth=18)
        """,
        {"zoo.py": "def build(name, depth, pretrained=False, **kwargs): ..."},
    )
    (entry,) = hubconf.entrypoints
    assert (entry.name, entry.kind, entry.docstring) == ("resnet18", "value", None)
    assert entry.parameters is not None
    assert [(p.name, p.kind, p.default) for p in entry.parameters] == [
        ("depth", "keyword-only", "18"),
        ("pretrained", "keyword-only", "False"),
        ("kwargs", "var-keyword", None),
    ]
    assert leaked(hubconf) == {"partial", "build"}


def test_factories_aliases_and_lambdas(read: ReadHubconf) -> None:
    hubconf = read(
        '''
        import logging
        def _factory(depth):
            def build(pretrained=False):
                """Built."""
            return build

        net18 = _factory(18)
        net = net18_alias = net18
        small = lambda width=1: None
        logger = logging.getLogger()
        size = len("abc")

        def plain(): ...
        again = plain
        '''
    )
    assert [(entry.name, entry.kind, entry.docstring) for entry in hubconf.entrypoints] == [
        ("net18", "value", "Built."),
        ("net", "value", "Built."),
        ("net18_alias", "value", "Built."),
        ("small", "value", None),
        ("plain", "function", None),
        ("again", "function", None),
    ]


def test_a_helper_that_asks_for_arguments_and_is_called_by_others_leaks(read: ReadHubconf) -> None:
    hubconf = read(
        """
        def create(name): ...
        def small(): return create("small")
        def big(): return small()
        """
    )
    assert names(hubconf) == ["small", "big"]
    assert leaked(hubconf) == {"create"}


def test_what_runs_only_as_a_script_does_not_count(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from zoo import net
        if __name__ == "__main__":
            model = net()
            def check(): ...
            globals()["x"] = check
        """,
        {"zoo.py": "def net(): ..."},
    )
    assert names(hubconf) == ["net"]
    assert not hubconf.has_dynamic_names


def test_the_first_alternative_that_binds_a_name_counts(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from torch import Tensor
        try:
            from zoo.fast import net
        except ImportError:
            net = None
        try:
            from missing import helper
        except ImportError:
            def helper(): ...
        if True:
            from zoo.fast import big
        else:
            from zoo.slow import big
        """,
        {
            "zoo/fast.py": "def net(): ...\ndef big(): ...",
            "zoo/slow.py": "def big(): ...",
        },
    )
    assert {entry.name: entry.via for entry in hubconf.entrypoints} == {
        "net": ("zoo.fast",),
        "big": ("zoo.fast",),
    }


def test_a_parameter_of_the_same_name_is_not_a_use_of_an_import(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from zoo import net, transform
        def other(net):
            transform = net + 1
            return transform
        """,
        {"zoo.py": "def net(): ...\ndef transform(): ..."},
    )
    assert names(hubconf) == ["net", "transform", "other"]


def test_star_imports_bring_what_all_lists(read: ReadHubconf) -> None:
    hubconf = read(
        "from zoo import *",
        {
            "zoo/__init__.py": "from .a import *\nfrom .b import helper\n__all__ = ['net']\n"
            "__all__ += ['Big']\n",
            "zoo/a.py": "def net(): ...\nclass Big: ...\ndef rest(): ...",
            "zoo/b.py": "def helper(): ...",
        },
    )
    assert sorted(names(hubconf)) == ["Big", "net"]
    assert leaked(hubconf) == set()


def test_star_imports_without_all_leak_classes_helpers_and_what_they_imported(
    read: ReadHubconf,
) -> None:
    hubconf = read(
        "from zoo import *",
        {
            "zoo.py": """
            from typing import List
            class Net: ...
            def head(): ...
            def net(): return Net(head())
            """
        },
    )
    assert names(hubconf) == ["net"]
    assert leaked(hubconf) == {"List", "Net", "head"}


def test_functions_registered_with_timm_are_all_that_a_star_brings(read: ReadHubconf) -> None:
    hubconf = read(
        "from models import *",
        {
            "models.py": """
            from functools import partial
            from timm.models.registry import register_model
            class Net: ...
            @register_model
            def tiny(pretrained=False): ...
            """
        },
    )
    assert names(hubconf) == ["tiny"]
    assert leaked(hubconf) == set()


@pytest.mark.parametrize(
    "source",
    [
        "globals()[__name__] = print",
        "globals().update(**names())",
        "import torch\nfor name in dir(torch.nn):\n    locals()[name] = print",
        "import sys\nsetattr(sys.modules[__name__], input(), print)",
        "import sys\nself = sys.modules[__name__]\nsetattr(self, input(), print)",
        "import fill\nfill.fill(globals())",
        "names = globals()\nnames[input()] = print",
        "exec(open('nets.txt').read())",
        "def _register(name):\n    globals()[name] = print",
        "def _register(name):\n    globals()[name] = print\n_register(input())",
        "def _fill(space):\n    if input():\n        space['net'] = len\n_fill(globals())",
        "def _fill(space):\n    for name in input():\n        space[name] = len\n_fill(globals())",
        "if input():\n    globals()['net'] = print",
        "for name in ['a', 'b']:\n    if input():\n        continue\n    globals()[name] = print",
        "from timm.models import *",
        "from own import *",
    ],
)
def test_names_made_at_run_time_open_the_hubconf(read: ReadHubconf, source: str) -> None:
    hubconf = read(source, {"own.py": "globals()[input()] = print"})
    assert hubconf.has_dynamic_names
    assert {place.path for place in hubconf.dynamic_names} == {"hubconf.py"}


def test_reading_globals_opens_nothing(read: ReadHubconf) -> None:
    assert not read("x = globals()['__file__']\ny = dict(**globals())\n").has_dynamic_names


def test_circles_of_reexports_end(read: ReadHubconf) -> None:
    hubconf = read(
        "from a import net, other\nfrom b import *\n",
        {
            "a.py": "from b import net\nfrom b import *\nx = x\n",
            "b.py": "from a import net\nfrom a import *\ndef other(): ...",
        },
    )
    assert "other" in names(hubconf)


def test_a_package_that_imports_its_own_submodule_by_its_own_name(read: ReadHubconf) -> None:
    hubconf = read(
        "from zoo import tools, net",
        {
            "zoo/__init__.py": "from zoo import tools\nfrom zoo.nets import net",
            "zoo/tools.py": "import scipy",
            "zoo/nets.py": "def net(): ...",
        },
    )
    assert names(hubconf) == ["net"]
    assert [found.module for found in hubconf.imports] == ["scipy"]


@pytest.mark.parametrize(
    "put",
    [
        "sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'src'))",
        "sys.path.extend([str(Path(__file__).parent / 'lib'), str(Path(__file__).parent / 'src')])",
        "sys.path += [os.path.join(os.path.dirname(__file__), 'src')]",
        "with _add_to_sys_path(str(Path(__file__).parent / 'src')):",
        "with torch.hub._add_to_sys_path(os.path.dirname(__file__) + '/src'):",
    ],
)
def test_folders_put_on_the_path_are_looked_in(read: ReadHubconf, put: str) -> None:
    then = "\n    " if put.endswith(":") else "\n"
    hubconf = read(
        f"{put}{then}from inner.net import net\n", {"src/inner/net.py": "def net(depth=1): ..."}
    )
    (entry,) = hubconf.entrypoints
    assert entry.definition.path == "src/inner/net.py"
    assert hubconf.imports == ()


def test_folders_that_are_only_named_are_not_looked_in(read: ReadHubconf) -> None:
    hubconf = read(
        "paths = []\npaths += ['src']\nsys.path.remove('src')\nfrom inner.net import net\n",
        {"src/inner/net.py": "def net(depth=1): ..."},
    )
    assert [found.module for found in hubconf.imports] == ["inner.net"]


def test_a_docstring_assigned_later_counts(read: ReadHubconf) -> None:
    hubconf = read("net = lambda: None\nnet.__doc__ = 'A net.'\n")
    assert hubconf.entrypoints[0].docstring == "A net."


def test_functions_that_ask_for_arguments_do_not_come_along_on_purpose(read: ReadHubconf) -> None:
    hubconf = read(
        "from nets import *\n",
        {"nets.py": "def build(size=1): ...\ndef fuse(first, second): ...\n"},
    )
    assert names(hubconf) == ["build"]
    assert leaked(hubconf) == {"fuse"}


def test_where_all_functions_ask_for_arguments_they_are_meant(read: ReadHubconf) -> None:
    hubconf = read(
        "from nets import *\n",
        {"nets.py": "def make(name): ...\ndef make_pyramid(name, levels=3): ...\n"},
    )
    assert names(hubconf) == ["make", "make_pyramid"]


def test_modules_of_setuptools_are_not_entrypoints(read: ReadHubconf) -> None:
    hubconf = read("from setuptools import sandbox\ndef build(): ...\n")
    assert leaked(hubconf) == set()


def test_a_list_that_a_match_changes_is_made_at_run_time(read: ReadHubconf) -> None:
    hubconf = """
        import sys

        def small(): ...
        def large(): ...

        dependencies = ["torch"]
        match sys.platform:
            case "linux":
                dependencies.append("triton")
            case platform:
                pass
    """
    dependencies = read(hubconf).dependencies
    assert dependencies is not None
    assert dependencies.entries is None


def test_an_unused_class_beside_functions_of_the_hubconf_only_leaks(read: ReadHubconf) -> None:
    hubconf = read(
        "from nets import Head, tiny\ndef large(): ...\n",
        {"nets.py": "class Head: ...\ndef tiny(): ...\n"},
    )
    assert names(hubconf) == ["tiny", "large"]
    assert leaked(hubconf) == {"Head"}


def test_a_class_of_a_hubconf_that_only_imports_is_meant(read: ReadHubconf) -> None:
    hubconf = read(
        "from nets import Head, tiny\n", {"nets.py": "class Head: ...\ndef tiny(): ...\n"}
    )
    assert names(hubconf) == ["Head", "tiny"]


def test_a_class_that_the_documents_load_is_meant(read: ReadHubconf) -> None:
    hubconf = read(
        "from nets import Net\ndef large(): ...\n",
        {
            "nets.py": "class Net: ...\n",
            "README.md": "```python\ntorch.hub.load('acme/nets', 'Net')\n```\n",
        },
    )
    assert names(hubconf) == ["Net", "large"]


def test_transforms_and_datasets_of_libraries_are_not_entrypoints(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from torchvision.datasets import MNIST
        from torchvision.models import resnet18
        from torchvision.transforms import ToTensor
        """
    )
    assert names(hubconf) == ["resnet18"]
    assert leaked(hubconf) == {"MNIST", "ToTensor"}
