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
from hubkit.source.project import read_named_pythons, read_python
from hubkit.source.tags import allows_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Finding, Location, OwnImport, RelativeImport, RemovedName, RepoFacts


# Frameworks whose own hub reads a file called hubconf.py.
# The first of the releases of Python that many users do not have yet.
_NEWEST_PYTHON = 13
_OTHER_HUBS = ("megengine", "paddle")


@rule("HUB001", "hubconf-missing", "error")
def hubconf_missing(repo: RepoFacts) -> Iterator[Finding]:
    """The repo has no hubconf.py at its root.

    torch.hub unpacks the archive of the repo and opens `hubconf.py` at its root. It ignores
    a hubconf.py in a subfolder, and every `torch.hub.load` raises FileNotFoundError.

    Bad:
        src/hubconf.py

    Good:
        hubconf.py
        src/...

    To create one, run `hubkit init`.
    """
    if repo.problem is not None and repo.problem.kind == "missing":
        what = repo.problem.message
        is_absent = repo.files.entry("hubconf.py") is None and not repo.files.is_folder(
            "hubconf.py"
        )
        yield hubconf_missing.finding(
            f"{'no hubconf.py' if is_absent else what}: torch.hub cannot load anything from this repo",
            hint=_advise_where(repo, is_absent=is_absent),
        )


def _advise_where(repo: RepoFacts, *, is_absent: bool) -> str:
    if not is_absent:
        return "Replace it with a regular, readable file."
    inner = [path for path in repo.files.paths() if path.endswith("/hubconf.py")]
    if not inner:
        return "To create one, run `hubkit init`. Or check the folder that contains it."
    nearest = min(inner, key=lambda path: (path.count("/"), path))
    return (
        f"torch.hub ignores {nearest}. Move it to the root, or check"
        f" {nearest.rpartition('/')[0]} as a separate repo."
    )


@rule("HUB002", "hubconf-syntax", "error")
def hubconf_syntax(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py, or a module that it imports, has a syntax error.

    Users get a SyntaxError from inside torch.hub. The contents of the file, and names imported from
    it, are not checked until the error is fixed. The severity is warning if only functions import
    the module.

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
            hint="Fix this first. Nothing else was checked.",
        )
    for problem in repo.unreadable:
        eager = _imports_surely(repo, problem.location.path)
        when = "importing hubconf.py" if eager else "every import of it"
        yield hubconf_syntax.finding(
            f"{problem.location.path} cannot be imported, so {when} fails: {problem.message}",
            problem.location,
            hint="Fix this first. The contents of the file were not checked.",
            severity="error" if eager else "warning",
        )


@rule("HUB003", "hubconf-import-fails", "error")
def hubconf_import_fails(repo: RepoFacts) -> Iterator[Finding]:
    """The repo imports one of its own modules, or a name from it, that does not exist.

    For example, a file was renamed or never committed, a function was moved, or a module of
    a package imports its neighbor without a dot, which works only for scripts in that folder.
    Importing hubconf.py raises ModuleNotFoundError or ImportError for all users.

    Bad:
        from models.unet import UNet     # models/unet.py calls it Unet

    Good:
        from models.unet import Unet

    Only imports that are certain to fail are reported; to import the repo for real, use
    `pytest --hubconf`. The severity is warning for imports inside functions. Imports in
    `try: ... except ImportError:` are not reported.
    """
    for one in repo.hubconf.own_imports if repo.hubconf else ():
        if one.missing and not one.guarded:
            when = "calling this function" if one.in_function else "importing hubconf.py"
            yield hubconf_import_fails.finding(
                f"{one.missing}: {when} fails for all users",
                one.location,
                hint=f"Write `{one.correct}`."
                if one.correct
                else "Fix the name, or commit the file.",
                severity="warning" if one.in_function else "error",
            )


@rule("HUB011", "undefined-name", "error", several="{count} uses of names that are not defined")
def undefined_name(repo: RepoFacts) -> Iterator[Finding]:
    """Code that an entrypoint reaches uses a name that nothing defines.

    For example, an import was forgotten or removed. Python looks names up when the line runs, so
    the repo loads, and users get NameError from the path that the author did not try.

    Bad:
        import torch

        def unet(pretrained=False):
            if pretrained:
                state = load_state_dict_from_url(URL)     # never imported

    Good:
        from torch.hub import load_state_dict_from_url as _load_state_dict_from_url

    The rule follows the calls of entrypoints. It skips code that catches NameError or depends on the
    version of Python, and modules that create names at run time.
    """
    for one in repo.hubconf.undefined_names if repo.hubconf else ():
        yield undefined_name.finding(
            f"`{one.name}` is not defined, so calling this function raises NameError",
            one.location,
            hint="Import or define it, or correct the name.",
        )


@rule("HUB012", "removed-name", "error", several="{count} uses of names that were removed")
def removed_name(repo: RepoFacts) -> Iterator[Finding]:
    """Code uses a module or name that newer releases no longer have.

    `dependencies` cannot hold versions, so most users have the newest release of each package. There
    the import raises ModuleNotFoundError, or the name AttributeError. Since Python 3.11, an instance
    of a dataclass without a hash as the default of a field raises ValueError.

    Bad:
        from torch._six import container_abcs        # removed in torch 2.0

        @dataclass
        class Options:
            model: ModelOptions = ModelOptions()     # a dataclass, too

    Good:
        from collections import abc as container_abcs

        @dataclass
        class Options:
            model: ModelOptions = field(default_factory=ModelOptions)

    The severity is warning for code that only a call of an entrypoint reaches, for what the newest
    releases of Python alone lack, unless classifiers name them, for what is newer than all Pythons
    that they name, and for `distutils`, which setuptools replaces. If `requires-python` excludes all
    releases without the name, nothing is reported, nor where the code catches the error or tests a
    version.
    """
    hubconf = repo.hubconf
    if hubconf is None or not hubconf.removed_names:
        return
    claimed, named = read_python(repo.files), read_named_pythons(repo.files)
    for one in hubconf.removed_names:
        product, _, version = one.since.partition(" ")
        if product == "Python" and not allows_python(claimed, version):
            continue
        is_default = one.kind == "default"
        yield removed_name.finding(
            f"`{one.name}` as the default of a field raises ValueError since {one.since}"
            if is_default
            else f"`{one.name}` was removed in {one.since}",
            one.location,
            hint=f"Use `field(default_factory={_factory(one.name)})`."
            if is_default
            else "Use what replaces it, or catch the error.",
            severity="warning" if _is_mild(one, named) else "error",
        )


def _factory(default: str) -> str:
    return default.removesuffix("()") if default.endswith("()") else f"lambda: {default}"


def _is_mild(one: RemovedName, named: tuple[int, ...]) -> bool:
    """Whether few users have a release without a name, or the authors do not claim to support it."""
    product, _, version = one.since.partition(" ")
    if not one.on_import or one.name == "distutils":
        return True
    if product != "Python":
        return False
    minor = int(version.partition(".")[2])
    return named[-1] < minor if named else minor >= _NEWEST_PYTHON


@rule("HUB004", "relative-import", "error", fixable="sometimes", applicability="unsafe")
def relative_import(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py uses a relative import.

    torch.hub imports hubconf.py as a single file, not as part of a package, so a relative import
    raises ImportError: attempted relative import with no known parent package. Import from the root
    of the repo, which torch.hub adds to `sys.path`.

    Bad:
        from .models import unet

    Good:
        from models import unet

    A relative import in `try: ... except ImportError:` with an absolute alternative is not
    reported.
    """
    for one in repo.hubconf.relative_imports if repo.hubconf else ():
        yield relative_import.finding(
            f"relative import from `{one.module}` in hubconf.py, which is not part of a package",
            one.location,
            hint=f"Import from `{one.module.lstrip('.') or 'the module'}` without the dot.",
            fix=partial(_absolute_import, repo, one),
        )


@rule("HUB008", "needs-registered-module", "error")
def needs_registered_module(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py looks itself up in `sys.modules`.

    torch.hub does not add the module to `sys.modules`. `sys.modules[__name__]` raises KeyError:
    'hubconf.py', and a dataclass with string annotations raises AttributeError: 'NoneType' object
    has no attribute '__dict__'.

    Bad:
        from __future__ import annotations

        @dataclass
        class Options:
            width: int = 64

    Good:
        @dataclass
        class Options:
            width: int = 64

    Or move the class to a module of the repo.
    """
    for one in repo.hubconf.own_module_lookups if repo.hubconf else ():
        yield needs_registered_module.finding(
            f"{one.code} looks up hubconf.py in `sys.modules`, but torch.hub does not add it there",
            one.location,
            hint="Use `globals()`."
            if "sys.modules" in one.code
            else "Remove `from __future__ import annotations`, or move the class to a module.",
        )


@rule("HUB009", "no-entrypoints", "error")
def no_entrypoints(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py has no entrypoint.

    Entrypoints are the public functions and classes that hubconf.py defines or imports from the
    repo's own modules. A name with a leading underscore is private. Without entrypoints,
    `torch.hub.list` shows nothing, or only imported helpers.

    Bad:
        dependencies = ["torch"]

        def _unet(pretrained=False): ...

    Good:
        dependencies = ["torch"]

        def unet(pretrained=False): ...

    Nothing is reported if hubconf.py creates names at run time (HUB210).
    """
    hubconf = repo.hubconf
    if hubconf is not None and not hubconf.listed and not hubconf.has_dynamic_names:
        yield no_entrypoints.finding(
            "hubconf.py has no entrypoint that torch.hub.load could call",
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

    The hubs of MegEngine and PaddlePaddle read a file of the same name. Its functions do not return
    torch models. No other rules run for such a repo.

    Bad:
        import megengine as mge

        def resnet18(pretrained=False): ...      # for megengine.hub.load

    Good:
        import torch

        def resnet18(pretrained=False): ...

    A repo that also imports torch is not reported.
    """
    eager = [one for one in (repo.hubconf.imports if repo.hubconf else ()) if not one.in_function]
    if any(one.top == "torch" for one in eager):
        return
    for one in eager:
        if one.top in _OTHER_HUBS and not one.guarded:
            yield other_framework.finding(
                f"hubconf.py is for {one.top}.hub: it imports {one.top} but not torch",
                one.location,
                hint="torch.hub cannot load models of another framework. Nothing else was checked.",
            )
            return


def _imports_surely(repo: RepoFacts, path: str) -> bool:
    """Whether importing hubconf.py always imports a file."""
    stem = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return any(
        not (one.in_function or one.guarded) and f".{stem}".endswith(f".{one.module}")
        for one in (repo.hubconf.own_imports if repo.hubconf else ())
    )


# Top-level names that several published hub repos use.
_GENERIC_NAMES = """
backbone backbones common config configs core data dataset datasets helper helpers layer layers lib
libs loss losses misc model models module modules net nets network networks ops package resnet src
tests tool tools train trainer training unet util utils
"""
GENERIC_MODULES = frozenset(_GENERIC_NAMES.split())
# Distributions whose modules other libraries import if they are installed.
_WELL_KNOWN = frozenset({"clip", "datasets", "evaluate", "tokenizers"})


@rule(
    "HUB005",
    "sys-path-mutation",
    "warning",
    several="importing hubconf.py changes `sys.path` of the user's process in {count} places",
)
def sys_path_mutation(repo: RepoFacts) -> Iterator[Finding]:
    """Importing hubconf.py changes `sys.path`.

    torch.hub adds the root of the repo to `sys.path` while it loads, and removes only that. Other
    changes stay in the user's process. A relative path is resolved from the user's working
    directory, not from the repo.

    Bad:
        sys.path.insert(0, os.path.join(os.path.dirname(__file__), "src"))

    Good:
        from src.package import unet

    A path that the same file removes with `sys.path.remove` is not reported.
    """
    uses = repo.hubconf.uses if repo.hubconf else ()
    removed: dict[str, Location] = {}  # the last removal in each file
    for use in uses:
        if use.on_import and use.name == "sys.path.remove":
            removed[use.location.path] = max(
                use.location, removed.get(use.location.path, use.location)
            )
    for use in uses:
        if use.location < removed.get(use.location.path, use.location):
            continue
        if use.on_import and use.name in ("sys.path.insert", "sys.path.append", "sys.path.extend"):
            folder = use.arguments[-1] if use.arguments else None
            is_relative = folder is not None and not folder.startswith("/")
            yield sys_path_mutation.finding(
                "importing hubconf.py changes `sys.path` of the user's process"
                + (f" and adds the relative path `{folder}`" if is_relative else ""),
                use.location,
                hint="Import modules by their full name from the root of the repo.",
            )


@rule(
    "HUB006",
    "generic-module-name",
    "warning",
    several="{count} top-level packages have generic names: two hub repos that both define one cannot be loaded in one process",
)
def generic_module_name(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py imports a top-level module with a generic name.

    Python keeps one module per name. If two hub repos both have a package `models`, the second one
    gets the package of the first: an ImportError, or wrong or missing entrypoints.

    Bad:
        from models.unet import unet

    Good:
        from acme_unet.models import unet

    Only modules that hubconf.py imports, directly or indirectly, are reported.
    """
    first: dict[str, OwnImport] = {}
    for one in repo.hubconf.own_imports if repo.hubconf else ():
        if one.top in GENERIC_MODULES and not one.missing:
            first.setdefault(one.top, one)
    for top, one in first.items():
        yield generic_module_name.finding(
            f"top-level package `{top}` is generic: two hub repos that both define it cannot be loaded "
            "in one process",
            one.location,
            hint="Move it into a package that is named after the project.",
        )


@rule("HUB007", "shadows-installed-name", "warning", preview=True)
def shadows_installed_name(repo: RepoFacts) -> Iterator[Finding]:
    """A top-level module of the repo has the name of an installed one.

    torch.hub puts the repo first on `sys.path`. While it loads, every `import datasets`, even in
    a dependency, imports the repo's folder.

    Bad:
        datasets/__init__.py
        hubconf.py

    Good:
        acme_unet/datasets/__init__.py
        hubconf.py

    Names of the standard library, of declared dependencies and of a few well-known packages are
    reported.
    """
    declared = {name for entry in entries_of(repo) for name in provided_modules(entry.name)}
    for name in sorted(repo.packages - {"hubconf"}):
        if is_stdlib(name) or name in declared or name in _WELL_KNOWN:
            yield shadows_installed_name.finding(
                f"`{name}` of this repo shadows the installed module while the repo is loaded",
                hint="Move it into a package that is named after the project.",
            )
