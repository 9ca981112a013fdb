"""Read the target folder, so that questions have good defaults."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.paths import is_inside
from hubkit.errors import GitRepoError
from hubkit.scaffold.answers import read_record
from hubkit.scaffold.model_discovery import discover_models
from hubkit.scaffold.names import MAX_LINE, is_reserved, repo_slug, slug
from hubkit.scaffold.proposals import NONE, propose, suggest_names
from hubkit.scaffold.requirement import UNKNOWN, find_requirement
from hubkit.scaffold.write import read_work_tree
from hubkit.source import Folder, open_files
from hubkit.source.git import git_output
from hubkit.source.project import (
    PLACEHOLDER_OWNER,
    find_authors,
    find_descriptions,
    find_licenses,
    find_readme,
    read_host,
    read_license,
    read_remote,
    read_versions,
)
from hubkit.source.tags import FIRST_TAG, declared_tag, following_tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import Files
    from hubkit.scaffold.entrypoints import Code
    from hubkit.scaffold.model_weights import WeightsFile
    from hubkit.scaffold.proposals import Leftover, Proposal

_NOT_PACKAGES = {"tests", "test", "docs", "examples", "scripts", "build", "dist"}


class Discovery(Struct, frozen=True):
    """The target folder. Templates see this value as ``found``.

    Attributes:
        folder: The target's name.
        module: A package name: its only package, or one derived from the folder's name; empty if
            there is neither.
        repo: ``owner/name`` from the git remote, or a guess.
        host: The host of the git remote; "" without one.
        author: From the project's metadata, its license or git's configuration, or "The <folder>
            authors".
        year: The current year.
        description: From the project's metadata or its README, or "Models of <folder>."
        readme: Name of the README, or "".
        tag: The tag of the next release.
        license: SPDX identifier of the license file, or of the license that the project's metadata
            or its README names; "" if there is none.
        license_file: Its name, or "".
        has_code: Whether there is Python code.
        has_hubconf: Whether there is a ``hubconf.py``.
        config_file: Name of the file that configures hubkit, or "".
        template: The template that an earlier run recorded, or "".
        answers: The answers that an earlier run recorded.
        present: Existing files, at the root and among the workflows.
        is_ours: Whether init writes the hubconf: there is none, or an earlier run created it.
        proposals: Models that can be entrypoints, the best first.
        leftovers: Models that cannot, with the reasons.
        weights: Checkpoints in the repo.
        urls: URLs of checkpoints in documents.
        proposed: Names of the best proposals, as an answer.
        entrypoints: The selected proposals.
        code: The Python that publishes them; None if none is selected.
        dependencies: Modules that they need.
        install: The distributions of these modules, without torch.
        requirement: What installs this hubkit on another machine.
    """

    folder: str
    module: str
    repo: str
    author: str
    year: int
    description: str = ""
    readme: str = ""
    tag: str = FIRST_TAG
    license: str = ""
    license_file: str = ""
    has_code: bool = False
    has_hubconf: bool = False
    config_file: str = ""
    template: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    present: tuple[str, ...] = ()
    is_ours: bool = True
    proposals: tuple[Proposal, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    weights: tuple[WeightsFile, ...] = ()
    urls: tuple[str, ...] = ()
    proposed: str = NONE
    entrypoints: tuple[Proposal, ...] = ()
    code: Code | None = None
    dependencies: tuple[str, ...] = ("torch",)
    install: tuple[str, ...] = ()
    requirement: str = UNKNOWN
    host: str = ""

    @property
    def first(self) -> Proposal | None:
        """The selected entrypoint to show in examples: one that works, if there is one."""
        ranked = sorted(self.entrypoints, key=lambda one: one.check.rank)
        return next(iter(ranked), None)


def read_discovery(target: Path) -> Discovery:
    """Read the folder; if it does not exist yet, what its place shows.

    Args:
        target: The absolute path of the folder.
    """
    files = Folder(target)
    config_file, recorded = read_record(files)
    license_file, license_name = read_license(files)
    found = Discovery(
        folder=target.name,
        module=_own_package(target) or slug(target.name),
        repo=_guess_repo(target),
        author=_find_author(files),
        description=_find_description(files),
        readme=find_readme(files),
        tag=_find_tag(files),
        year=dt.datetime.now(tz=dt.timezone.utc).year,
        license=license_name or next(find_licenses(files), ""),
        license_file=license_file,
        has_hubconf=(target / "hubconf.py").is_file(),
        config_file=config_file,
        template=recorded.pop("template", ""),
        answers=tuple(recorded.items()),
        present=tuple(_present(target)),
        requirement=find_requirement(),
        host=read_host(target),
    )
    return _with_models(found, target) if target.is_dir() else found


def _with_models(found: Discovery, target: Path) -> Discovery:
    files = open_target(target)
    has_code = any(path.endswith(".py") for path in files.paths())
    recorded = {name for name, _ in found.answers}
    is_ours = not found.has_hubconf or bool(recorded & {"entrypoint", "entrypoints"})
    found = replace(found, has_code=has_code, is_ours=is_ours)
    if not has_code or (found.has_hubconf and "entrypoints" not in recorded):
        return found
    discovery = discover_models(files)
    proposals, leftovers = propose(discovery)
    return replace(
        found,
        proposals=proposals,
        leftovers=leftovers,
        weights=discovery.weights,
        urls=tuple(url for url, path in discovery.urls if not path.endswith(".py")),
        proposed=suggest_names(proposals),
    )


def open_target(target: Path) -> Files:
    """The target's files: those that git tracks, or all if git tracks no code or fails."""
    try:
        files = open_files(target)
    except GitRepoError:
        return Folder(target)
    tracks_code = any(path.endswith(".py") for path in files.paths())
    return files if tracks_code else Folder(target)


def _present(target: Path) -> Iterator[str]:
    for folder in ("", ".github/workflows/"):
        if not is_inside(target, target / folder):
            continue
        paths = (target / folder).glob("*")
        yield from sorted(f"{folder}{path.name}" for path in paths if path.is_file())


def _find_author(files: Files) -> str:
    """The author that the project declares, or git's user; "The <folder> authors" by default."""
    names = [*find_authors(files), git_output(files.root, "config", "--get", "user.name")]
    cleaned = (" ".join(name.split()).strip(" .,;") for name in names)
    return next(filter(_is_line, cleaned), f"The {files.root.name} authors")


def _find_description(files: Files) -> str:
    """What the project does, on one line; "Models of <folder>." by default."""
    lines = (" ".join(text.split()) for text in find_descriptions(files))
    return next(filter(_is_line, lines), f"Models of {files.root.name}.")


def _is_line(text: str) -> bool:
    return bool(text) and text.isprintable() and len(text) <= MAX_LINE


def _find_tag(files: Files) -> str:
    """The tag of the version that files declare, or the one after the last tag."""
    # A folder inside another repo does not have that repo's tags.
    is_root = read_work_tree(files.root) == files.root.resolve()
    previous = git_output(files.root, "describe", "--tags", "--abbrev=0") if is_root else ""
    versions = read_versions(files, _packages(files.root))
    return declared_tag(versions, previous) or following_tag(previous)


def _guess_repo(target: Path) -> str:
    remote = read_remote(target)
    if remote and read_work_tree(target) == target.resolve():
        return remote
    # A folder inside another repo is not that repo, but likely has the same owner.
    owner = git_output(target, "config", "--get", "github.user") or remote.partition("/")[0]
    return f"{owner or PLACEHOLDER_OWNER}/{repo_slug(target.name) or 'models'}"


def _packages(target: Path) -> list[str]:
    found = (path.parent.name for path in sorted(target.glob("*/__init__.py")))
    return [name for name in found if name not in _NOT_PACKAGES]


def _own_package(target: Path) -> str:
    packages = [name for name in _packages(target) if not is_reserved(name)]
    return packages[0] if len(packages) == 1 else ""
