"""Sources made to make a reader crash, hang or eat memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubkit import limits
from hubkit.analysis import read_card, read_docstring, read_repo
from hubkit.analysis.modules import SourceTree, count_marks
from hubkit.facts import RepoFacts
from hubkit.source.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path

MANY = range(40)
HOSTILE = {
    "lists that double": "\n".join(
        ["a0 = ['x']", *(f"a{n + 1} = a{n} + a{n}" for n in MANY), "dependencies = a40"]
    ),
    "empty lists that double": "\n".join(
        ["a0 = []", *(f"a{n + 1} = a{n} + a{n}" for n in MANY), "dependencies = a40"]
    ),
    "empty strings that double": "\n".join(
        [
            "import torch",
            "a0 = ''",
            *(f"a{n + 1} = a{n} + a{n}" for n in MANY),
            "def net(): return torch.hub.load_state_dict_from_url(a20)",
        ]
    ),
    "returns that fan out": "\n".join(
        [
            "def f0(): return 1",
            *(f"def f{n + 1}(): return f{n}() if x else f{n}()" for n in MANY),
        ]
    ),
    "values that fan out": "\n".join(
        [
            "v0 = 1",
            *(f"v{n + 1} = v{n} if x else v{n}" for n in MANY),
            "def net(): return v40",
        ]
    ),
    "values in a circle": "a = b if x else a\nb = a if x else b\ndef net(): return a\n",
    "classes in a circle": "class A(B): ...\nclass B(A): ...\nclass C(C): ...\n",
    "classes that fan out": "\n".join(
        [
            "class A0: ...\nclass B0: ...",
            *(f"class A{n + 1}(A{n}, B{n}): ...\nclass B{n + 1}(A{n}, B{n}): ..." for n in MANY),
            "def net(): return A40()",
        ]
    ),
    "imports of itself": "from hubconf import *\nimport hubconf\nfrom . import hubconf as x\n",
    "imports above the root": "from .... import x\nfrom .....y import z\nfrom . import w\n",
    "a long elif": "if a:\n    x = 1\n" + "".join(f"elif a{n}:\n    x = 1\n" for n in range(150)),
    "a long chain of calls": "def net(): return x" + ".eval()" * 300,
    "a list made item by item": "dependencies = []\n" + "dependencies.append('x')\n" * 30_000,
    "a list that grows": "dependencies = []\n" + "dependencies += ['x']\n" * 20_000,
    "a long concatenation": "dependencies = " + " + ".join(["['x']"] * 300),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sources_are_read_to_the_end(tmp_path: Path, name: str) -> None:
    (tmp_path / "hubconf.py").write_text(HOSTILE[name], encoding="utf-8")
    assert read_repo(tmp_path).hubconf is not None


def test_more_code_than_a_person_writes_is_not_parsed(tmp_path: Path) -> None:
    most = limits.SOURCE_MARKS.most
    (tmp_path / "hubconf.py").write_text("dependencies = []\nimport net\nfrom net import f\n")
    (tmp_path / "net.py").write_text("def f(): return 1\n" + "x\n" * most)
    facts = read_repo(tmp_path)
    assert facts.hubconf is not None
    (tmp_path / "hubconf.py").write_text("x\n" * (most + 1))
    problem = read_repo(tmp_path).problem
    assert problem is not None
    assert "more code" in problem.message


def test_the_code_of_all_modules_is_bounded(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(9)]
    for name in names:
        (tmp_path / f"{name}.py").write_text("x\n" * 1000)
    tree = SourceTree(Folder(tmp_path))
    tree._left = 5500
    assert sum(tree.scope(name) is not None for name in names) == 5


def test_prose_of_any_language_is_not_code() -> None:
    assert count_marks("# \u4e2d\u6587 words\n".encode()) == 2


def test_front_matter_on_one_line_takes_little_memory() -> None:
    text = "---\n{" + "".join(f"a{number}: 1, " for number in range(3000)) + "}\n---\n"
    tracemalloc.start()
    try:
        card = read_card(text, "a.md")
        assert card is not None
        assert len(card.fields) == 3000
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()


def test_packages_that_star_import_one_another_crosswise(tmp_path: Path) -> None:
    for n in range(30):
        stars = f"from a{n + 1} import *\nfrom b{n + 1} import *\nfrom a{max(n - 1, 0)} import *\n"
        (tmp_path / f"a{n}.py").write_text(stars, encoding="utf-8")
        (tmp_path / f"b{n}.py").write_text(stars, encoding="utf-8")
    (tmp_path / "a30.py").write_text("def net(): ...\n", encoding="utf-8")
    (tmp_path / "hubconf.py").write_text("from a0 import *\nfrom a0 import lost\n", "utf-8")
    hubconf = read_repo(tmp_path).hubconf
    assert hubconf is not None
    assert "net" in {entry.name for entry in hubconf.entrypoints}


@settings(max_examples=60)
@given(source=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes_give_facts_or_a_problem(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "hubconf.py").write_bytes(source)
    facts = read_repo(tmp_path)
    assert isinstance(facts, RepoFacts)
    assert (facts.hubconf is None) != (facts.problem is None)


WORDS = st.sampled_from(
    [
        *("def net(x=1):", "class A(B):", "from a import *", "from a import b as c", "import a.b"),
        *("return A()", "dependencies = ['x']", "__all__ = ['net']", "globals()['x'] = 1"),
        *("try:", "except ImportError:", "if x:", "else:", "x = y", "y = x", "@x", "pass"),
        *("for x in y:", "with x as y:", "del x", "x, *y = z", "match x:", "case 1:", "yield x"),
    ]
)


@settings(max_examples=150)
@given(lines=st.lists(st.tuples(st.integers(0, 2), WORDS), max_size=12))
def test_any_statements_give_facts_or_a_problem(
    tmp_path: Path, lines: list[tuple[int, str]]
) -> None:
    source = "\n".join("    " * indent + line for indent, line in lines)
    for name in ("hubconf.py", "a.py"):
        (tmp_path / name).write_text(source, encoding="utf-8")
    facts = read_repo(tmp_path)
    assert (facts.hubconf is None) != (facts.problem is None)


@settings(max_examples=60)
@given(text=st.text(max_size=300) | st.lists(st.sampled_from(
    ["Args:", "    x (int): y", ":param x:", "Parameters", "----------", "x : int", "", "- x: y", "Returns:"]
)).map("\n".join))  # fmt: skip
def test_any_docstring_can_be_read(text: str) -> None:
    assert read_docstring(text).summary == read_docstring(text).summary.strip()
