"""Level 1: importing hubconf as somebody else's fresh process does."""

from __future__ import annotations

import importlib.util
import shlex
from typing import TYPE_CHECKING

from hubkit._util.text import join_words
from hubkit.facts import Location
from pytest_hubkit.checks.registry import Failure, check
from pytest_hubkit.failures import describe_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_hubkit.replies import ChildFailure
    from pytest_hubkit.session import Conformance
    from pytest_hubkit.watch import Undeclared

_MOST_NAMES = 3
_ONLINE = "Download in the entrypoint that needs it: torch.hub.list and help import hubconf.py too."


@check("C101", "import-clean", level=1, scope="repo")
def import_clean(repo: Conformance) -> Iterator[Failure]:
    """Importing hubconf works in a fresh process, without the network.

    ``torch.hub`` puts the repo first on ``sys.path`` and executes ``hubconf.py``; it looks at
    ``dependencies`` only after that, so a module that is missing by then ends in a plain
    ModuleNotFoundError. Everything else is skipped while this fails.

    Declare what is imported; install it where the tests run; import optional modules inside the
    entrypoint that needs them.
    """
    if repo.facts.hubconf is None:
        yield describe_problem(repo.facts)
        return
    failure = repo.children.plain.failure
    missing = _missing_module(repo, failure) if failure else ""
    for name, problem in _dependencies_not_found(repo):
        yield problem
        if name == missing:
            failure = None
    if failure is not None:
        yield _describe_import(repo, failure)


@check("C102", "dependencies-sufficient", level=1, scope="repo", requires=("C101",))
def dependencies_sufficient(repo: Conformance) -> Iterator[Failure]:
    """Importing hubconf and building its models needs no module beyond ``dependencies``.

    The author has everything installed, so an undeclared import goes unnoticed until a user meets
    a ModuleNotFoundError, often only deep inside an entrypoint. In a fresh process every import
    that the repo's files make is watched, also in functions while models are built without
    weights. Imports that the code copes without (``try`` and ``except ImportError``) are made to
    fail. The standard library, torch and the repo's own modules need no declaration.

    Add the module, by its import name, to ``dependencies``.
    """
    reply = repo.children.declared_only
    hidden = [found for found in reply.undeclared if found.hidden]
    required = [found for found in reply.undeclared if not found.hidden]
    declared = repo.source.dependencies
    where = declared.location.line if declared else 1
    for module in dict.fromkeys(found.module for found in required):
        yield _describe_undeclared(module, required, where)
    if reply.failure is not None and hidden:
        names = ", ".join(dict.fromkeys(found.module for found in hidden))
        yield Failure(
            f"Without {names}, which the code treats as optional, importing hubconf.py fails: "
            f"{reply.failure.text}",
            (*_places(hidden), *_code(reply.failure)),
            "Make the code work without it, or declare it in `dependencies`.",
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
        f"{when} needs {module}, which `dependencies` does not declare: who lacks it meets a "
        "ModuleNotFoundError.",
        tuple(_places(places)),
        f'Add "{module}" to `dependencies` in hubconf.py, line {line}{installs}.',
        Location(places[0].path, places[0].line),
    )


def _dependencies_not_found(repo: Conformance) -> Iterator[tuple[str, Failure]]:
    """Entries of ``dependencies`` for which torch.hub gives up before it calls anything."""
    from hubkit.analysis import distribution_name, import_name

    declared = repo.source.dependencies
    for entry in (declared.entries if declared else None) or ():
        meant = import_name(entry.name)
        if _can_be_found(entry.name, repo):
            continue
        if meant and meant != entry.name and _can_be_found(meant, repo):
            said = f"torch.hub refuses to load anything: it looks for a module {entry.name!r}."
            fix = f'`dependencies` takes import names: write "{meant}".'
        else:
            said = f"{entry.name!r} is declared in `dependencies` and not installed here."
            fix = f"pip install {shlex.quote(distribution_name(entry.name))}"
        yield entry.name, Failure(said, fix=fix, location=entry.location)


def _can_be_found(name: str, repo: Conformance) -> bool:
    top = name.partition(".")[0]
    if top in repo.facts.packages:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _describe_import(repo: Conformance, failure: ChildFailure) -> Failure:
    missing = _missing_module(repo, failure)
    location = Location(failure.path or "hubconf.py", failure.line or 1)
    if not missing:
        return Failure(
            f"Importing hubconf.py fails in a fresh process: {failure.text}",
            tuple(_code(failure)),
            _ONLINE
            if any(line.startswith("requested ") for line in failure.evidence)
            else "torch.hub puts only the repo's root on `sys.path`; nothing else of the tree is.",
            location,
        )
    return Failure(
        f"Importing hubconf.py fails for want of {missing}, which is neither declared in "
        "`dependencies` nor installed here.",
        tuple(_code(failure)),
        f'Add "{missing}" to `dependencies`. Or import it inside the entrypoint that needs it.',
        location,
    )


def _missing_module(repo: Conformance, failure: ChildFailure) -> str:
    """The top-level name of a module from elsewhere that is missing, or ""."""
    top = (failure.module or "").partition(".")[0]
    return "" if top in repo.facts.packages or failure.type != "ModuleNotFoundError" else top


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
