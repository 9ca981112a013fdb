"""The values of expressions, with and without known variables."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis.modules import SourceFile, SourceTree, read_source
from hubkit.analysis.resolve import Resolver
from hubkit.analysis.scope import read_scope
from hubkit.analysis.values import UNKNOWN, find_path, find_value, find_values
from hubkit.source.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

    from hubkit.analysis.scope import Scope

SOURCE = """\
import os
from pathlib import Path as _Path
SIZES = {"small": 1, "large": 4}
URLS = {"small": "s-4f1c09ab.pth", "large": "l-0d3e5a17.pth"}
FILLED = []
FLAG = True
HERE = _Path(__file__).parent

def net(size):
    if size:
        name = "a"
    else:
        name = "b"
    again = "x"
    again += size
"""


@pytest.fixture
def place(tmp_path: Path) -> tuple[Resolver, Scope]:
    (tmp_path / "hubconf.py").write_text(SOURCE)
    files = Folder(tmp_path)
    file = read_source(files, "hubconf.py", module="hubconf")
    assert isinstance(file, SourceFile)
    scope, resolver = read_scope(file), Resolver(SourceTree(files))
    resolver.tree.add(scope)
    function = file.tree.body[-1]
    assert isinstance(function, ast.FunctionDef)
    return resolver, resolver.inside(scope, function).scope


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("URLS['small']", {"s-4f1c09ab.pth"}),
        ("URLS[size]", {"s-4f1c09ab.pth", "l-0d3e5a17.pth"}),
        ("URLS.get(size, 'd')", {"s-4f1c09ab.pth", "l-0d3e5a17.pth", "d"}),
        ("URLS.get('large', 'd')", {"l-0d3e5a17.pth"}),
        ("f'{name}.pth'", {"a.pth", "b.pth"}),
        ("'%s-%d' % (name, 3)", {"a-3", "b-3"}),
        ("'{}/{n}'.format('w', n=name)", {"w/a", "w/b"}),
        ("'a' if size else 'b'", {"a", "b"}),
        ("'a' if FLAG else 'b'", {"a"}),
        ("os.path.join('w', name)", {"w/a", "w/b"}),
        ("_Path('w') / name", {"w/a", "w/b"}),
        ("_Path.cwd() / 'w'", {"./w"}),
        ("'' or 'x'", {"x"}),
        ("FLAG and 'x'", {"x"}),
        ("size or 'x'", set()),
        ("again", set()),
        ("1 + 2", {3}),
        ("'net' + str(2 * 3)", {"net6"}),
        ("'Net-B0'.lower().replace('-', '_')", {"net_b0"}),
        ("name.upper(1)", set()),
        ("3 % 2", set()),
        ("URLS['none']", set()),
        ("'x' in FILLED", set()),
    ],
)
def test_an_expression_has_the_values_of_all_ways_through_it(
    place: tuple[Resolver, Scope], expression: str, expected: set[str | int]
) -> None:
    node = ast.parse(expression, mode="eval").body
    assert set(find_values(*place, node)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("HERE / 'w.pth'", "w.pth"),
        ("HERE", "."),
        ("HERE.parent / 'w.pth'", None),
        ("str(HERE) + 'w.pth'", None),
        ("'w.pth'", None),
    ],
)
def test_a_path_below_the_file_is_one_from_the_root(
    place: tuple[Resolver, Scope], expression: str, expected: str | None
) -> None:
    assert find_path(*place, ast.parse(expression, mode="eval").body) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("known", 4),
        ("known in (1, 4)", True),
        ("known not in (1, 4)", False),
        ("text in SIZES", True),
        ("'arg' in text", True),
        ("known in text", UNKNOWN),
        ("other in (1, 4)", UNKNOWN),
        ("text in FILLED", UNKNOWN),
        ("other or True", True),
        ("other and False", False),
        ("other or False", UNKNOWN),
        ("FLAG", True),
        ("'a' if known == 4 else 'b'", "a"),
    ],
)
def test_known_variables_decide(
    place: tuple[Resolver, Scope], expression: str, expected: object
) -> None:
    node = ast.parse(expression, mode="eval").body
    found = find_value(*place, node, {"known": 4, "text": "large", "other": UNKNOWN})
    assert (type(found), found) == (type(expected), expected)
