from __future__ import annotations

from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

from hubkit.analysis import distribution_name, import_name, is_stdlib, read_dependencies
from hubkit.source import normalize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.analysis.conftest import ReadHubconf


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("dependencies = ['torch', 'yaml']", ("torch", "yaml")),
        ("dependencies = ('torch',)", ("torch",)),
        ("dependencies: list[str] = ['torch']", ("torch",)),
        ("dependencies = []", ()),
        ("_base = ['torch']\ndependencies = _base + ['yaml']", ("torch", "yaml")),
        ("T = 'torch'\ndependencies = [T, *('a', 'b')]", ("torch", "a", "b")),
        (
            "dependencies = ['torch']\ndependencies += ['a']\ndependencies.append('b')",
            ("torch", "a", "b"),
        ),
        ("dependencies = list(('torch',))", ("torch",)),
        ("dependencies = 'torch yaml'.split()", ("torch", "yaml")),
        ("import torch\n\ndef net(): ...\n\ndependencies = ['torch']", ("torch",)),
        ("dependencies = ['torch']\nfor name in dependencies:\n    print(name)", ("torch",)),
        ("def net(): ...", None),
        ("dependencies = 'torch'", None),
        ("dependencies = ['torch', 1]", None),
        ("dependencies = read()", None),
        ("dependencies = dependencies", None),
        ("a = b\nb = a\ndependencies = a", None),
        ("if x:\n    dependencies = ['torch']", None),
        ("def broken(:", None),
    ],
)
def test_dependencies_however_literal(
    tmp_path: Path, source: str, expected: tuple[str, ...] | None
) -> None:
    (tmp_path / "hubconf.py").write_text(source, encoding="utf-8")
    assert read_dependencies(tmp_path) == expected


def test_there_are_none_without_a_hubconf(tmp_path: Path) -> None:
    assert read_dependencies(tmp_path) is None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("dependencies = 'torch'", "a string, not a list"),
        ("dependencies = {'torch': 1}", "a dict, not a list"),
        ("dependencies = None", "None, not a list"),
        ("dependencies = ['torch', 1]", "an entry that is a number"),
        ("dependencies = open('x').readlines()", "computed at run time"),
    ],
)
def test_the_problem_says_what_stands_there_instead(
    read: ReadHubconf, source: str, problem: str
) -> None:
    dependencies = read(source).dependencies
    assert dependencies is not None
    assert dependencies.entries is None
    assert dependencies.problem == problem
    assert dependencies.names == ()


def test_entries_and_the_assignment_have_places(read: ReadHubconf) -> None:
    dependencies = read("dependencies = [\n    'torch',\n    'yaml',\n]\n").dependencies
    assert dependencies is not None
    assert dependencies.entries is not None
    assert (dependencies.location.line, dependencies.location.end_line) == (1, 4)
    assert [(e.name, e.location.line, e.location.column) for e in dependencies.entries] == [
        ("torch", 2, 5),
        ("yaml", 3, 5),
    ]


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("cv2", "opencv-python"),
        ("PIL", "pillow"),
        ("PIL.Image", "pillow"),
        ("yaml", "pyyaml"),
        ("sklearn", "scikit-learn"),
        ("timm", "timm"),
        ("torch.nn", "torch"),
    ],
)
def test_distributions_of_imports(module: str, distribution: str) -> None:
    assert distribution_name(module) == distribution


@pytest.mark.parametrize(
    ("distribution", "module"),
    [
        ("PyYAML", "yaml"),
        ("pyyaml", "yaml"),
        ("opencv-python-headless", "cv2"),
        ("dora_search", "dora"),
        ("Scikit.Learn", "sklearn"),
        ("hydra-core", "hydra"),
        ("timm", None),
        ("never-heard-of", None),
    ],
)
def test_imports_of_distributions(distribution: str, module: str | None) -> None:
    assert import_name(distribution) == module


def test_the_standard_library_is_known() -> None:
    assert is_stdlib("math")
    assert is_stdlib("os.path")
    assert is_stdlib("sys")
    assert not is_stdlib("torch")


def test_what_is_installed_here_agrees_with_the_table() -> None:
    provided: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for one in distributions:
            provided.setdefault(normalize(one), set()).add(module)
    provided["setuptools"].add("pkg_resources")  # before version 82
    wrong = {
        name: module
        for name, modules in provided.items()
        if (module := import_name(name) or name) != name and module.partition(".")[0] not in modules
    }
    assert wrong == {}
    own = {name for name, modules in provided.items() if name in modules}
    assert {name for name in own if import_name(name) not in (name, None)} == set()
