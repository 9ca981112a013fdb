"""Which folder is meant, and may its code run?"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit import hubdir
from hubkit.errors import HubconfNotFoundError, RepoNotFoundError, RepoSpecError
from hubkit.facts import FetchPolicy
from hubkit.records import dataclass

if TYPE_CHECKING:
    from hubkit.facts import CachedRepo, RepoRef
    from hubkit.facts.hubdir import TrustRepo
    from hubkit.lockfile import Lockfile

log = logging.getLogger("hubkit")

_told: set[RepoRef] = set()

_SOURCES = ("github", "local")
# What torch.hub takes for a repo on GitHub. A folder of that name in the working directory must
# not come before it: its code would run without having been trusted.
_ON_GITHUB = re.compile(r"[\w-][\w.-]*/[\w.-]+(:.*)?")


@dataclass(frozen=True, slots=True)
class Request:
    """Which repo is meant and how far to go for it: the arguments of ``load``."""

    repo: str | os.PathLike[str]
    source: str = "github"
    trust_repo: TrustRepo = "check"
    force_reload: bool = False
    verbose: bool = True
    skip_validation: bool = False
    max_age: float | None = None
    lockfile: Lockfile | None = None

    @property
    def policy(self) -> FetchPolicy:
        """How far to go."""
        return FetchPolicy(
            refresh=self.force_reload,
            max_age=self.max_age,
            skip_validation=self.skip_validation,
        )


@dataclass(frozen=True, slots=True)
class Located:
    """A repo's folder.

    Attributes:
        root: The folder that holds ``hubconf.py``.
        repo: The repo on a host that it is a copy of, or None for a folder of the user's.
    """

    root: Path
    repo: RepoRef | None


def locate(request: Request) -> Located:
    """The repo's folder, fetched if it is not there.

    Raises:
        RepoSpecError: The repo or the source makes no sense.
        HubconfNotFoundError: A folder is meant and has no hubconf.
        FetchError: The repo cannot be fetched.
    """
    folder = _find_folder(request)
    if folder is not None:
        return Located(folder, None)
    repo = _parse(request)
    return Located(_fetch(repo, request).path, repo)


def locate_trusted(request: Request) -> Located:
    """The same, for a repo whose code is to run.

    Raises:
        UntrustedRepoError: Nobody said that the repo is trusted.
    """
    folder = _find_folder(request)
    if folder is not None:
        return Located(folder, None)
    repo = _parse(request)
    must_record = hubdir.require_trust(repo, request.trust_repo)
    cached = _fetch(repo, request)
    if must_record:
        hubdir.record_trust(repo)
    hubdir.keep_link(cached)
    return Located(cached.path, repo)


def _find_folder(request: Request) -> Path | None:
    """The local folder that is meant, or None when a repo on a host is."""
    source = request.source.lower()
    if source not in _SOURCES:
        raise RepoSpecError(
            f"Unknown source {request.source!r}.", hint='It is "github" or "local".'
        )
    folder = Path(request.repo).expanduser()
    if source == "local" or not isinstance(request.repo, str):
        _require_hubconf_in(folder)
        return folder
    if _ON_GITHUB.fullmatch(request.repo):
        return None
    return folder if (folder / "hubconf.py").is_file() else None


def _parse(request: Request) -> RepoRef:
    text = os.fspath(request.repo)
    try:
        return hubdir.parse_repo(text)
    except RepoSpecError:
        if Path(text).expanduser().is_dir():
            _require_hubconf_in(Path(text).expanduser())
        raise


def _fetch(repo: RepoRef, request: Request) -> CachedRepo:
    if request.lockfile is not None:
        return _fetch_pinned(repo, request.lockfile, request.policy)
    try:
        cached = hubdir.fetch_repo(repo, request.policy)
    except RepoNotFoundError as error:
        if (Path(request.repo) / "hubconf.py").is_file():
            error.hint = f'The folder {request.repo} is meant? Pass source="local".'
        raise
    if cached.from_cache and not (cached.path / "hubconf.py").is_file():
        raise HubconfNotFoundError(
            f"There is no hubconf.py in {cached.path}, the copy of {repo}.",
            hint="If the repo has one, the copy is damaged; fetch it afresh: force_reload=True",
        )
    if request.verbose:
        if cached.from_cache:
            log.info("Using cache found in %s", cached.path)
        _tell_pin(cached)
    return cached


def _fetch_pinned(repo: RepoRef, lockfile: Lockfile, policy: FetchPolicy) -> CachedRepo:
    pin = lockfile.repo(str(repo))
    # The digest says more than the history of the repo could: the tag may have moved since.
    exact = replace(policy, digest=pin.digest, skip_validation=True)
    return hubdir.fetch_repo(replace(repo, ref=pin.sha), exact)


def _tell_pin(cached: CachedRepo) -> None:
    """Say once how to get this very commit again."""
    repo = cached.repo
    if cached.sha is not None and cached.sha != (repo.ref or "").lower():
        pinned = replace(repo, ref=cached.sha)
        if pinned not in _told:
            _told.add(pinned)
            log.info('%s is now the commit "%s"; ask for that to pin it', repo, pinned)


def _require_hubconf_in(folder: Path) -> None:
    if (folder / "hubconf.py").is_file():
        return
    if not folder.is_dir():
        raise HubconfNotFoundError(f"There is no folder {folder}.")
    below = sorted(path.parent for path in folder.glob("*/hubconf.py"))
    hint = f"There is one in {below[0]}: is that the repo?" if below else ""
    raise HubconfNotFoundError(f"There is no hubconf.py in {folder}.", hint=hint)
