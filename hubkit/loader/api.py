"""``load``, ``list``, ``help`` and ``locate_repo``, with ``torch.hub``'s signatures.

Messages such as "Using cache found in ..." go to the logger ``hubkit`` at level INFO, which Python
does not show by default. Nothing is written to standard output.
"""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from hubkit import hubdir
from hubkit.errors import RepoSpecError, UntrustedRepoError, entrypoint_not_found
from hubkit.hubdir.spec import parse_spec
from hubkit.loader.dependencies import require_dependencies, torch_is_missing
from hubkit.loader.locate import (
    Located,
    Request,
    get_cache_or_reload,
    locate,
    locate_trusted,
    parse_repo_info,
)
from hubkit.loader.weights import download_nested_file, load_nested_state_dict, nested_max_age
from hubkit.runtime import (
    NO_BYTECODE,
    CodePolicy,
    HubFunctions,
    find_hubconf,
    import_hubconf,
    import_own,
    name_repo,
)

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

    from hubkit.facts import Hubconf, RepoRef
    from hubkit.facts.hubdir import TrustRepo
    from hubkit.lockfile import Lockfile
    from hubkit.runtime import LoadedHubconf

# Imports that fail while torch.hub replaces the folder.
_RETRIES = 5


def load(
    repo_or_dir: str | os.PathLike[str] = "",
    model: str = "",
    /,
    *args: object,
    source: str = "github",
    trust_repo: TrustRepo = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    max_age: float | None = None,
    lockfile: str | os.PathLike[str] | None = None,
    kwargs: Mapping[str, object] | None = None,
    **more: object,
) -> Any:  # noqa: ANN401
    """Call an entrypoint of a hub repo and return its result, usually a model.

    Args:
        repo_or_dir: ``owner/name[:ref]``, a URL of a repo, or a folder with a ``hubconf.py``. A
            folder is written ``./folder``, as an absolute path, ``~/folder`` or a ``Path``; other
            text names a repo, unless ``source="local"``.
        model: Name of the entrypoint. Both can be passed by name too, as to ``torch.hub.load``.
        *args: Passed to the entrypoint.
        source: "github", or "local" for folders only.
        trust_repo: True trusts the repo from now on, "check" asks unless the repo is
            trusted already, False always asks. Folders need no trust.
        force_reload: Fetch the repo, and the weights that the entrypoint loads, again.
        verbose: Log where the repo is, and once how to pin it.
        skip_validation: Do not check that a commit belongs to this repo.
        max_age: Check whether the branch or tag has moved if the last check is older than this
            many seconds; 0 always checks, None never does. ``$HUBKIT_MAX_AGE`` by default. Applies to
            the weights that the entrypoint loads too. If the host cannot be reached, the cached copy
            is used.
        lockfile: A ``hubkit.lock``. The repo, the repos that its code loads, and all checkpoints
            must match it. ``$HUBKIT_LOCKFILE`` by default.
        kwargs: More arguments for the entrypoint, whose names may be those of parameters above:
            ``kwargs={"source": ...}`` passes ``source`` to the entrypoint.
        **more: Passed to the entrypoint.

    Raises:
        RepoSpecError: ``repo_or_dir`` or ``source`` is invalid.
        FetchError: The repo cannot be fetched.
        LockfileError: The lock file does not contain the repo.
        UntrustedRepoError: The repo is not trusted.
        HubconfError: There is no hubconf or no such entrypoint, or modules that the hubconf
            declares are not installed. That is checked before any of its code runs.
    """
    repo_or_dir = repo_or_dir or _by_name("repo_or_dir", more)
    model = model or _by_name("model", more)
    _require_name(model)
    lock = _find_lockfile(lockfile)
    request = Request(
        repo_or_dir, source, trust_repo, force_reload, verbose, skip_validation, max_age, lock
    )
    loaded = _import(request)
    if max_age is None:
        return _call(loaded, model, *args, **more, **(kwargs or {}))
    with nested_max_age(max_age):
        return _call(loaded, model, *args, **more, **(kwargs or {}))


def import_module(
    repo_or_dir: str | os.PathLike[str],
    name: str,
    *,
    source: str = "github",
    trust_repo: TrustRepo = "check",
    lockfile: str | os.PathLike[str] | None = None,
) -> ModuleType:
    """Import a module of a hub repo, such as ``models.net``, under the name that the repo gives it.

    Args:
        repo_or_dir: As for `load`.
        name: The module's name in the repo.
        source: As for `load`.
        trust_repo: As for `load`.
        lockfile: As for `load`.

    Raises:
        ModuleNotFoundError: The repo has no such module.
        Exception: As for `load`.
    """
    lock = _find_lockfile(lockfile)
    loaded = _import(Request(repo_or_dir, source, trust_repo, verbose=False, lockfile=lock))
    with loaded.active():
        return import_own(loaded.namespace, name)


@contextlib.contextmanager
def modules_of(
    repo_or_dir: str | os.PathLike[str],
    *,
    source: str = "github",
    trust_repo: TrustRepo = "check",
    lockfile: str | os.PathLike[str] | None = None,
) -> Iterator[None]:
    """Make a hub repo's modules importable in a ``with`` block, as they are to the repo's own code.

    ::

        with hubkit.modules_of("owner/name"):
            model = torch.load("best.pt", weights_only=False)  # names models.net.Net

    Only the current thread, or asyncio task, is affected, and only names that cannot be imported
    otherwise.

    Args:
        repo_or_dir: As for `load`.
        source: As for `load`.
        trust_repo: As for `load`.
        lockfile: As for `load`.
    """
    lock = _find_lockfile(lockfile)
    loaded = _import(Request(repo_or_dir, source, trust_repo, verbose=False, lockfile=lock))
    with loaded.active():
        yield


def list(
    github: str | os.PathLike[str],
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: TrustRepo = "check",
    verbose: bool = True,
    *,
    max_age: float | None = None,
    lockfile: str | os.PathLike[str] | None = None,
) -> builtins.list[str]:
    """List the names of a hub repo's entrypoints, sorted.

    Unlike ``torch.hub.list``, this reads source and runs nothing, unless the hubconf defines names
    at run time. So it needs neither trust nor the repo's dependencies, and omits helpers that the
    hubconf only imports.

    Args:
        github: As ``repo_or_dir`` of `load`.
        force_reload: Fetch the repo again.
        skip_validation: Do not check that a commit belongs to this repo.
        trust_repo: As for `load`. True is recorded; other values matter only if code has to run.
            For a folder that takes True.
        verbose: Log where the repo is, and once how to pin it.
        max_age: As for `load`.
        lockfile: As for `load`.
    """
    lock = _find_lockfile(lockfile)
    request = Request(
        github, "github", trust_repo, force_reload, verbose, skip_validation, max_age, lock
    )
    hubconf = _read_hubconf(_locate_to_read(request).root)
    if hubconf.has_dynamic_names:
        leaks = {leak.name for leak in hubconf.leaks}
        names = _probe_names(request)
        listed = [name for name in names if name not in leaks]
    else:
        listed = sorted(hubconf.names)
    from hubkit.loader.views import Names

    return Names(listed, os.fspath(github), hubconf)


def help(
    github: str | os.PathLike[str],
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: TrustRepo = "check",
    *,
    max_age: float | None = None,
    lockfile: str | os.PathLike[str] | None = None,
) -> str | None:
    """Return the docstring of an entrypoint, or None if it has none.

    Like `list`, this runs the repo's code only if the docstring is defined at run time.

    Args:
        github: As ``repo_or_dir`` of `load`.
        model: Name of the entrypoint.
        force_reload: Fetch the repo again.
        skip_validation: Do not check that a commit belongs to this repo.
        trust_repo: As for `load`. True is recorded; other values matter only if code has to run.
            For a folder that takes True.
        max_age: As for `load`.
        lockfile: As for `load`.
    """
    _require_name(model)
    lock = _find_lockfile(lockfile)
    request = Request(
        github, "github", trust_repo, force_reload, True, skip_validation, max_age, lock
    )
    located = _locate_to_read(request)
    hubconf = _read_hubconf(located.root)
    entrypoint = hubconf.entrypoint(model)
    if entrypoint is not None and entrypoint.docstring is not None:
        from hubkit.loader.views import Help

        return Help(entrypoint.docstring, entrypoint)
    if entrypoint is None and not hubconf.has_dynamic_names:
        raise entrypoint_not_found(model, hubconf.names, f"is not in {located.hubconf}")
    if entrypoint is not None and entrypoint.kind == "function" and not _may_probe(request):
        return None
    return _probe_help(request, model)


def locate_repo(
    repo_or_dir: str | os.PathLike[str], lockfile: str | os.PathLike[str] | None = None
) -> Path:
    """Return the folder of a repo, fetched if necessary. Runs nothing, so it needs no trust.

    Args:
        repo_or_dir: As for `load`.
        lockfile: As for `load`.
    """
    return locate(Request(repo_or_dir, lockfile=_find_lockfile(lockfile))).root


def _read_hubconf(root: Path) -> Hubconf:
    from hubkit.analysis import read_repo, require_hubconf

    return require_hubconf(read_repo(root))


def _locate_to_read(request: Request) -> Located:
    """Locate a repo; reading needs no trust, but like torch, record it if the caller trusts."""
    return locate_trusted(request) if request.trust is True else locate(request)


def _probe_names(request: Request) -> tuple[str, ...]:
    from hubkit.runtime.probe import list_names

    located = _locate_to_probe(request)
    require_dependencies(located.root, located.hubconf)
    return list_names(located.root, source_only=located.repo is not None)


def _probe_help(request: Request, model: str) -> str | None:
    from hubkit.runtime.probe import read_help

    located = _locate_to_probe(request)
    require_dependencies(located.root, located.hubconf)
    return read_help(located.root, model, source_only=located.repo is not None)


def _locate_to_probe(request: Request) -> Located:
    """Locate a repo whose code has to run for `list` or `help`.

    Unlike `load`, these do not imply that the code of a folder may run.
    """
    located = locate_trusted(request)
    if not _may_probe(request):
        raise UntrustedRepoError(
            f"{located.hubconf} creates its entrypoints at run time, so hubkit has to run it.",
            repo=str(located.root),
            hint="If you trust its code, pass trust_repo=True.",
        )
    return located


def _may_probe(request: Request) -> bool:
    """Whether the code of a repo that has been located may run for `list` or `help`."""
    return request.trust is True or not isinstance(parse_spec(request.repo, request.source), Path)


def _call(loaded: LoadedHubconf, model: str, /, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
    try:
        return loaded.call(model, *args, **kwargs)
    except TypeError as error:
        _suggest_keyword(error, loaded.entrypoint(model), kwargs)
        raise


def _suggest_keyword(
    error: TypeError, entrypoint: Callable[..., object], kwargs: Mapping[str, object]
) -> None:
    """Add the right name to the error of a call with a misspelled keyword."""
    import inspect

    from hubkit._util.text import did_you_mean

    try:
        known = inspect.signature(entrypoint).parameters
    except (TypeError, ValueError):
        return
    text = str(error)
    wrong = next((name for name in kwargs if name not in known and f"'{name}'" in text), "")
    hint = did_you_mean(wrong, [*known, *inspect.signature(load).parameters])
    if wrong and hint and "Did you mean" not in text:  # Python 3.15 has its own suggestions
        error.args = (f"{text}. {hint}",)


def _by_name(name: str, arguments: dict[str, object]) -> Any:  # noqa: ANN401
    """Take an argument of `load` that was passed by name."""
    if name not in arguments:
        raise TypeError(f"load() missing required argument: {name!r}")
    return arguments.pop(name)


def _require_name(model: object) -> None:
    if not isinstance(model, str):
        raise RepoSpecError(f"The name of an entrypoint must be a string, not {model!r}.")


def _find_lockfile(path: str | os.PathLike[str] | None) -> Lockfile | None:
    if path is None and "HUBKIT_LOCKFILE" not in os.environ:
        return None  # as `find_lockfile` does, but without importing it
    from hubkit.lockfile import find_lockfile

    return find_lockfile(path)


def _import(request: Request) -> LoadedHubconf:
    for _ in range(_RETRIES):
        located = locate_trusted(request)
        before = hubdir.glance_at(located.root)
        try:
            return _import_located(located, request)
        except Exception:
            if located.repo is None or not hubdir.is_changing(located.root, before):
                raise
    return _import_located(locate_trusted(request), request)


def _import_located(located: Located, request: Request) -> LoadedHubconf:
    hub = hub_functions(located.repo, request.lockfile)
    loaded = find_hubconf(located.root, hub=hub, lock=request.lockfile)
    if loaded is not None:
        return replace(loaded, title=located.hubconf)
    if located.repo is not None:
        hubdir.hold_tree(located.root)
        if not located.root.is_dir():  # another process removed it just before
            located = locate_trusted(request)
            hubdir.hold_tree(located.root)
    require_dependencies(located.root, located.hubconf)
    try:
        loaded = import_hubconf(located.root, hub=hub, policy=_policy(located, request.lockfile))
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise torch_is_missing(f"{located.hubconf} needs torch") from error
        raise
    return replace(loaded, title=located.hubconf)


def _policy(located: Located, lockfile: Lockfile | None) -> CodePolicy:
    """How the code of a repo is imported; with a lock file, from its source alone."""
    repo, sha = located.repo, located.sha
    if repo is None:
        return CodePolicy(lock=lockfile)
    package = name_repo(repo, sha) if sha else ""
    if lockfile is not None:
        digest = lockfile.repo(str(repo)).digest
        policy = CodePolicy(is_fixed=True, bytecode=NO_BYTECODE, digest=digest, lock=lockfile)
    else:
        policy = CodePolicy(is_fixed=True, bytecode=str(hubdir.bytecode_folder(located.root)))
    return replace(policy, package=package, label=str(repo))


@functools.cache
def hub_functions(repo: RepoRef | None, lockfile: Lockfile | None) -> HubFunctions:
    """What a repo's calls of torch.hub call."""
    path = None if lockfile is None else lockfile.path
    return HubFunctions(
        load=functools.partial(load, lockfile=path),
        list=functools.partial(list, lockfile=path),
        help=functools.partial(help, lockfile=path),
        load_state_dict_from_url=functools.partial(
            load_nested_state_dict, repo=repo, lockfile=lockfile
        ),
        download_url_to_file=functools.partial(download_nested_file, lockfile=lockfile),
        get_dir=hubdir.get_own_dir,
        set_dir=hubdir.set_dir,
        _get_cache_or_reload=functools.partial(get_cache_or_reload, lockfile=lockfile),
        _parse_repo_info=parse_repo_info,
    )
