"""Level 1: importing hubconf in a fresh process, and the names that it shows."""

from __future__ import annotations

import fnmatch
import importlib.util
import shlex
from typing import TYPE_CHECKING

from hubkit._util.text import did_you_mean, join_words, plural
from hubkit.facts import Location
from pytest_hubkit.checks.registry import Failure, check
from pytest_hubkit.failures import COMMAND_LINE, describe_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_hubkit.child.protocol import ChildFailure, Undeclared
    from pytest_hubkit.context import RepoContext


_MOST_NAMES = 3
_ONLINE = (
    "Download in the entrypoint instead: torch.hub.list and torch.hub.help import hubconf.py too."
)


@check("C101", "import-clean", level=1, scope="repo")
def import_clean(repo: RepoContext) -> Iterator[Failure]:
    """Importing hubconf works in a fresh process, without the network.

    ``torch.hub`` puts the repo first on ``sys.path`` and executes ``hubconf.py``. It checks
    ``dependencies`` only afterwards, so a missing module raises a plain ModuleNotFoundError. If
    this check fails, all others are skipped.

    Declare what you import, and install it where the tests run. Import optional modules inside the
    entrypoint that needs them.
    """
    if repo.session.facts.hubconf is None:
        yield describe_problem(repo.session.facts)
        return
    failure = repo.children.unrestricted.failure
    missing = _missing_module(repo, failure) if failure else ""
    for name, problem in _dependencies_not_found(repo):
        yield problem
        if name == missing:
            failure = None
    if failure is not None:
        yield _describe_import(repo, failure)


@check(
    "C102", "dependencies-sufficient", level=1, scope="repo", requires=("C101",), child="work tree"
)
def dependencies_sufficient(repo: RepoContext) -> Iterator[Failure]:
    """Importing hubconf and building its models needs no module beyond ``dependencies``.

    The author has everything installed, so an undeclared import goes unnoticed until a user gets a
    ModuleNotFoundError, often deep inside an entrypoint. This check watches every import of the
    repo's files in a fresh process, including imports in functions while models are built without
    weights. If the code catches the ImportError of an undeclared module, the module is hidden. The
    standard library, torch and the repo's own modules need no declaration.

    Add the import name of the module to ``dependencies``.
    """
    reply = repo.children.all_declared_only
    hidden = [found for found in reply.undeclared if found.hidden]
    required = [found for found in reply.undeclared if not found.hidden]
    declared = repo.session.source.dependencies
    where = declared.location.line if declared else 1
    for module in dict.fromkeys(found.module for found in required):
        yield _describe_undeclared(module, required, where)
    if reply.failure is not None and hidden:
        names = ", ".join(dict.fromkeys(found.module for found in hidden))
        yield Failure(
            f"Importing hubconf.py fails without {names}, which the code treats as optional: "
            f"{reply.failure.text}",
            (*_places(hidden), *_code(reply.failure)),
            "Make the code work without it, or add it to `dependencies`.",
            Location(reply.failure.path or "hubconf.py", reply.failure.line or 1),
        )


def _describe_undeclared(module: str, imports: Iterable[Undeclared], line: int) -> Failure:
    from hubkit.analysis import distribution_name

    places = [found for found in imports if found.module == module]
    distribution = distribution_name(module)
    installs = f" (pip calls it {distribution})" if distribution != module else ""
    entrypoints = dict.fromkeys(found.entrypoint for found in places)
    when = (
        "importing hubconf.py"
        if "" in entrypoints
        else f"calling {join_words(entrypoints, most=_MOST_NAMES)}"
    )
    return Failure(
        f"{when} imports {module}, which is not in `dependencies`.",
        tuple(_places(places)),
        f'Add "{module}" to `dependencies` in hubconf.py, line {line}{installs}.',
        Location(places[0].path, places[0].line),
    )


def _dependencies_not_found(repo: RepoContext) -> Iterator[tuple[str, Failure]]:
    """Entries of ``dependencies`` that torch.hub cannot find, so that it loads nothing."""
    from hubkit.analysis import distribution_name, import_name

    declared = repo.session.source.dependencies
    for entry in (declared.entries if declared else None) or ():
        meant = import_name(entry.name)
        if _can_be_found(entry.name, repo):
            continue
        if meant and meant != entry.name and _can_be_found(meant, repo):
            message = f"torch.hub cannot load anything: there is no module {entry.name!r}."
            fix = f'Use import names in `dependencies`: "{meant}".'
        else:
            message = f"{entry.name!r} is in `dependencies`, but not installed here."
            fix = f"pip install {shlex.quote(distribution_name(entry.name))}"
        yield entry.name, Failure(message, fix=fix, location=entry.location)


def _can_be_found(name: str, repo: RepoContext) -> bool:
    top = name.partition(".")[0]
    if top in repo.session.facts.packages:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _describe_import(repo: RepoContext, failure: ChildFailure) -> Failure:
    missing = _missing_module(repo, failure)
    location = Location(failure.path or "hubconf.py", failure.line or 1)
    if not missing:
        return Failure(
            f"Importing hubconf.py fails in a fresh process: {failure.text}",
            tuple(_code(failure)),
            _suggest_fix(failure),
            location,
        )
    return Failure(
        f"Importing hubconf.py fails: {missing} is neither in `dependencies` nor installed here.",
        tuple(_code(failure)),
        f'Add "{missing}" to `dependencies`, or import it inside the entrypoint that needs it.',
        location,
    )


_METADATA = (
    "The repo is not installed where torch.hub loads it, so it has no metadata: write the version "
    "into a module, or catch PackageNotFoundError."
)


def _suggest_fix(failure: ChildFailure) -> str:
    if failure.type == "SystemExit":
        return COMMAND_LINE
    if failure.type == "PackageNotFoundError":
        return _METADATA
    if any(line.startswith("requested ") for line in failure.evidence):
        return _ONLINE
    if failure.type in ("ImportError", "ModuleNotFoundError"):
        return (
            "Import relative to the repo's root, the only folder that torch.hub adds to `sys.path`."
        )
    if failure.type == "FileNotFoundError":
        return "Open files of the repo with Path(__file__).parent, and commit them."
    return "Fix the line, or run it only when an entrypoint needs it."


def _missing_module(repo: RepoContext, failure: ChildFailure) -> str:
    """The top-level name of a missing third-party module, or ""."""
    top = (failure.module or "").partition(".")[0]
    return (
        "" if top in repo.session.facts.packages or failure.type != "ModuleNotFoundError" else top
    )


def _places(imports: Iterable[Undeclared]) -> Iterator[str]:
    entrypoints: dict[tuple[str, str], list[str]] = {}
    for found in imports:
        place = (f"{found.path}:{found.line}", found.module)
        entrypoints.setdefault(place, []).append(found.entrypoint)
    for (where, module), names in entrypoints.items():
        when = (
            f", while {join_words(filter(None, names), most=_MOST_NAMES)} runs"
            if any(names)
            else ""
        )
        yield f"{where} imports {module}{when}"


def _code(failure: ChildFailure) -> Iterator[str]:
    if failure.path:
        yield f"{failure.path}:{failure.line}: {failure.code}"
    yield from failure.evidence


@check("C103", "surface", level=1, scope="repo", requires=("C101",))
def surface(repo: RepoContext) -> Iterator[Failure]:
    """`torch.hub.list` shows the entrypoints, and nothing else.

    ``torch.hub.list`` lists every public callable in hubconf.py: ``Path``, ``partial``, a class
    besides the function that creates it. Users mistake them for models. torch.hub ignores
    ``__all__``. This check also fails if the configuration describes an entrypoint that does not
    exist. If names are created at run time, list patterns for them: ``names = ["tf_*", "mixnet_*"]``.

    Import helpers under a name with a leading underscore.
    """
    names = repo.session.loaded.names()
    leaks = [leak for leak in repo.session.source.leaks if leak.name in names]
    if leaks:
        shown = [f"{leak.name}: {leak.origin}, line {leak.location.line}" for leak in leaks[:8]]
        more = [f"and {len(leaks) - 8} more"] if len(leaks) > 8 else []
        first = leaks[0].name
        yield Failure(
            f"torch.hub.list shows {plural(len(leaks), 'name')} that "
            f"{'are not entrypoints' if len(leaks) > 1 else 'is not an entrypoint'}.",
            (*shown, *more),
            f"Import it as `_{first}`, or inside the function that uses it.",
            leaks[0].location,
        )
    yield from _find_unexpected(repo, names)
    for name in repo.session.config.entrypoints:
        if name not in names:
            yield _absent(repo, name, names)
    for pattern in (*repo.session.config.names, *repo.session.config.representative):
        if not fnmatch.filter(names, pattern):
            yield _absent(repo, pattern, names)


def _find_unexpected(repo: RepoContext, names: tuple[str, ...]) -> Iterator[Failure]:
    """Names created at run time that match no declared pattern."""
    patterns = repo.session.config.names
    spelled = {*repo.session.source.names}
    known = spelled | {leak.name for leak in repo.session.source.leaks}
    strange = [
        name
        for name in names
        if name not in known and not any(fnmatch.fnmatchcase(name, one) for one in patterns)
    ]
    if patterns and strange:
        yield Failure(
            f"torch.hub.list shows {plural(len(strange), 'name')} that match no pattern in "
            f"`names` in {repo.session.config.path}.",
            (", ".join(strange[:8]), f"patterns: {', '.join(patterns)}"),
            "Give helpers a leading underscore, or add a pattern.",
            Location("hubconf.py"),
        )


def _absent(repo: RepoContext, name: str, names: tuple[str, ...]) -> Failure:
    return Failure(
        f"{repo.session.config.path} describes the entrypoint {name}, but hubconf.py does not have it.",
        (f"it has {', '.join(names[:8]) or 'none'}",),
        did_you_mean(name, names) or "Remove it from the configuration, or add it to hubconf.py.",
        Location("hubconf.py"),
    )
