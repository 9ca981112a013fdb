"""Who may import what, and which third parties live where: docs/architecture.md, held."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent

LEVELS: dict[str, tuple[int, frozenset[str]]] = {
    # part: (its level, the parts of hubkit below its own level that it may import)
    "errors": (0, frozenset()),
    "facts": (0, frozenset()),
    "lazy": (0, frozenset()),
    "limits": (0, frozenset()),
    "torchhub": (0, frozenset()),
    "_util": (0, frozenset()),
    "source": (1, frozenset()),
    "analysis": (2, frozenset({"source"})),
    "hubdir": (1, frozenset()),
    "runtime": (1, frozenset()),
    "scaffold": (3, frozenset({"analysis", "runtime", "source"})),
    "config": (1, frozenset()),
    "lockfile": (1, frozenset()),
    "reporters": (1, frozenset()),
    "pages": (1, frozenset()),
    "conformance": (2, frozenset({"pages"})),
    "rules": (3, frozenset({"analysis", "source"})),
    "loader": (3, frozenset({"analysis", "hubdir", "lockfile", "runtime"})),
    "repos": (2, frozenset({"hubdir", "lockfile", "runtime"})),
    "lint": (4, frozenset({"analysis", "config", "rules"})),
    "publish": (
        5,
        frozenset(
            {
                "analysis",
                "config",
                "conformance",
                "hubdir",
                "lint",
                "loader",
                "lockfile",
                "pages",
                "rules",
                "runtime",
                "source",
            }
        ),
    ),
    "audit": (
        5,
        frozenset({"analysis", "config", "conformance", "hubdir", "lint", "pages", "source"}),
    ),
    "commands": (6, frozenset({"*"})),
    "cli": (6, frozenset({"*"})),
    "__init__": (6, frozenset({"*"})),
    "__main__": (6, frozenset({"*"})),
}

HOMES = {
    "dask": {"hubkit/audit/engine.py"},
    "distributed": {"hubkit/audit/engine.py"},
    "docstring_parser": {"hubkit/analysis/docstrings.py"},
    "duckdb": {"hubkit/audit/store.py"},
    "filelock": {"hubkit/hubdir/locks.py"},
    "jinja2": {"hubkit/_util/jinja.py"},
    "markdown_it": {"hubkit/publish/site/markdown.py"},
    "packaging": {"hubkit/source/tags.py"},
    "requests": {"hubkit/hubdir/http.py"},
    "yaml": {"hubkit/analysis/documents.py"},
    "tomlkit": {"hubkit/_util/toml.py"},
    "tqdm": {"hubkit/_util/progress.py"},
    "truststore": {"hubkit/hubdir/certificates.py"},
    "urllib3": {"hubkit/hubdir/http.py"},
}


@functools.cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8")))
        for package in ("hubkit", "pytest_hubkit")
        for path in sorted((ROOT / package).rglob("*.py"))
    )


@functools.cache
def imported_modules(tree: ast.Module) -> tuple[str, ...]:
    return tuple(_imports(tree))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            if node.module in ("hubkit", "pytest_hubkit"):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def part_of(path: str) -> str:
    return path.split("/")[1].removesuffix(".py")


def violations(path: str, module: str) -> Iterator[str]:
    top, _, rest = module.partition(".")
    if top == "pytest_hubkit" and path.startswith("hubkit/"):
        yield f"{path} imports {module}: hubkit knows nothing of the plugin"
    if top != "hubkit" or path.startswith("pytest_hubkit/") or not rest:
        return
    part, target = part_of(path), rest.partition(".")[0]
    if target not in LEVELS or target == part or LEVELS[target][0] == 0:
        return
    _, allowed = LEVELS[part]
    if "*" not in allowed and target not in allowed:
        yield f"{path} imports {module}: {part} may import {sorted(allowed) or 'level 0'} only"


def test_every_part_of_hubkit_has_a_level() -> None:
    parts = {part_of(path) for path, _ in sources() if path.startswith("hubkit/")}
    assert parts <= set(LEVELS)


def test_imports_point_downwards_only() -> None:
    assert not [
        violation
        for path, tree in sources()
        for module in imported_modules(tree)
        for violation in violations(path, module)
    ]


def test_level_table_itself_points_downwards() -> None:
    for part, (level, allowed) in LEVELS.items():
        assert all(LEVELS[below][0] < level for below in allowed - {"*"}), part


def test_every_imported_name_exists() -> None:
    """Packages import their names lazily, so a type checker does not miss one that is gone."""
    missing = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hubkit"):
                module = importlib.import_module(node.module or "")
                missing += [
                    f"{path} imports {alias.name} from {node.module}"
                    for alias in node.names
                    if not hasattr(module, alias.name)
                    and importlib.util.find_spec(f"{node.module}.{alias.name}") is None
                ]
    assert not missing


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_third_party_is_imported_in_its_home_only(library: str) -> None:
    users = {
        path
        for path, tree in sources()
        for module in imported_modules(tree)
        if module.partition(".")[0] == library
    }
    assert users <= HOMES[library]


def test_commands_are_made_in_one_module() -> None:
    """So that each has -q and -v: docs/contributing.md, "Add a command"."""
    makers = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name)
        if (node.value.id, node.attr) in (("click", "command"), ("click", "group"))
    }
    assert makers == {"hubkit/cli.py", "hubkit/commands/base.py"}


def test_git_is_started_in_one_module() -> None:
    starters = {
        path
        for path, tree in sources()
        if "subprocess" in imported_modules(tree)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "git"
    }
    assert starters == {"hubkit/_util/git.py"}


def test_urls_are_split_in_one_place_only() -> None:
    """Two parsers that see two hosts send a token to the wrong one."""
    splitters = {"urlsplit", "urlparse", "urldefrag", "SplitResult"}
    users = {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "urllib.parse"
        if splitters & {alias.name for alias in node.names}
    }
    assert not users


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("hubkit/analysis/repo.py", "hubkit.hubdir.http"),
        ("hubkit/source/folder.py", "hubkit.analysis"),
        ("hubkit/rules/surface.py", "hubkit.lint"),
        ("hubkit/loader.py", "hubkit.scaffold"),
        ("hubkit/cli.py", "pytest_hubkit.plugin"),
    ],
)
def test_a_violation_is_seen(path: str, module: str) -> None:
    assert list(violations(path, module))


# Who may replace or rename, and who writes without `hubkit._util.atomic`: into its own new folder.
WRITERS = {
    "hubkit/_util/atomic.py": {"replace", "rename", "link"},
    "hubkit/_util/paths.py": {"rename"},
    "hubkit/cli.py": {"write_text"},  # of click's formatter of help
    "hubkit/hubdir/git.py": {"write_text"},
    "pytest_hubkit/checks/portable.py": {"write_text"},
    "pytest_hubkit/child/load.py": {"write_text"},
    "pytest_hubkit/published.py": {"write_text"},
}
_WRITING = {
    "write_text",
    "write_bytes",
    "rename",
    "renames",
    "mkstemp",
    "NamedTemporaryFile",
    "move",
}


def writes(tree: ast.Module) -> Iterator[str]:
    """Calls that write, replace or rename files; ``replace`` of a text takes two arguments."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, owner = node.func.attr, ast.unparse(node.func.value)
        is_path = name == "replace" and len(node.args) == 1 and not node.keywords
        if name in _WRITING or is_path or (owner == "os" and name in ("replace", "link")):
            yield name


def test_files_are_written_in_one_place() -> None:
    found = {path: set(writes(tree)) for path, tree in sources()}
    assert {path: names for path, names in found.items() if names} == WRITERS
