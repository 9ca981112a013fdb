"""From the arguments of `load` to a folder whose code may run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from hubkit import hubdir
from hubkit._util.logs import log
from hubkit.errors import (
    TEMPORARY_ERRORS,
    HubconfNotFoundError,
    OfflineError,
    RepoNotFoundError,
    UsageError,
)
from hubkit.hubdir.spec import folder_hint, has_folder, parse_repo, parse_spec
from hubkit.torchhub import HUBCONF

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.facts import CachedRepo, FetchPolicy, RepoRef
    from hubkit.facts.hubdir import TrustRepo
    from hubkit.lockfile import Lockfile

_REPLACED_WITHIN = 10.0  # seconds that torch.hub may take to replace a folder
_POLL = 0.01  # seconds between two looks at a folder that is being replaced

_pins_logged: set[RepoRef] = set()
_folders_logged: set[Path] = set()


class Request(Struct, frozen=True):
    """Which repo to locate, and how: the arguments of ``load``."""

    repo: str | os.PathLike[str]
    source: str = "github"
    trust_repo: TrustRepo = "check"
    force_reload: bool = False
    verbose: bool = True
    skip_validation: bool = False
    max_age: float | None = None
    lockfile: Lockfile | None = None

    @property
    def trust(self) -> TrustRepo:
        """``trust_repo``, with 1 as True and 0 as False."""
        given = self.trust_repo
        return bool(given) if given in (0, 1) else given

    @property
    def policy(self) -> FetchPolicy:
        """How to fetch it."""
        from hubkit.facts import FetchPolicy

        return FetchPolicy(
            refresh=self.force_reload,
            max_age=find_max_age(self.max_age),
            skip_validation=self.skip_validation,
        )


class Located(Struct, frozen=True):
    """A repo's folder.

    Attributes:
        root: The folder that holds ``hubconf.py``.
        repo: The repo on a host that it is a copy of; None for a folder of the user's.
        sha: The commit; None if unknown, as for folders.
    """

    root: Path
    repo: RepoRef | None
    sha: str | None = None

    @property
    def hubconf(self) -> str:
        """Its ``hubconf.py``, for messages: a repo by its name, which says more than its path."""
        path = str(self.root / HUBCONF)
        return path if self.repo is None else f"{self.repo} ({path})"


def find_max_age(max_age: float | None) -> float | None:
    """How old a copy may be: the argument of a call, else ``$HUBKIT_MAX_AGE``, in seconds.

    Raises:
        UsageError: The variable is not a number of seconds.
    """
    if max_age is not None or not (text := os.environ.get("HUBKIT_MAX_AGE")):
        return max_age
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise UsageError(
            f"HUBKIT_MAX_AGE is {text!r}, which is not a number of seconds.",
            hint="For example: HUBKIT_MAX_AGE=86400 checks once a day, 0 each time.",
        )
    return seconds


def locate(request: Request) -> Located:
    """Return the repo's folder, fetched if necessary.

    Raises:
        RepoSpecError: The repo or the source is invalid.
        HubconfNotFoundError: It is a folder and has no hubconf.
        FetchError: The repo cannot be fetched.
    """
    return _locate(request, _fetch)


def locate_trusted(request: Request) -> Located:
    """Return the folder of a repo whose code will run.

    Raises:
        UntrustedRepoError: The repo is not trusted.
        RepoSpecError, HubconfNotFoundError, FetchError: As for `locate`.
    """
    return _locate(request, _fetch_trusted)


def _locate(request: Request, fetch: Callable[[RepoRef, Request], CachedRepo]) -> Located:
    spec = parse_spec(request.repo, request.source)
    if isinstance(spec, Path):
        _require_hubconf_in(spec)
        return Located(spec, None)
    cached = fetch(spec, request)
    return Located(cached.path, spec, cached.sha)


def get_cache_or_reload(
    github: str,
    force_reload: bool,
    trust_repo: TrustRepo,
    verbose: bool = True,
    skip_validation: bool = False,
    *,
    calling_fn: object = None,  # noqa: ARG001 - of older versions of torch
    lockfile: Lockfile | None = None,
) -> str:
    """Return the folder of a repo that is trusted, as torch.hub's function of that name."""
    request = Request(
        github, "github", trust_repo, force_reload, verbose, skip_validation, lockfile=lockfile
    )
    repo = parse_spec(github, "github")
    if isinstance(repo, Path):
        return str(locate(request).root)
    cached = _fetch_trusted(repo, request)
    return str(cached.path if lockfile else hubdir.find_folder(cached))


def parse_repo_info(github: str) -> tuple[str, str, str]:
    """Return a repo's owner, name and ref, as torch.hub's function of that name.

    Raises:
        RepoSpecError: It is not a repo.
        FetchError: No ref is given, and the default branch is not known.
    """
    from hubkit.facts import FetchPolicy

    repo = parse_repo(github)
    if repo.ref is not None:
        return repo.owner, repo.name, repo.ref
    try:
        ref = hubdir.resolve_ref(repo, FetchPolicy()).short_name
    except (*TEMPORARY_ERRORS, OfflineError):
        cached = hubdir.find_cached(repo)
        if cached is None or cached.ref is None:
            raise
        ref = cached.ref
    return repo.owner, repo.name, ref


def _fetch_trusted(spec: RepoRef, request: Request) -> CachedRepo:
    may_reuse = not request.force_reload and find_max_age(request.max_age) is None
    must_record = hubdir.require_trust(spec, request.trust, is_cached=may_reuse)
    cached = _fetch(spec, request)
    if cached.moved_to is not None:
        hubdir.require_moved_trust(spec, cached.moved_to, request.trust)
    if must_record:
        hubdir.record_trust(spec)
    elif not cached.from_cache:
        hubdir.ensure_trusted_list()
    hubdir.ensure_folder(cached)
    return cached


def _fetch(repo: RepoRef, request: Request) -> CachedRepo:
    _warn_of_folder(repo, request)
    if request.lockfile is not None:
        return _fetch_pinned(repo, request.lockfile, request.policy)
    try:
        cached = _fetch_settled(repo, request.policy)
    except RepoNotFoundError as error:
        if has_folder(request.repo):
            error.hint = f'{folder_hint(str(request.repo))[:-1]}, or pass source="local".'
        raise
    if cached.from_cache and not has_folder(cached.path):
        raise HubconfNotFoundError(
            f"There is no hubconf.py in the copy of {repo}, {cached.path}.",
            hint="If the repo has one, the copy is damaged. Fetch it again: force_reload=True",
        )
    if request.verbose:
        if cached.from_cache:
            log.info("Using cache found in %s", cached.path)
        _log_pin(cached)
    return cached


def _fetch_settled(repo: RepoRef, policy: FetchPolicy) -> CachedRepo:
    """Fetch a repo; do it again while torch.hub removes or replaces the copy."""
    until = time.monotonic() + _REPLACED_WITHIN
    while True:
        cached = hubdir.fetch_repo(repo, policy)
        if not cached.from_cache or has_folder(cached.path) or time.monotonic() > until:
            return cached
        before = hubdir.glance_at(cached.path)
        if not hubdir.is_changing(cached.path, before):
            return cached
        time.sleep(_POLL)


def _warn_of_folder(repo: RepoRef, request: Request) -> None:
    """If a folder has the name of the repo, log once that the repo is used."""
    if (
        has_folder(request.repo)
        and (folder := Path(request.repo).absolute()) not in _folders_logged
    ):
        _folders_logged.add(folder)
        host = repo.host or "this machine"
        hint = folder_hint(str(request.repo))
        log.warning(
            "Loading the repo %s on %s, not the folder of that name. %s", request.repo, host, hint
        )


def _fetch_pinned(repo: RepoRef, lockfile: Lockfile, policy: FetchPolicy) -> CachedRepo:
    pin = lockfile.repo(str(repo))
    # The digest proves more than the history of the repo could: the tag may have moved since.
    exact = replace(policy, digest=pin.digest, skip_validation=True)
    return hubdir.fetch_repo(replace(repo, ref=pin.sha), exact)


def _log_pin(cached: CachedRepo) -> None:
    """Log once how to load this commit again."""
    repo = cached.repo
    if cached.sha is not None and cached.sha != (repo.ref or "").lower():
        pinned = replace(repo, ref=cached.sha)
        if pinned not in _pins_logged:
            _pins_logged.add(pinned)
            log.info('%s is now at "%s". Load that to pin it.', repo, pinned)


def _require_hubconf_in(folder: Path) -> None:
    if has_folder(folder):
        return
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - "." and ".." say nothing in a message
    if not folder.exists():
        raise HubconfNotFoundError(f"There is no folder {folder}.")
    if not folder.is_dir():
        raise HubconfNotFoundError(f"{folder} is not a folder.")
    below = sorted(path.parent for path in folder.glob("*/hubconf.py"))
    hint = f"There is one in {below[0]}. Is that the repo?" if below else ""
    raise HubconfNotFoundError(f"There is no hubconf.py in {folder}.", hint=hint)
