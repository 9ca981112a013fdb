"""Versions: what a repo declares, and what a tag says."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.parse import find_value, parse_toml
from hubkit.analysis import read_card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Files, RepoFacts

_VERSION = re.compile(
    r"(?:.*[-_/])?v?(\d+)\.(\d+)(?:\.(\d+))?([-.+]?(?:[a-z][\w.+-]*)?)", re.IGNORECASE
)
_CFG = re.compile(r"^version\s*=\s*([\w.+-]+)\s*$", re.MULTILINE)
_CITATION = "CITATION.cff"


class Version(Struct, frozen=True, order=True):
    """A version as SemVer has them, ordered by its numbers; a pre-release comes before them.

    Attributes:
        major: Changes that break.
        minor: Changes that add.
        patch: Changes that mend.
        is_final: Whether nothing follows the numbers.
    """

    major: int
    minor: int
    patch: int
    is_final: bool = True

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def allows_breaking(self, earlier: Version) -> bool:
        """Whether a step from an earlier version says that calls may break.

        Before 1.0 the minor number says so.
        """
        if self.major != earlier.major:
            return self.major > earlier.major
        return self.major == 0 and self.minor > earlier.minor

    def next(self, *, breaking: bool) -> Version:
        """The least version after this one, by whether calls break."""
        if not breaking:
            return Version(self.major, self.minor, self.patch + 1)
        if self.major == 0:
            return Version(0, self.minor + 1, 0)
        return Version(self.major + 1, 0, 0)


def parse_version(text: str) -> Version | None:
    """What a tag or a version says; None when it is no version of numbers."""
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    is_post = not found[4].strip("-.+") or found[4].lower().startswith((".post", "+"))
    return Version(int(found[1]), int(found[2]), int(found[3] or 0), is_post)


def bare_version(tag: str) -> str:
    """The version that a tag stands for, as files spell it."""
    return re.sub(r"^(?:.*[-_/])?v(?=\d)", "", tag)


def declared_versions(facts: RepoFacts) -> dict[str, str]:
    """Versions that the repo's files declare, by the file that does."""
    return dict(_declared(facts))


def _declared(facts: RepoFacts) -> Iterator[tuple[str, str]]:
    files = facts.files
    project, attr = _from_pyproject(files.read_text("pyproject.toml"))
    if project:
        yield "pyproject.toml", project
    found = _CFG.search(files.read_text("setup.cfg"))
    if found and found[1] != "attr":
        yield "setup.cfg", found[1]
    modules = [attr] if attr else sorted(facts.packages)
    for path in (f"{name}/__init__.py" for name in modules):
        version = _from_source(files.read_text(path))
        if version:
            yield path, version
    citation = _from_citation(files)
    if citation:
        yield _CITATION, citation


def _from_pyproject(text: str) -> tuple[str, str]:
    """The version, or the package whose attribute it is."""
    try:
        table: object = parse_toml(text)
    except ValueError:
        return "", ""
    version = find_value(table, "project", "version") or find_value(
        table, "tool", "poetry", "version"
    )
    attr = find_value(table, "tool", "setuptools", "dynamic", "version", "attr")
    package = attr.rpartition(".")[0].replace(".", "/") if isinstance(attr, str) else ""
    return (version if isinstance(version, str) else ""), package


def _from_source(text: str) -> str:
    """The literal ``__version__`` of a module."""
    if "__version__" not in text:
        return ""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="__version__")], value=ast.Constant(value=str(version))
            ):
                return version
    return ""


def _from_citation(files: Files) -> str:
    text = files.read_text(_CITATION)
    card = read_card(f"---\n{text}\n---\n", _CITATION) if text else None
    field = card.field("version") if card else None
    return field.values[0] if field and field.values else ""
