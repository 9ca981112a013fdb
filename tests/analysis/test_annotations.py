"""Types of entrypoints that code outside the repo can write."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import read_repo, read_types, require_hubconf

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.facts import EntrypointTypes

HEAD = """
import enum, os, pathlib, typing
import typing as t
import torch
import numpy as np
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Dict, List, Literal, Optional, Tuple, Type, TypeVar, Union
from torch import nn, Tensor
from torchvision.models import ResNet as Res
from parts import Net, Config, Mode, Text, Size, SIZES
T = TypeVar("T")
Pair = Tuple[int, "Tensor"]
Loop = "Optional[Loop]"
"""
PARTS = """
import enum
from torch import nn
class Net(nn.Sequential):
    pass
class Config:
    pass
class Mode(enum.Enum):
    FAST = 1
    SMALL = enum.auto()
def find(name):
    return Mode[name]
class Text(str, enum.Enum):
    A = "a"
    B = "b"
class Size(enum.Enum):
    ONE = "one"
SIZES = {"s": 1, "m": 2}
"""


def types_of(tmp_path: Path, source: str, name: str = "net") -> EntrypointTypes:
    (tmp_path / "hubconf.py").write_text(HEAD + dedent(source))
    (tmp_path / "parts.py").write_text(PARTS)
    facts = read_repo(tmp_path)
    return read_types(facts.files, require_hubconf(facts))[name]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("bool", "bool"),
        ("'int'", "int"),
        ("None", "None"),
        ("Optional[int]", "int | None"),
        ("None | int", "int | None"),
        ("Union[int, str, None, int]", "int | str | None"),
        ("t.Optional['Tensor']", "torch.Tensor | None"),
        ("torch.device | str", "torch.device | str"),
        ("List", "list[Any]"),
        ("dict", "dict[Any, Any]"),
        ("tuple", "tuple[Any, ...]"),
        ("Tuple[()]", "tuple[()]"),
        ("Tuple[int, ...]", "tuple[int, ...]"),
        ("tuple[int, Tensor]", "tuple[int, torch.Tensor]"),
        ("Dict[str, List[int]]", "dict[str, list[int]]"),
        ("dict[str]", "dict[Any, Any]"),
        ("OrderedDict[str, Tensor]", "collections.OrderedDict[str, torch.Tensor]"),
        ("Sequence[Net]", "collections.abc.Sequence[torch.nn.Module]"),
        ("typing.Sequence", "collections.abc.Sequence[Any]"),
        ("Type[nn.Module]", "type[torch.nn.Module]"),
        ("Callable", "collections.abc.Callable[..., Any]"),
        ("Callable[..., nn.Module]", "collections.abc.Callable[..., torch.nn.Module]"),
        ("Callable[[int, Config], T]", "collections.abc.Callable[[int, Any], Any]"),
        ("Literal['a', 2, None]", 'Literal["a", 2] | None'),
        ("Literal[SIZES]", "Any"),
        ("Annotated[int, 'x']", "int"),
        ("Path", "pathlib.Path"),
        ("os.PathLike", "os.PathLike[Any]"),
        ("Pair", "tuple[int, torch.Tensor]"),
        ("Net", "torch.nn.Module"),
        ("Res", "torch.nn.Module"),
        ("nn.Linear", "torch.nn.Module"),
        ("Config", "Any"),
        ("np.ndarray", "Any"),
        ("missing.Name", "Any"),
        ("f(x)", "Any"),
        ("'not ( python'", "Any"),
        ("Loop", "Any | None"),
        ("Mode", "Any"),
        ("Union[Mode, str]", 'Literal["FAST", "SMALL"] | str | Any'),
        ("Text | str", 'Literal["a", "b"] | str | Any'),
        ("Size | str", "str | Any"),
    ],
)
def test_an_annotation_is_kept_as_far_as_others_can_write_it(
    tmp_path: Path, annotation: str, expected: str
) -> None:
    found = types_of(tmp_path, f"def net(x: {annotation}): return nn.Linear(1, 1)")
    assert found.parameters == {"x": expected}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert size in SIZES", 'Literal["s", "m"]'),
        ("assert size in SIZES.keys(), size", 'Literal["s", "m"]'),
        ("if size not in ('s', 'm'):\n        raise ValueError(size)", 'Literal["s", "m"]'),
        ("'''Doc.'''\n    assert size in ['s']", 'Literal["s"]'),
        ("assert size in (1, 's')", "str"),
        ("size = size or 's'\n    assert size in SIZES", "str"),
        ("if size not in SIZES:\n        size = 's'", "str"),
        ("assert size in ()", "str"),
    ],
)
def test_strings_that_a_function_requires_are_its_choices(
    tmp_path: Path, source: str, expected: str
) -> None:
    found = types_of(tmp_path, f"def net(size: str):\n    {source}\n    return nn.Linear(1, 1)\n")
    assert found.parameters == {"size": expected}


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ("bool", "bool"),
        ("bool, optional", "bool"),
        ("string", "str"),
        ("int or float", "int | float"),
        ("torch.device | str | None", "torch.device | str | None"),
        ("list of str", "Any"),
        ("Config", "Any"),
    ],
)
def test_without_an_annotation_a_docstring_counts(
    tmp_path: Path, described: str, expected: str
) -> None:
    source = f'def net(x):\n    """A net.\n\n    Args:\n        x ({described}): X.\n    """\n'
    assert types_of(tmp_path, f"{source}    return 1").parameters == {"x": expected}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def net(): return Net()", "torch.nn.Module"),
        ("def net(): return Net(), len, (nn.Linear(1, 1), 'x')", None),
        ("def net(a):\n if a: return Net(), 1\n return nn.ReLU(), f(2)", "tuple[torch.nn.Module, Any]"),
        ("def net(a):\n if a: return Net(), 1\n return nn.ReLU(),", "Any"),
        ("def net() -> Optional[Tensor]: return unknown()", "torch.Tensor | None"),
        ("def net() -> Tuple[Net, int]: return unknown()", "tuple[torch.nn.Module, int]"),
        ("def net() -> int: return Net()", "torch.nn.Module"),
        ("def net(): return {'a': 1}", "dict[Any, Any]"),
        ("def net(): return unknown()", "Any"),
        ("def net():\n  '''N.\n\n  Returns:\n    nn.Module: N.\n  '''\n  return unknown()", "torch.nn.Module"),
        ("class net(nn.Module):\n def __init__(self, a: int): pass", "torch.nn.Module"),
        ("class net:\n def __init__(self) -> None: pass", "Any"),
        ("def _make(a: int): return Net()\nimport functools\nnet = functools.partial(_make, a=1)", "torch.nn.Module"),
        ("net = lambda x: Net()", "Any"),
    ],
)  # fmt: skip
def test_the_result(tmp_path: Path, source: str, expected: str | None) -> None:
    nested = "tuple[torch.nn.Module, Any, tuple[torch.nn.Module, str]]"
    assert types_of(tmp_path, source).returns == (expected or nested)
