from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hubkit.facts import Returns
    from tests.analysis.conftest import ReadHubconf

ZOO = """
import collections
import torch
from torch import nn
from elsewhere import Outside

class Base(nn.Module): ...
class Net(Base):
    @classmethod
    def from_name(cls, name):
        model = cls()
        return model
    def as_sequential(self):
        return nn.Sequential()
class Config(dict): ...
class Maybe(Outside): ...
class Strange:
    def __new__(cls): return Net()

def build(): return Net()
def pair(): return Net(), Config()
def loop(): return loop()
"""


def returns(read: ReadHubconf, body: str, decorator: str = "") -> Returns:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    source = f"import torch\nimport zoo as _zoo\nfrom torch import nn\n{decorator}\ndef net(flag=True, given=None):\n{lines}\n"
    hubconf = read(source, {"zoo.py": ZOO})
    (entry,) = (entry for entry in hubconf.entrypoints if entry.name == "net")
    return entry.returns


@pytest.mark.parametrize(
    "body",
    [
        "return _zoo.Net()",
        "model = _zoo.Net()\nmodel.load_state_dict({})\nreturn model",
        "model = _zoo.Net()\nif flag:\n    model = model.eval()\nreturn model.to('cpu')",
        "from zoo import Net\nreturn Net()",
        "return _zoo.build()",
        "return _zoo.Net() if flag else nn.Identity()",
        "if flag:\n    return _zoo.build()\nreturn _zoo.Net()",
        "return _zoo.Net.from_name('a')",
        "model = _zoo.Net()\nmodel = model.as_sequential()\nreturn model",
        "return nn.Sequential(nn.Linear(1, 1))",
        "return (_zoo.Net()).cuda().eval()",
        "table = {'a': _zoo.Net, 'b': _zoo.build}\nreturn table[given]()",
        "class Local(nn.Module): ...\nreturn Local()",
        "import torchvision\nreturn torchvision.models.resnet18()",
    ],
)
def test_modules(read: ReadHubconf, body: str) -> None:
    assert returns(read, body).shape == "module"


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("return _zoo.Net(), 1", "a tuple of 2"),
        ("return [_zoo.Net()]", "a list"),
        ("return {'a': _zoo.Net()}", "a dict"),
        ("return None", "None"),
        ("return", "None"),
        ("print(flag)", "None"),
        ("return 'text'", "a string"),
        ("return f'{flag}'", "a formatted string"),
        ("return _zoo.Config()", "zoo.Config"),
        ("return _zoo.pair()", "a tuple of 2"),
        ("model, extra = _zoo.pair()\nresult = (model, extra)\nreturn result", "a tuple of 2"),
        ("yield _zoo.Net()", "a generator"),
        ("return _zoo.Net", "a class"),
        ("return _zoo.build", "a function"),
        ("return lambda: _zoo.Net()", "a lambda"),
        ("return dict(a=1)", "a dict"),
    ],
)
def test_what_cannot_be_a_module(read: ReadHubconf, body: str, description: str) -> None:
    found = returns(read, body)
    assert (found.shape, found.description) == ("other", description)
    assert found.location is not None
    assert found.location.path == "hubconf.py"


@pytest.mark.parametrize(
    "body",
    [
        "return given",
        "return _zoo.Maybe()",
        "return _zoo.Strange()",
        "return _zoo.loop()",
        "return torch.load('x')",
        "return _zoo.Net() if flag else (1, 2)",
        "if flag:\n    return 1, 2\nreturn _zoo.build()",
        "model = given()\nreturn model",
        "for model in given:\n    pass\nreturn model",
        "raise NotImplementedError",
        "model = 1\nwith given as model:\n    return model",
        "return given.build()",
        "return _zoo.missing()",
        "return torch.hub.load('a/b', 'c')",
        "model = model.eval()\nreturn model",
    ],
)
def test_what_source_does_not_tell(read: ReadHubconf, body: str) -> None:
    assert returns(read, body).shape == "unknown"


def test_branches_that_differ_are_named(read: ReadHubconf) -> None:
    found = returns(read, "if flag:\n    return _zoo.Net(), 1\nreturn _zoo.Net()")
    assert found.description == "a tuple of 2 or zoo.Net"


def test_an_unknown_decorator_may_change_what_comes_back(read: ReadHubconf) -> None:
    assert returns(read, "return 1, 2", "@given.wrap").shape == "unknown"
    assert returns(read, "return 1, 2", "@torch.no_grad()").shape == "other"


def test_the_annotation_is_believed_for_modules_only(read: ReadHubconf) -> None:
    source = "from torch import nn\ndef net(f) -> 'nn.Module': return f()\ndef pair(f) -> tuple: return f()"
    assert [entry.returns.shape for entry in read(source).entrypoints] == ["module", "unknown"]


def test_a_coroutine_and_a_class_and_a_partial(read: ReadHubconf) -> None:
    hubconf = read(
        """
        from functools import partial as _partial
        from torch import nn
        async def late(): return nn.Linear(1, 1)
        class Net(nn.Module): ...
        class Tool: ...
        def _build(depth): return nn.Linear(depth, 1)
        net18 = _partial(_build, 18)
        """
    )
    shapes = {entry.name: entry.returns.shape for entry in hubconf.entrypoints}
    assert shapes == {"late": "other", "Net": "module", "Tool": "other", "net18": "module"}


CHAIN = """
import torch

def end(): return torch.nn.Linear(1, 1)
""" + "".join(
    f"def link_{at}(): return {'end' if at == 0 else f'link_{at - 1}'}()\n" for at in range(12)
)


def shapes(read: ReadHubconf, names: list[str]) -> dict[str, str]:
    listed = f"__all__ = {names!r}\n"
    head, *functions = CHAIN.split("def ")
    ordered = [one for name in names for one in functions if one.startswith(f"{name}(")]
    text = head + "".join(f"def {one}" for one in ordered) + listed
    return {one.name: one.returns.shape for one in read(text).entrypoints}


def test_the_order_of_entrypoints_changes_nothing(read: ReadHubconf) -> None:
    names = ["end", *(f"link_{at}" for at in range(12))]
    forward, backward = shapes(read, names), shapes(read, names[::-1])
    assert forward == backward
    assert forward["end"] == forward["link_3"] == "module"
    # Nothing follows calls without end; where it stops does not depend on what was read before.
    assert forward["link_11"] == "unknown"


def test_a_circle_is_the_same_from_all_sides(read: ReadHubconf) -> None:
    first = "def first(n): return second(n) if n else Net()\n"
    second = "def second(n): return first(n) if n else Net()\n"
    head = "import torch\nclass Net(torch.nn.Module):\n    pass\n__all__ = ['first', 'second']\n"
    one = {e.name: e.returns.shape for e in read(head + first + second).entrypoints}
    other = {e.name: e.returns.shape for e in read(head + second + first).entrypoints}
    assert one == other
