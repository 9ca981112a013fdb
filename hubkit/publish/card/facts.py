"""What a card says, gathered from the repo's own files alone: the same on every machine."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.parse import parse_toml
from hubkit.analysis import distribution_name, is_stdlib, require_hubconf
from hubkit.config import read_config
from hubkit.publish.card.files import Checkpoint, find_checkpoints
from hubkit.publish.licences import Licence, read_licence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hubkit.config import Config
    from hubkit.facts import Entrypoint, RepoFacts
    from hubkit.publish.card.markers import Source

# What follows a summary without a blank line: parameters, in one of the ways they are written.
_PARAMETER = re.compile(
    r"\s*(?:[-*+]\s+)?(?:[@:]\w+|\*{0,2}[`\"']?\w+[`\"']?\*{0,2}\s*(?:\([^)]*\))?\s*:(?:\s|$))"
)
_SHORT = 60  # characters
_EMAIL = re.compile(r"\s*<[^>]*>\s*$")


class CardFacts(Struct, frozen=True):
    """What a card says.

    Attributes:
        source: What its snippet loads, as far as that is said.
        entrypoints: In the order in which the hubconf has them.
        is_open: Whether the hubconf makes more at run time.
        config: What the author says about them.
        checkpoints: Their weights.
        dependencies: Import names that the hubconf declares, without the standard library's.
        packages: The distributions that provide those.
        licence: The repo's licence, or None.
        summary: What the repo is, in one line; "" when nothing tells.
        authors: Who made it; "" when nothing tells.
        keywords: The project's keywords.
    """

    source: Source
    entrypoints: tuple[Entrypoint, ...]
    is_open: bool
    config: Config
    checkpoints: tuple[Checkpoint, ...]
    dependencies: tuple[str, ...]
    packages: tuple[str, ...]
    licence: Licence | None
    summary: str
    authors: str
    keywords: tuple[str, ...]

    @property
    def name(self) -> str:
        """The repo's name without its owner."""
        return self.source.repo.partition("/")[2]


def gather_facts(facts: RepoFacts, source: Source) -> CardFacts:
    """What a card says about a repo.

    Args:
        facts: The repo, read.
        source: What the snippet is to load.

    Raises:
        HubconfError: It has no hubconf that can be read.
        ConfigError: Its configuration cannot be read.
    """
    hubconf = require_hubconf(facts)
    config = read_config(facts.files)
    declared = hubconf.dependencies.names if hubconf.dependencies else ()
    needed = tuple(name for name in dict.fromkeys(declared) if name and not is_stdlib(name))
    project = _read_project(facts)
    described = (one.docstring for one in hubconf.entrypoints if one.docstring)
    return CardFacts(
        source=source,
        entrypoints=hubconf.entrypoints,
        is_open=hubconf.has_dynamic_names,
        config=config,
        checkpoints=tuple(find_checkpoints(facts, hubconf, config)),
        dependencies=needed,
        packages=tuple(dict.fromkeys(distribution_name(name) for name in needed)),
        licence=read_licence(facts, project.get("license")),
        summary=_text(project.get("description")) or summary_of(next(described, None)),
        authors=_authors(project),
        keywords=_keywords(project),
    )


def summary_of(docstring: str | None) -> str:
    """What the first paragraph of a docstring says before it turns to parameters, on one line."""
    lines: list[str] = []
    for line in (docstring or "").strip().splitlines():
        # Lines of a text are wrapped where they are long.
        is_new = lines and len(lines[-1]) < _SHORT and line.strip()[:1].isupper()
        if not line.strip() or _PARAMETER.match(line) or is_new:
            break
        lines.append(line.strip())
    return " ".join(lines)


def _read_project(facts: RepoFacts) -> Mapping[str, object]:
    """``[project]`` of pyproject.toml, as far as it can be read."""
    try:
        project = parse_toml(facts.files.read_text("pyproject.toml")).get("project")
    except ValueError:
        return {}
    return project if isinstance(project, dict) else {}


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _authors(project: Mapping[str, object]) -> str:
    listed = project.get("authors")
    names = [
        _EMAIL.sub("", str(one["name"]))
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and one.get("name")
    ]
    return ", ".join(names)


def _keywords(project: Mapping[str, object]) -> tuple[str, ...]:
    listed = project.get("keywords")
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def card_paths(facts: RepoFacts) -> tuple[str, ...]:
    """Files of the repo that are a model card by their name, the likeliest first."""
    pattern = re.compile(r"model[-_ ]?card\.(?:md|markdown)", re.IGNORECASE)
    found = [
        path
        for folder in ("", "docs")
        for name in sorted(facts.files.all_names(folder))
        if pattern.fullmatch(name)
        for path in [str(PurePosixPath(folder) / name)]
    ]
    return tuple(found)
