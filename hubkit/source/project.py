"""What a project says of itself: authors, license, versions, requirements, and its GitHub remote.

Reads pyproject.toml, setup.cfg, setup.py, requirements and conda files, CITATION.cff, the README and
the license file. Nothing of the project is run.
"""

from __future__ import annotations

import ast
import contextlib
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.toml import find_table, find_value, parse_toml
from hubkit._util.urls import expand_scp, github_repo, try_parse
from hubkit.source.git import git_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from hubkit.facts import Files


# What `hubkit init` writes as the owner if it does not know the owner.
PLACEHOLDER_OWNER = "your-name"

# SPDX identifiers (https://spdx.org/licenses/) that code and weights are published under, each with
# phrases that only the text of that license contains. A license comes before those it quotes.
_PHRASES = {
    "MIT": ("Permission is hereby granted, free of charge", "The above copyright notice"),
    "Apache-2.0": ("Apache License", "Version 2.0, January 2004"),
    "BSD-3-Clause": ("Redistribution and use in source and binary forms", "Neither the name of"),
    "BSD-2-Clause": ("Redistribution and use in source and binary forms",),
    "ISC": ("Permission to use, copy, modify, and/or distribute this software",),
    "MPL-2.0": ("Mozilla Public License Version 2.0",),
    "AGPL-3.0-only": ("GNU AFFERO GENERAL PUBLIC LICENSE", "Version 3"),
    "LGPL-3.0-only": ("GNU LESSER GENERAL PUBLIC LICENSE", "Version 3"),
    "GPL-3.0-only": ("GNU GENERAL PUBLIC LICENSE", "Version 3"),
    "GPL-2.0-only": ("GNU GENERAL PUBLIC LICENSE", "Version 2"),
    "Unlicense": ("This is free and unencumbered software",),
    "CC0-1.0": ("CC0 1.0 Universal",),
    "CC-BY-NC-SA-4.0": ("Attribution-NonCommercial-ShareAlike 4.0 International",),
    "CC-BY-NC-4.0": ("Attribution-NonCommercial 4.0 International",),
    "CC-BY-SA-4.0": ("Attribution-ShareAlike 4.0 International",),
    "CC-BY-4.0": ("Attribution 4.0 International",),
}
_OR_LATER = ("AGPL-3.0-or-later", "GPL-2.0-or-later", "GPL-3.0-or-later", "LGPL-3.0-or-later")
# What SPDX documents contain if there is no license.
NO_LICENSE = "NONE"
SPDX_IDENTIFIERS = (*_PHRASES, *_OR_LATER, NO_LICENSE)
UNKNOWN_LICENSE = "LicenseRef-LICENSE"
# Names of license files; the usual ones come first.
_USUAL_LICENSE = re.compile(r"(?:licen[cs]e|copying|unlicen[cs]e)(?:\.\w+)?", re.IGNORECASE)
_LICENSE = re.compile(
    r"(?:licen[cs]es?|copying|unlicen[cs]e|copyright|legal)(?:[-_.].*)?|.*[-_.]licen[cs]e(?:\.\w+)?",
    re.IGNORECASE,
)

_YEARS = r"\d{4}(?:\s*[-\u2013,]\s*(?:\d{4}|present))*,?"
_COPYRIGHT = re.compile(
    rf"^\s*(?:Copyright|\(c\)|©)(?:\s*\(c\)|\s*©)?\s*(?:{_YEARS})?\s+(?:by\s+)?([^\n<\[(]{{2,80}})",
    re.MULTILINE | re.IGNORECASE,
)
# Names in the texts of licenses themselves, and in their blanks.
_NOT_AUTHORS = re.compile(
    r"free software foundation|\byyyy\b|name of|owner|holder|notice|license", re.IGNORECASE
)
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$|^(\S.*)\n[=]{3,}$", re.MULTILINE)
_EMAIL = re.compile(r"\s*<[^>]*>\s*$")
_CFG_VERSION = re.compile(r"^version\s*=\s*([\w.+-]+)\s*$", re.MULTILINE)
_CLASSIFIER = re.compile(r"Programming Language :: Python :: 3\.(\d{1,2})\b")
_CFG_PYTHON = re.compile(r"^python_requires\s*=\s*(\S.*)$", re.MULTILINE)
_CFG_NAME = re.compile(r"^name\s*=\s*([\w.-]+)\s*$", re.MULTILINE)
_CFG_LINE = r"^{}[ \t]*=[ \t]*(?!file:|attr:)(\S.*)$"
# A scalar of YAML: in quotes, on the line, or in an indented block.
_CITATION = (
    r"^{}:[ \t]*(?:[>|][-+]?[ \t]*\n((?:[ \t]+.*\n?|\n)+)|([\"'])(.*?)\2|([^\s\"'>|].*?))"
    r"[ \t]*(?:[ \t]#.*)?$"
)
# How projects write licenses whose identifier they do not use.
_LICENSE_NAMES = {
    "MIT": "expat(?: licen[cs]e)?",
    "Apache-2.0": "apache(?: software)?(?: licen[cs]e)?,?(?: v\\.?| version)?(?:[ -]?2(?:\\.0)?)?(?: licen[cs]e)?",
    "BSD-3-Clause": "(?:new|modified|3-clause) bsd(?: licen[cs]e)?|bsd[- ]?3(?:[- ]clause)?(?: licen[cs]e)?",
    "BSD-2-Clause": "(?:simplified|2-clause) bsd(?: licen[cs]e)?|bsd[- ]?2(?:[- ]clause)?(?: licen[cs]e)?",
    "ISC": "isc license \\(iscl\\)",
    "GPL-3.0-only": "(?:gnu )?gpl[- ]?v?3(?:\\.0)?",
}
_LICENSE_SECTION = re.compile(
    r"^#+[ \t]*(?:\W+[ \t]+)?licen[cs]e\b[^\n]*\n(.*?)(?=^#|\Z)|^licen[cs]e\n[-=~]+\n(.{,600})",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[\w.-]+")
_HEAD = 4000  # characters of a README or a license


class Project(Struct, frozen=True):
    """The metadata in a pyproject.toml; each value is empty if it is not declared.

    Attributes:
        name: The name of its distribution.
        description: What the project does, on one line.
        authors: Names, without email addresses.
        license: The license, if it is declared as text such as an SPDX expression.
        keywords: Its keywords.
    """

    name: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    license: str = ""
    keywords: tuple[str, ...] = ()


def read_project(files: Files) -> Project:
    """Read the metadata in ``[project]``, and authors in ``[tool.poetry]``."""
    table = _read_pyproject(files)
    project = find_table(table, "project")
    return Project(
        name=_one_line(project.get("name")),
        description=_one_line(project.get("description")),
        authors=tuple(_declared_authors(table)),
        license=_one_line(project.get("license")),
        keywords=tuple(map(str, _list(project.get("keywords")))),
    )


def find_names(files: Files) -> Iterator[str]:
    """The names of the project's distribution: from pyproject.toml, setup.cfg and setup.py."""
    table = _read_pyproject(files)
    yield _one_line(find_table(table, "project").get("name"))
    yield _one_line(find_table(table, "tool", "poetry").get("name"))
    yield from _CFG_NAME.findall(files.read_text("setup.cfg"))
    yield from _setup_texts(files, "name")


def read_python(files: Files) -> str:
    """The versions of Python that the project claims to support, such as ">=3.8"; "" if unknown."""
    declared = find_table(_read_pyproject(files), "project").get("requires-python")
    if isinstance(declared, str):
        return declared
    found = _CFG_PYTHON.search(files.read_text("setup.cfg"))
    return next(_setup_texts(files, "python_requires"), found[1] if found else "")


def read_named_pythons(files: Files) -> tuple[int, ...]:
    """The minor versions of Python 3 that the project's classifiers name."""
    texts = (files.read_text(path) for path in ("pyproject.toml", "setup.py", "setup.cfg"))
    return tuple(sorted({int(minor) for text in texts for minor in _CLASSIFIER.findall(text)}))


def find_authors(files: Files) -> Iterator[str]:
    """Names of authors: from pyproject.toml, setup.py, and the license's copyright line."""
    yield from read_project(files).authors
    yield from _setup_texts(files, "author")
    yield from _cfg_texts(files, "author")
    path, _ = read_license(files)
    for found in _COPYRIGHT.finditer(files.read_text(path)[:_HEAD] if path else ""):
        if not _NOT_AUTHORS.search(found[1]):
            yield re.sub(r"\.?\s*All rights reserved.*", "", found[1], flags=re.IGNORECASE)


def find_descriptions(files: Files) -> Iterator[str]:
    """What the project does: as packages declare it, from CITATION.cff, and from its README.

    A title of the README counts if it says more than a name; else its first sentence, if there is one.
    """
    table = _read_pyproject(files)
    yield read_project(files).description
    yield _one_line(find_table(table, "tool", "poetry").get("description"))
    yield from _setup_texts(files, "description")
    yield from _cfg_texts(files, "description")
    yield re.split(r"(?<=[.!?])\s", _citation_text(files, "abstract"), maxsplit=1)[0]
    readme = find_readme(files)
    text = files.read_text(readme)[:_HEAD] if readme else ""
    titles = [_plain(found[1] or found[2]) for found in _TITLE.finditer(text)]
    yield from (title for title in titles if " " in title.strip())
    yield _first_sentence(text)


def _plain(text: str) -> str:
    """Markdown without its marks."""
    return re.sub(r"[*`]|\b_|_\b|!?\[([^\]]*)\]\([^)]*\)|<[^>]*>", r"\1", text)


def _first_sentence(text: str) -> str:
    """The first sentence of Markdown that stands in a paragraph of its own; "" without one."""
    for paragraph in re.split(r"\n[ \t]*\n", _TITLE.sub("", text)):
        plain = " ".join(_plain(paragraph).split())
        if re.match(r"[A-Z\w]", plain) and plain.endswith((".", "!", "?")):
            return re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0]
    return ""


def find_readme(files: Files) -> str:
    """The name of the README; "" if there is none."""
    names = (
        name for name in sorted(files.all_names("")) if name.lower().partition(".")[0] == "readme"
    )
    return next((name for name in names if files.is_file(name)), "")


def select_licenses(names: Iterable[str]) -> list[str]:
    """The names at a repo's root that are those of licenses, the usual ones first.

    A folder may be among them: REUSE puts licenses into ``LICENSES``.

    Args:
        names: Names of files and folders.
    """
    found = (name for name in names if _LICENSE.fullmatch(name))
    return sorted(found, key=lambda name: (not _USUAL_LICENSE.fullmatch(name), name))


def read_license(files: Files) -> tuple[str, str]:
    """The name and the SPDX identifier of the license file.

    Returns:
        Both; `UNKNOWN_LICENSE` for the text of another license; ("", "") if there is no file.
    """
    names = select_licenses(files.all_names(""))
    path = next((name for name in names if files.is_file(name)), "")
    if not path:
        return "", ""
    text = " ".join(files.read_text(path).split())
    matches = (name for name, phrases in _PHRASES.items() if all(one in text for one in phrases))
    return path, next(matches, UNKNOWN_LICENSE)


def find_licenses(files: Files) -> Iterator[str]:
    """SPDX identifiers of licenses that the project declares without their texts.

    They are in pyproject.toml, setup.py, setup.cfg, CITATION.cff and the README's section on it.
    """
    table = _read_pyproject(files)
    project, readme = find_table(table, "project"), find_readme(files)
    section = _LICENSE_SECTION.search(files.read_text(readme) if readme else "")
    texts = [
        project.get("license"),
        find_table(project, "license").get("text"),
        *_list(project.get("classifiers")),
        find_table(table, "tool", "poetry").get("license"),
        *_setup_texts(files, "license"),
        *_cfg_texts(files, "license"),
        _citation_text(files, "license"),
    ]
    yield from filter(None, (_name_license(_one_line(text)) for text in texts))
    named = _licenses_in(section[1] or section[2] or "") if section else []
    yield from named if len(named) == 1 else ()


def _licenses_in(text: str) -> list[str]:
    """The licenses that a text names."""
    line = _one_line(text)
    return [
        one
        for one in SPDX_IDENTIFIERS
        if one != NO_LICENSE and re.search(rf"\b(?:{_license_pattern(one)})\b", line, re.IGNORECASE)
    ]


def _name_license(text: str) -> str:
    """The SPDX identifier of a license that a project names; "" if it is not known."""
    if "::" in text and "License" not in text:
        return ""  # a classifier on something else
    name = text.rpartition("::")[2].strip()
    known = (
        one
        for one in SPDX_IDENTIFIERS
        if re.fullmatch(_license_pattern(one), name, re.IGNORECASE) and one != NO_LICENSE
    )
    return next(known, "")


def _license_pattern(name: str) -> str:
    usual = _LICENSE_NAMES.get(name, "")
    return f"{re.escape(name)}(?: licen[cs]e)?{usual and '|'}{usual}"


def read_versions(files: Files, packages: Iterable[str] = ()) -> dict[str, str]:
    """The versions that files declare, by file.

    Args:
        files: The project's files.
        packages: Its packages, whose ``__version__`` counts.
    """
    return dict(_versions(files, packages))


def read_remote(folder: Path) -> str:
    """The repo on GitHub that git's ``origin`` leads to, as "owner/name"; "" if there is none.

    Args:
        folder: A folder of the work tree.
    """
    name = "/".join(github_repo(git_output(folder, "config", "--get", "remote.origin.url")) or ())
    return name if is_repo_name(name) else ""


def read_host(folder: Path) -> str:
    """The host that git's ``origin`` leads to; "" if there is none.

    Args:
        folder: A folder of the work tree.
    """
    url = try_parse(expand_scp(git_output(folder, "config", "--get", "remote.origin.url")))
    return url.host if url else ""


def read_recorded_name(files: Files) -> str:
    """The repo on GitHub that ``hubkit init`` recorded, as "owner/name"; "" if it recorded none."""
    for path, keys in (("hubkit.toml", ()), ("pyproject.toml", ("tool", "hubkit"))):
        with contextlib.suppress(ValueError):
            name = find_value(parse_toml(files.read_text(path)), *keys, "init", "repo")
            if isinstance(name, str) and is_repo_name(name):
                return name
    return ""


def is_repo_name(text: str) -> bool:
    """Whether a text is "owner/name" as GitHub allows it."""
    return _SLUG.fullmatch(text) is not None


def _read_pyproject(files: Files) -> Mapping[str, object]:
    try:
        return parse_toml(files.read_text("pyproject.toml"))
    except ValueError:
        return {}


def _declared_authors(table: Mapping[str, object]) -> Iterator[str]:
    for author in _list(find_value(table, "project", "authors")):
        if isinstance(author, dict) and isinstance(author.get("name"), str):
            yield _EMAIL.sub("", author["name"])
    for author in _list(find_value(table, "tool", "poetry", "authors")):
        yield _EMAIL.sub("", str(author))


def _versions(files: Files, packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    table = _read_pyproject(files)
    declared = find_value(table, "project", "version") or find_value(
        table, "tool", "poetry", "version"
    )
    if declared and isinstance(declared, str):
        yield "pyproject.toml", declared
    found = _CFG_VERSION.search(files.read_text("setup.cfg"))
    if found and found[1] != "attr":
        yield "setup.cfg", found[1]
    for version in _setup_texts(files, "version"):
        yield "setup.py", version
    attr = find_value(table, "tool", "setuptools", "dynamic", "version", "attr")
    package = attr.rpartition(".")[0].replace(".", "/") if isinstance(attr, str) else ""
    for name in [package] if package else sorted(packages):
        version = _read_dunder_version(files.read_text(f"{name}/__init__.py"))
        if version:
            yield f"{name}/__init__.py", version
    cited = _citation_text(files, "version")
    if cited:
        yield "CITATION.cff", cited


def _setup_texts(files: Files, name: str) -> Iterator[str]:
    """The strings that setup.py passes to ``setup`` by a name."""
    for node in _parse(files.read_text("setup.py")):
        match node:
            case ast.keyword(arg=found, value=ast.Constant(value=str(text))) if found == name:
                yield _one_line(text)


def _cfg_texts(files: Files, name: str) -> list[str]:
    """The values of a key in setup.cfg, unless they name a file or an attribute."""
    return re.findall(_CFG_LINE.format(name), files.read_text("setup.cfg"), re.MULTILINE)


def _citation_text(files: Files, key: str) -> str:
    """A text at the top of CITATION.cff, on one line; "" without one."""
    found = re.search(_CITATION.format(key), files.read_text("CITATION.cff"), re.MULTILINE)
    return _one_line(found[1] or found[3] or found[4]) if found else ""


def _read_dunder_version(text: str) -> str:
    """The literal ``__version__`` of a module."""
    for node in _parse(text, top_level=True) if "__version__" in text else ():
        match node:
            case ast.Assign(
                targets=[ast.Name(id="__version__")], value=ast.Constant(value=str(version))
            ):
                return version
    return ""


def _parse(text: str, *, top_level: bool = False) -> Iterable[ast.AST]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tree.body if top_level else ast.walk(tree)


def _one_line(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


# Requirements


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
