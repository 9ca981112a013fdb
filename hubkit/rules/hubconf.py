"""HUB0xx: hubconf.py itself, and the modules that importing it puts on the path."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING

from hubkit.analysis import is_stdlib
from hubkit.facts import Fix
from hubkit.rules import edits
from hubkit.rules.dependencies import entries_of, provided_modules
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, OwnImport, RelativeImport, RepoFacts


# Frameworks whose own hub reads a file called hubconf.py.
_OTHER_HUBS = ("megengine", "paddle")


@rule("HUB001", "hubconf-missing", "error")
def hubconf_missing(repo: RepoFacts) -> Iterator[Finding]:
    """There is no hubconf.py at the root of the repo.

    torch.hub unpacks the repo's archive and opens exactly `hubconf.py` at its root. A hubconf in a
    subfolder is invisible, and every `torch.hub.load` ends in FileNotFoundError.

    Bad:
        src/hubconf.py

    Good:
        hubconf.py
        src/...

    `hubkit init` writes one.
    """
    if repo.problem is not None and repo.problem.kind == "missing":
        what = repo.problem.message
        is_absent = repo.files.entry("hubconf.py") is None and not repo.files.is_folder(
            "hubconf.py"
        )
        yield hubconf_missing.finding(
            f"{'there is no hubconf.py here' if is_absent else what}, so torch.hub cannot load"
            " anything from this repo",
            hint=_advise_where(repo, is_absent=is_absent),
        )


def _advise_where(repo: RepoFacts, *, is_absent: bool) -> str:
    if not is_absent:
        return "Put a plain file in its place that everybody may read."
    inner = [path for path in repo.files.paths() if path.endswith("/hubconf.py")]
    if not inner:
        return "Run `hubkit init` to write one, or check the folder that holds it."
    nearest = min(inner, key=lambda path: (path.count("/"), path))
    return (
        f"There is {nearest}, but torch.hub looks at the root only: move it there, or check"
        f" {nearest.rpartition('/')[0]} as a repo of its own."
    )


@rule("HUB002", "hubconf-syntax", "error")
def hubconf_syntax(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py, or a module that it imports, does not parse.

    Users of the model see a SyntaxError from inside torch.hub, before anything of theirs runs.
    What is in the file cannot be checked until it is fixed, and nothing is said about names that
    come from it. A module that only functions import is a warning.

    Bad:
        def unet(pretrained=False)
            ...

    Good:
        def unet(pretrained=False):
            ...
    """
    if repo.problem is not None and repo.problem.kind != "missing":
        yield hubconf_syntax.finding(
            f"hubconf.py cannot be imported: {repo.problem.message}",
            repo.problem.location,
            hint="Fix this first; nothing else of the repo was checked.",
        )
    for problem in repo.unreadable:
        eager = _imports_surely(repo, problem.location.path)
        when = "importing hubconf.py" if eager else "whatever imports it"
        yield hubconf_syntax.finding(
            f"{problem.location.path} cannot be imported, so {when} fails: {problem.message}",
            problem.location,
            hint="Fix this first; what it holds was not checked.",
            severity="error" if eager else "warning",
        )


@rule("HUB003", "hubconf-import-fails", "error")
def hubconf_import_fails(repo: RepoFacts) -> Iterator[Finding]:
    """The repo imports one of its own modules, or a name in it, that is not there.

    A file that was renamed or never committed, or a function that moved: importing hubconf.py ends
    in ModuleNotFoundError or ImportError for everybody, whatever they have installed.

    Bad:
        from models.unet import UNet     # models/unet.py calls it Unet

    Good:
        from models.unet import Unet

    Found from source alone, so only what must fail is reported; `pytest --hubconf` really imports
    it. What only a function imports that entrypoints call is a warning. An import in
    `try: ... except ImportError:` is fine.
    """
    for one in repo.hubconf.own_imports if repo.hubconf else ():
        if one.missing and not one.guarded:
            when = "what needs it" if one.in_function else "importing hubconf.py"
            yield hubconf_import_fails.finding(
                f"{one.missing}, so {when} fails for everybody",
                one.location,
                hint="Correct the name, or commit the file.",
                severity="warning" if one.in_function else "error",
            )


@rule("HUB004", "relative-import", "error", fixable="sometimes", applicability="unsafe")
def relative_import(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py uses a relative import.

    torch.hub imports hubconf.py as a single file, not as part of a package: "attempted relative
    import with no known parent package". The root of the repo is on the path instead.

    Bad:
        from .models import unet

    Good:
        from models import unet

    One in `try: ... except ImportError:` with an absolute twin is fine.
    """
    for one in repo.hubconf.relative_imports if repo.hubconf else ():
        yield relative_import.finding(
            f"`from {one.module}` fails in hubconf.py, which is part of no package",
            one.location,
            hint=f"Import from `{one.module.lstrip('.') or 'the module'}` without the dot.",
            fix=partial(_absolute_import, repo, one),
        )


@rule("HUB008", "needs-registered-module", "error")
def needs_registered_module(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs to find itself among the imported modules.

    torch.hub calls the module `hubconf.py` and does not register it. `sys.modules[__name__]` ends in
    KeyError: 'hubconf.py', and a dataclass whose annotations are text ends in AttributeError:
    'NoneType' object has no attribute '__dict__'.

    Bad:
        from __future__ import annotations

        @dataclass
        class Options:
            width: int = 64

    Good:
        @dataclass
        class Options:
            width: int = 64

    Better still, such a class belongs into a module of the repo.
    """
    for one in repo.hubconf.own_module_lookups if repo.hubconf else ():
        yield needs_registered_module.finding(
            f"{one.code} looks hubconf.py up in `sys.modules`, where torch.hub never puts it",
            one.location,
            hint="Use `globals()`."
            if "sys.modules" in one.code
            else "Remove `from __future__ import annotations`, or move the class to a module.",
        )


@rule("HUB009", "no-entrypoints", "error")
def no_entrypoints(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py publishes nothing that torch.hub.load could call.

    Entrypoints are the public functions and classes of hubconf.py: those defined there and those
    imported from the repo's own modules. A name that starts with an underscore is private. Without
    any, `torch.hub.list` shows an empty list, or only imported helpers.

    Bad:
        dependencies = ["torch"]

        def _unet(pretrained=False): ...

    Good:
        dependencies = ["torch"]

        def unet(pretrained=False): ...

    Names that are made at run time (HUB210) count as entrypoints that cannot be seen.
    """
    hubconf = repo.hubconf
    if hubconf is not None and not hubconf.entrypoints and not hubconf.has_dynamic_names:
        yield no_entrypoints.finding(
            "hubconf.py publishes no entrypoint, so there is nothing that torch.hub.load could call",
            hint="Define a public function in hubconf.py, or import one from the repo's modules.",
        )


def _absolute_import(repo: RepoFacts, relative: RelativeImport) -> Fix | None:
    source = edits.source_of(repo, relative.location.path)
    node = source.statement(relative.location) if source else None
    found = (
        edits.make_absolute(source, node) if source and isinstance(node, ast.ImportFrom) else None
    )
    if found is None:
        return None
    edit, modules = found
    if not all(module.partition(".")[0] in repo.packages for module in modules):
        return None
    return Fix("Import without the dot", "unsafe", (edit,))


@rule("HUB010", "other-framework", "warning", exclusive=True)
def other_framework(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py is for the hub of another framework.

    MegEngine and PaddlePaddle have hubs of their own that read a file of the same name.
    `torch.hub.load` finds the functions in it, and what they give back is no torch model. Nothing
    else of the repo is checked: torch.hub's rules are not its rules.

    Bad:
        import megengine as mge

        def resnet18(pretrained=False): ...      # for megengine.hub.load

    Good:
        import torch

        def resnet18(pretrained=False): ...

    A repo that imports torch too is taken for torch's.
    """
    eager = [one for one in (repo.hubconf.imports if repo.hubconf else ()) if not one.in_function]
    if any(one.top == "torch" for one in eager):
        return
    for one in eager:
        if one.top in _OTHER_HUBS and not one.guarded:
            yield other_framework.finding(
                f"this hubconf is for {one.top}.hub: it imports {one.top}, and torch nowhere",
                one.location,
                hint="There is nothing here for torch.hub to load, and nothing else was checked.",
            )
            return


def _imports_surely(repo: RepoFacts, path: str) -> bool:
    """Whether importing hubconf.py imports that file, come what may."""
    stem = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return any(
        not (one.in_function or one.guarded) and f".{stem}".endswith(f".{one.module}")
        for one in (repo.hubconf.own_imports if repo.hubconf else ())
    )


# Top-level names that published hub repos share with one another.
_GENERIC_NAMES = """
backbone backbones common config configs core data dataset datasets helper helpers layer layers lib
libs loss losses misc model models module modules net nets network networks ops package resnet src
tests tool tools train trainer training unet util utils
"""
GENERIC_MODULES = frozenset(_GENERIC_NAMES.split())
# Distributions whose modules other libraries import when they are there.
_WELL_KNOWN = frozenset({"clip", "datasets", "evaluate", "tokenizers"})


@rule("HUB005", "sys-path-mutation", "warning")
def sys_path_mutation(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py changes sys.path.

    torch.hub puts the root of the repo on the path while it loads, and takes only that away again.
    What hubconf.py adds stays for the whole session of the user, and a path that starts from the
    working directory does not even name the repo.

    Bad:
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "src"))

    Good:
        from src.package import unet

    What the same file removes again with `sys.path.remove` is fine.
    """
    uses = repo.hubconf.uses if repo.hubconf else ()
    cleaning = [use.location for use in uses if use.on_import and use.name == "sys.path.remove"]
    for use in uses:
        if any(place.path == use.location.path and place > use.location for place in cleaning):
            continue
        if use.on_import and use.name in ("sys.path.insert", "sys.path.append", "sys.path.extend"):
            folder = use.arguments[-1] if use.arguments else None
            is_adrift = folder is not None and not folder.startswith("/")
            yield sys_path_mutation.finding(
                "importing hubconf.py changes `sys.path` of the user's whole session"
                + (f", by a path from the working directory: `{folder}`" if is_adrift else ""),
                use.location,
                hint="Import by the full name from the root of the repo.",
            )


@rule("HUB006", "generic-module-name", "warning")
def generic_module_name(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py imports a top-level module of the repo whose name many other repos have too.

    Python keeps one module of a name. Who loads from two hub repos that both have a package `models`
    gets the first one's package in the second repo: an ImportError, or a list of entrypoints that
    is wrong or empty.

    Bad:
        from models.unet import unet

    Good:
        from acme_unet.models import unet

    Only names that hubconf.py reaches count.
    """
    first: dict[str, OwnImport] = {}
    for one in repo.hubconf.own_imports if repo.hubconf else ():
        if one.top in GENERIC_MODULES and not one.missing:
            first.setdefault(one.top, one)
    for top, one in first.items():
        yield generic_module_name.finding(
            f"`{top}` is a name that other repos use too: who loads from both gets one repo's "
            "modules in the other",
            one.location,
            hint="Move it into a package named after the project.",
        )


@rule("HUB007", "shadows-installed-name", "warning", preview=True)
def shadows_installed_name(repo: RepoFacts) -> Iterator[Finding]:
    """The repo has a top-level module of the same name as something that is installed.

    torch.hub puts the repo first on the path. While it loads, everybody who imports `datasets`, be
    it a dependency of a dependency, gets the repo's folder.

    Bad:
        datasets/__init__.py
        hubconf.py

    Good:
        acme_unet/datasets/__init__.py
        hubconf.py

    The standard library, declared dependencies and a few well-known packages are looked at. Whoever
    imported the real one before is not hurt.
    """
    declared = {name for entry in entries_of(repo) for name in provided_modules(entry.name)}
    for name in sorted(repo.packages - {"hubconf"}):
        if is_stdlib(name) or name in declared or name in _WELL_KNOWN:
            yield shadows_installed_name.finding(
                f"`{name}` of this repo hides what is installed under that name while loading",
                hint="Move it into a package named after the project.",
            )
