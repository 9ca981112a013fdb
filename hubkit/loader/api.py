"""``load``, ``list``, ``help`` and the functions for weights, with ``torch.hub``'s signatures.

Messages such as "Using cache found in ..." go to the logger ``hubkit`` at level INFO, which
Python shows nowhere unless asked; standard output is never written to.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubkit import hubdir
from hubkit.analysis import read_dependencies, read_repo, require_hubconf
from hubkit.errors import RepoSpecError, UntrustedRepoError, entrypoint_not_found
from hubkit.hubdir.spec import parse_spec
from hubkit.loader.dependencies import no_torch, require_dependencies
from hubkit.loader.locate import Located, Request, locate, locate_trusted
from hubkit.loader.weights import asking_again, download_nested_file, load_nested_state_dict
from hubkit.lockfile import find_lockfile
from hubkit.runtime import (
    NO_BYTECODE,
    CodePolicy,
    HubFunctions,
    find_hubconf,
    import_hubconf,
)
from hubkit.runtime.probe import list_names, read_help

if TYPE_CHECKING:
    import builtins
    import os
    from collections.abc import Mapping

    from hubkit.facts import RepoRef
    from hubkit.facts.hubdir import TrustRepo
    from hubkit.lockfile import Lockfile
    from hubkit.runtime import LoadedHubconf


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
    """Call an entrypoint of a hub repo and give what it gives, usually a model.

    Args:
        repo_or_dir: ``owner/name[:ref]``, a URL of a repo, or a folder with a ``hubconf.py``. A
            folder is written ``./folder``, as an absolute path, ``~/folder`` or a ``Path``; other
            text names a repo, unless ``source="local"``.
        model: Name of the entrypoint. Both may be given by name too, as for ``torch.hub.load``.
        *args: Passed on to the entrypoint.
        source: "github", or "local" for folders only.
        trust_repo: True trusts the repo from now on, "check" asks on a terminal unless it is
            trusted already, False asks always. Folders need no trust.
        force_reload: Fetch the repo, and the weights that the entrypoint asks for, afresh.
        verbose: Log where the repo was found, and once how to pin it.
        skip_validation: Do not insist that a commit belongs to this very repo.
        max_age: Ask the host whether the branch or tag has moved when it was last asked longer ago
            than this, in seconds; 0 asks each time, None never. So too for the weights that the
            entrypoint asks for. A copy that is there is used when the host cannot be reached.
        lockfile: A ``hubkit.lock``: the repo, the repos that its code loads in turn, and all
            checkpoints must be just what that says. ``$HUBKIT_LOCKFILE`` by default.
        kwargs: More arguments for the entrypoint, for those that have a name of ours: an
            entrypoint's own ``source`` is reached by ``kwargs={"source": ...}``.
        **more: Passed on to the entrypoint.

    Raises:
        RepoSpecError: ``repo_or_dir`` or ``source`` makes no sense.
        FetchError: The repo cannot be fetched.
        LockfileError: The lock file does not say what is asked for.
        UntrustedRepoError: The repo is not trusted, and there is nobody to ask.
        HubconfError: The hubconf is missing or has no such entrypoint, or modules that it
            declares are not installed; the latter is said before any of its code runs.
    """
    repo_or_dir = repo_or_dir or _by_name("repo_or_dir", more)
    model = model or _by_name("model", more)
    _require_name(model)
    pins = find_lockfile(lockfile)
    request = Request(
        repo_or_dir, source, trust_repo, force_reload, verbose, skip_validation, max_age, pins
    )
    loaded = _import(request)
    with asking_again(max_age):
        return loaded.call(model, *args, **more, **(kwargs or {}))


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
    """Names of the entrypoints of a hub repo, sorted.

    Unlike ``torch.hub.list`` this reads source and runs nothing, unless the hubconf makes names
    at run time; so it needs neither trust nor the repo's dependencies, and helpers that the
    hubconf merely imports are left out.

    Args:
        github: As ``repo_or_dir`` of `load`.
        force_reload: Fetch the repo afresh.
        skip_validation: Do not insist that a commit belongs to this very repo.
        trust_repo: As for `load`. True is remembered; else it matters only if code has to run,
            which for a folder takes True.
        verbose: Log where the repo was found, and once how to pin it.
        max_age: As for `load`.
        lockfile: As for `load`.
    """
    pins = find_lockfile(lockfile)
    request = Request(
        github, "github", trust_repo, force_reload, verbose, skip_validation, max_age, pins
    )
    root = _locate_to_read(request).root
    hubconf = require_hubconf(read_repo(root))
    if hubconf.has_dynamic_names:
        leaks = {leak.name for leak in hubconf.leaks}
        names = _probe_names(request)
        return [name for name in names if name not in leaks]
    return sorted(entrypoint.name for entrypoint in hubconf.entrypoints)


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
    """The docstring of an entrypoint, or None when it has none.

    Runs the repo's code only where its source does not tell, as `list` does.

    Args:
        github: As ``repo_or_dir`` of `load`.
        model: Name of the entrypoint.
        force_reload: Fetch the repo afresh.
        skip_validation: Do not insist that a commit belongs to this very repo.
        trust_repo: As for `load`. True is remembered; else it matters only if code has to run,
            which for a folder takes True.
        max_age: As for `load`.
        lockfile: As for `load`.
    """
    _require_name(model)
    pins = find_lockfile(lockfile)
    request = Request(
        github, "github", trust_repo, force_reload, True, skip_validation, max_age, pins
    )
    root = _locate_to_read(request).root
    hubconf = require_hubconf(read_repo(root))
    entrypoint = hubconf.entrypoint(model)
    if entrypoint is not None and entrypoint.docstring is not None:
        return entrypoint.docstring
    if entrypoint is None and not hubconf.has_dynamic_names:
        names = tuple(found.name for found in hubconf.entrypoints)
        raise entrypoint_not_found(model, names, f"is not in {root / 'hubconf.py'}")
    if entrypoint is not None and entrypoint.kind == "function" and not _may_probe(request):
        return None
    return _probe_help(request, model)


def locate_repo(
    repo_or_dir: str | os.PathLike[str],
    source: str = "github",
    *,
    force_reload: bool = False,
    skip_validation: bool = False,
) -> Path:
    """The folder of a repo, fetched if it is not there; needs no trust since nothing runs.

    Args:
        repo_or_dir: As for `load`.
        source: "github", or "local" for folders only.
        force_reload: Fetch it afresh.
        skip_validation: Do not insist that a commit belongs to this very repo.
    """
    request = Request(
        repo_or_dir, source, force_reload=force_reload, skip_validation=skip_validation
    )
    return locate(request).root


def _locate_to_read(request: Request) -> Located:
    """The repo's folder; reading needs no trust, but trust that is given is kept, as by torch."""
    return locate_trusted(request) if request.trust_repo is True else locate(request)


def _probe_names(request: Request) -> tuple[str, ...]:
    located = _locate_to_probe(request)
    return list_names(_ready(located.root), source_only=located.repo is not None)


def _probe_help(request: Request, model: str) -> str | None:
    located = _locate_to_probe(request)
    return read_help(_ready(located.root), model, source_only=located.repo is not None)


def _locate_to_probe(request: Request) -> Located:
    """The folder of a repo whose code has to run for `list` or `help`.

    Whoever only lists what a folder offers has not asked for its code to run, as `load` has.
    """
    located = locate_trusted(request)
    if not _may_probe(request):
        raise UntrustedRepoError(
            f"{located.root / 'hubconf.py'} must run to answer this: its source does not tell.",
            repo=str(located.root),
            hint="If you trust its code, pass trust_repo=True.",
        )
    return located


def _may_probe(request: Request) -> bool:
    """Whether the code of a repo that has been located may run for `list` or `help`."""
    return request.trust_repo is True or not isinstance(
        parse_spec(request.repo, request.source), Path
    )


def _by_name(name: str, arguments: dict[str, object]) -> Any:  # noqa: ANN401
    """An argument of `load` that was given by name."""
    if name not in arguments:
        raise TypeError(f"load() needs {name}: load(repo_or_dir, model)")
    return arguments.pop(name)


def _require_name(model: object) -> None:
    if not isinstance(model, str):
        raise RepoSpecError(f"The entrypoint's name is to be a string, not {model!r}.")


def _ready(root: Path) -> Path:
    """The folder, once all that its hubconf declares is known to be installed."""
    require_dependencies(read_dependencies(root) or (), root)
    return root


def _import(request: Request) -> LoadedHubconf:
    located = locate_trusted(request)
    hub = _hub_functions(located.repo, request.lockfile)
    loaded = find_hubconf(located.root, hub=hub, lock=request.lockfile)
    if loaded is not None:
        return loaded
    if located.repo is not None:
        hubdir.hold_tree(located.root)
        if not located.root.is_dir():  # removed just before we held it
            located = locate_trusted(request)
            hubdir.hold_tree(located.root)
    root = _ready(located.root)
    try:
        return import_hubconf(root, hub=hub, policy=_policy(located, request.lockfile))
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise no_torch(f"{root / 'hubconf.py'} needs torch") from error
        raise


def _policy(located: Located, lockfile: Lockfile | None) -> CodePolicy:
    """How the code of a repo is imported: what is held to a lock file from its source alone."""
    if located.repo is None:
        return CodePolicy(lock=lockfile)
    if lockfile is not None:
        digest = lockfile.repo(str(located.repo)).digest
        return CodePolicy(is_fixed=True, bytecode=NO_BYTECODE, digest=digest, lock=lockfile)
    return CodePolicy(is_fixed=True, bytecode=str(hubdir.bytecode_folder(located.root)))


@functools.cache
def _hub_functions(repo: RepoRef | None, lockfile: Lockfile | None) -> HubFunctions:
    """What a repo's calls of torch.hub go to."""
    path = None if lockfile is None else lockfile.path
    return HubFunctions(
        load=functools.partial(load, lockfile=path),
        list=functools.partial(list, lockfile=path),
        help=functools.partial(help, lockfile=path),
        load_state_dict_from_url=functools.partial(
            load_nested_state_dict, repo=repo, lockfile=lockfile
        ),
        download_url_to_file=functools.partial(download_nested_file, lockfile=lockfile),
        get_dir=hubdir.get_dir,
        set_dir=hubdir.set_dir,
    )
