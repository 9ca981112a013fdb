"""What a repo's install files require: requirements.txt, pyproject.toml, setup.cfg, setup.py, conda."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hubkit._util.toml import find_table, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Files

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_CONDA_LINE = re.compile(
    r"^[ \t]*-[ \t]*(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)\s*(?:[=<>!~\[].*)?$", re.MULTILINE
)
_FILES = re.compile(
    r"(?:[\w-]*requirements[\w-]*\.txt|requirements/[\w-]+\.txt|pyproject\.toml|setup\.(?:cfg|py)"
    r"|(?:conda|environment|env)[\w-]*\.ya?ml|Pipfile)"
)


def read_requirements(files: Files) -> dict[str, frozenset[str]] | None:
    """The distributions that each install file names, normalized.

    Returns:
        File by file; None if one of them is computed, so that the source does not tell.
    """
    found: dict[str, frozenset[str]] = {}
    candidates = [
        *sorted(files.names("")),
        *(f"requirements/{n}" for n in files.names("requirements")),
    ]
    for path in candidates:
        if not _FILES.fullmatch(path):
            continue
        names = _read(path, files.read_text(path))
        if names is None:
            return None
        if names:
            found[path] = frozenset(normalize(name) for name in names)
    return found


def normalize(distribution: str) -> str:
    """A distribution's name as package indexes compare it (PEP 503)."""
    name = distribution.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def _read(path: str, text: str) -> set[str] | None:
    if path.endswith(".txt"):
        return set(_named(text.splitlines()))
    if path == "pyproject.toml" or path == "Pipfile":
        return _from_toml(text)
    if path == "setup.cfg":
        return _from_cfg(text)
    if path == "setup.py":
        return _from_setup(text)
    return {found[1] for found in _CONDA_LINE.finditer(text)}


def _named(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        found = _NAME.match(line)
        if found and not line.lstrip().startswith(("#", "-", "git+", "http")):
            yield found[1]


def _from_toml(text: str) -> set[str] | None:
    try:
        table = parse_toml(text)
    except ValueError:
        return set()
    project = find_table(table, "project")
    if "dependencies" in project.get("dynamic", ()):
        return set()
    poetry = find_table(table, "tool", "poetry", "dependencies")
    extras = find_table(project, "optional-dependencies").values()
    listed = [project.get("dependencies", ()), *extras]
    names = {
        name for lines in listed if isinstance(lines, list) for name in _named(map(str, lines))
    }
    return names | set(poetry) | set(find_table(table, "packages"))


def _from_cfg(text: str) -> set[str]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return set()
    return set(_named(parser.get("options", "install_requires", fallback="").splitlines()))


def _from_setup(text: str) -> set[str] | None:
    """What a setup.py spells out; None if it computes its requirements."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            if not isinstance(node.value, ast.List | ast.Tuple):
                return None
            parts = [p.value for p in node.value.elts if isinstance(p, ast.Constant)]
            return set(_named(map(str, parts)))
    return set()
