"""What a target folder and git already tell, so that questions have good defaults."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from hubkit.records import dataclass
from hubkit.scaffold.git import read_git, read_work_tree
from hubkit.scaffold.licenses import read_license
from hubkit.scaffold.names import is_reserved, repo_slug, slug
from hubkit.scaffold.toml import read_toml

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN_OWNER = "your-name"
_GITHUB = re.compile(r"github\.com[:/](?P<owner>[^/:]+)/(?P<name>[^/]+?)(?:\.git)?/?$")
_NOT_PACKAGES = {"tests", "test", "docs", "examples", "scripts", "build", "dist"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the target tells. Plain texts only: templates see this value.

    Attributes:
        folder: The target's name.
        module: A package name for it: its own package when it has just one, else made from the
            folder's name; empty when neither gives one.
        repo: ``owner/name`` from the git remote, else guessed.
        author: From git's configuration, else "The <folder> authors".
        year: The current year.
        license: SPDX identifier of the licence file, or "" when there is none.
        license_file: Its name, or "".
        has_code: Whether there is Python code of somebody's.
        has_hubconf: Whether there is a ``hubconf.py``.
        config_file: Name of the file that configures hubkit there, or "".
        template: The template that an earlier run recorded, or "".
        answers: The answers that an earlier run recorded.
    """

    folder: str
    module: str
    repo: str
    author: str
    year: int
    license: str = ""
    license_file: str = ""
    has_code: bool = False
    has_hubconf: bool = False
    config_file: str = ""
    template: str = ""
    answers: tuple[tuple[str, str], ...] = ()


def read_discovery(target: Path) -> Discovery:
    """What the folder tells, or what its place tells when it does not exist yet.

    Args:
        target: The absolute path of the folder.
    """
    config_file, config = _read_config(target)
    license_file, license_name = read_license(target)
    recorded = _record(config)
    return Discovery(
        folder=target.name,
        module=_own_package(target) or slug(target.name),
        repo=_guess_repo(target),
        author=read_git(target, "config", "--get", "user.name") or f"The {target.name} authors",
        year=dt.datetime.now(tz=dt.timezone.utc).year,
        license=license_name,
        license_file=license_file,
        has_code=any(target.glob("*.py")) or bool(_packages(target)),
        has_hubconf=(target / "hubconf.py").is_file(),
        config_file=config_file,
        template=recorded.pop("template", ""),
        answers=tuple(recorded.items()),
    )


def _guess_repo(target: Path) -> str:
    remote = _GITHUB.search(read_git(target, "config", "--get", "remote.origin.url"))
    if remote and read_work_tree(target) == target.resolve():
        return f"{remote['owner']}/{remote['name']}"
    # A folder inside somebody's repo is not that repo, but likely has the same owner.
    owner = read_git(target, "config", "--get", "github.user") or (remote and remote["owner"])
    return f"{owner or UNKNOWN_OWNER}/{repo_slug(target.name)}"


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
            table: object = read_toml(target / name)
        except (OSError, ValueError):
            continue
        for key in keys:
            table = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict):
            return name, table
    return "", {}


def _record(config: dict[str, object]) -> dict[str, str]:
    table = config.get("init")
    items = table.items() if isinstance(table, dict) else ()
    return {str(key): _as_text(value) for key, value in items}


def _as_text(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
