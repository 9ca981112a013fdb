"""What a target folder and git already tell, so that questions have good defaults."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit._util.parse import find_value, read_toml
from hubkit._util.paths import is_inside
from hubkit._util.urls import github_repo
from hubkit.errors import GitRepoError
from hubkit.scaffold.about import read_author, read_description, read_readme
from hubkit.scaffold.git import read_git, read_work_tree
from hubkit.scaffold.licenses import read_license
from hubkit.scaffold.model_discovery import discover_models
from hubkit.scaffold.names import is_reserved, repo_slug, slug
from hubkit.scaffold.proposals import propose
from hubkit.scaffold.selection import NONE, suggest_names
from hubkit.source import Folder, open_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import Files
    from hubkit.scaffold.code import Code
    from hubkit.scaffold.model_weights import WeightsFile
    from hubkit.scaffold.proposals import Leftover, Proposal

UNKNOWN_OWNER = "your-name"
FIRST_TAG = "v0.1.0"
_NOT_PACKAGES = {"tests", "test", "docs", "examples", "scripts", "build", "dist"}


class Discovery(Struct, frozen=True):
    """What the target tells. Templates see this value as ``found``.

    Attributes:
        folder: The target's name.
        module: A package name for it: its own package when it has just one, else made from the
            folder's name; empty when neither gives one.
        repo: ``owner/name`` from the git remote, else guessed.
        author: From the project's metadata, its licence or git's configuration, else "The <folder>
            authors".
        year: The current year.
        description: From the project's metadata or its README, else "Models of <folder>."
        readme: Name of the README, or "".
        tag: The tag of the first release; "" when there are tags already.
        license: SPDX identifier of the licence file, or "" when there is none.
        license_file: Its name, or "".
        has_code: Whether there is Python code of somebody's.
        has_hubconf: Whether there is a ``hubconf.py``.
        config_file: Name of the file that configures hubkit there, or "".
        template: The template that an earlier run recorded, or "".
        answers: The answers that an earlier run recorded.
        present: Files that are there already, at the root and among the workflows.
        is_ours: Whether the hubconf is for init to write: there is none, or an earlier run made it.
        proposals: Models that could be entrypoints, the best first.
        leftovers: Models that could not, with the reasons.
        weights: Checkpoints in the tree.
        urls: Addresses of checkpoints in the documents.
        proposed: Names of the best proposals, as an answer.
        entrypoints: The proposals that were chosen.
        code: The Python that publishes them; None when none was chosen.
        dependencies: Modules that must be there for them.
        install: The distributions of those, without torch.
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


def read_discovery(target: Path) -> Discovery:
    """What the folder tells, or what its place tells when it does not exist yet.

    Args:
        target: The absolute path of the folder.
    """
    config_file, config = _read_config(target)
    license_file, license_name = read_license(target)
    recorded = _record(config)
    found = Discovery(
        folder=target.name,
        module=_own_package(target) or slug(target.name),
        repo=_guess_repo(target),
        author=read_author(target),
        description=read_description(target),
        readme=read_readme(target),
        tag="" if read_git(target, "for-each-ref", "--count=1", "refs/tags") else FIRST_TAG,
        year=dt.datetime.now(tz=dt.timezone.utc).year,
        license=license_name,
        license_file=license_file,
        has_hubconf=(target / "hubconf.py").is_file(),
        config_file=config_file,
        template=recorded.pop("template", ""),
        answers=tuple(recorded.items()),
        present=tuple(_present(target)),
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
    """The target's files: those that git tracks, or all where it tracks no code or cannot tell."""
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


def _guess_repo(target: Path) -> str:
    remote = github_repo(read_git(target, "config", "--get", "remote.origin.url"))
    if remote and read_work_tree(target) == target.resolve():
        return "/".join(remote)
    # A folder inside somebody's repo is not that repo, but likely has the same owner.
    owner = read_git(target, "config", "--get", "github.user") or (remote and remote[0])
    return f"{owner or UNKNOWN_OWNER}/{repo_slug(target.name) or 'models'}"


def _packages(target: Path) -> list[str]:
    found = (path.parent.name for path in sorted(target.glob("*/__init__.py")))
    return [name for name in found if name not in _NOT_PACKAGES]


def _own_package(target: Path) -> str:
    packages = [name for name in _packages(target) if not is_reserved(name)]
    return packages[0] if len(packages) == 1 else ""


def _read_config(target: Path) -> tuple[str, dict[str, object]]:
    """The file that configures hubkit in the target, and its table; ("", {}) when there is none."""
    for name, keys in (("hubkit.toml", ()), ("pyproject.toml", ("tool", "hubkit"))):
        try:
            table = find_value(read_toml(target / name), *keys)
        except (OSError, ValueError):
            continue
        if isinstance(table, dict):
            return name, table
    return "", {}


def _record(config: dict[str, object]) -> dict[str, str]:
    table = config.get("init")
    items = table.items() if isinstance(table, dict) else ()
    return {str(key): _as_text(value) for key, value in items}


def _as_text(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
