"""Whose repo it is and what it is for, from what its files say."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from hubkit._util.parse import read_toml
from hubkit._util.paths import read_inside
from hubkit.scaffold.git import read_git
from hubkit.scaffold.licenses import read_license
from hubkit.scaffold.names import require_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_YEARS = r"\d{4}(?:\s*[-\u2013,]\s*(?:\d{4}|present))*,?"
_COPYRIGHT = re.compile(
    rf"^\s*(?:Copyright|\(c\)|©)(?:\s*\(c\)|\s*©)?\s*(?:{_YEARS})?\s+(?:by\s+)?([^\n<\[(]{{2,80}})",
    re.MULTILINE | re.IGNORECASE,
)
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$|^(\S.*)\n[=]{3,}$", re.MULTILINE)
# Names in the texts of licences themselves, and in their blanks.
_NOT_AUTHORS = re.compile(
    r"free software foundation|\byyyy\b|name of|owner|holder|notice|license", re.IGNORECASE
)


def read_author(target: Path) -> str:
    """The author: of the project's metadata, its licence, or git's configuration.

    Args:
        target: The folder.

    Returns:
        The name; "The <folder> authors" when nothing tells it.
    """
    for name in _names(target):
        text = " ".join(name.split()).strip(" .,;")
        if text and text.isprintable() and len(text) <= 200:
            return require_line(text)
    return f"The {target.name} authors"


def read_description(target: Path) -> str:
    """What the repo does: of the project's metadata, else the title of its README.

    Args:
        target: The folder.

    Returns:
        One line; "Models of <folder>." when nothing tells it.
    """
    for text in _descriptions(target):
        line = " ".join(text.split())
        if line and line.isprintable() and len(line) <= 200:
            return require_line(line)
    return f"Models of {target.name}."


def read_readme(target: Path) -> str:
    """Name of the folder's README; "" when there is none."""
    names = sorted(path.name for path in target.glob("*") if path.is_file())
    return next((name for name in names if name.lower().partition(".")[0] == "readme"), "")


def _descriptions(target: Path) -> Iterator[str]:
    try:
        project = read_toml(target / "pyproject.toml").get("project")
        yield str(project.get("description") or "") if isinstance(project, dict) else ""
    except (OSError, ValueError):
        pass
    readme = read_readme(target)
    text = _read(target / readme)[:4000] if readme else ""
    for found in _TITLE.finditer(text):
        yield re.sub(r"[*_`]|!?\[([^\]]*)\]\([^)]*\)|<[^>]*>", r"\1", found[1] or found[2])


def _names(target: Path) -> Iterator[str]:
    yield from _from_pyproject(target / "pyproject.toml")
    yield from _from_setup(target / "setup.py")
    license_file, _ = read_license(target)
    if license_file:
        text = _read(target / license_file)
        for found in _COPYRIGHT.finditer(text[:4000]):
            if not _NOT_AUTHORS.search(found[1]):
                yield re.sub(r"\.?\s*All rights reserved.*", "", found[1], flags=re.IGNORECASE)
    yield read_git(target, "config", "--get", "user.name")


def _from_pyproject(path: Path) -> Iterator[str]:
    try:
        table = read_toml(path)
    except (OSError, ValueError):
        return
    project, tool = table.get("project"), table.get("tool")
    authors = project.get("authors", []) if isinstance(project, dict) else []
    for author in authors if isinstance(authors, list) else []:
        if isinstance(author, dict) and isinstance(author.get("name"), str):
            yield author["name"]
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    listed = poetry.get("authors") if isinstance(poetry, dict) else None
    for author in listed if isinstance(listed, list) else []:
        yield str(author).partition("<")[0]


def _from_setup(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="author", value=ast.Constant(value=str(name))):
                yield name


def _read(path: Path) -> str:
    try:
        return read_inside(path.parent, path.name).decode("utf-8", "replace")
    except OSError:
        return ""
