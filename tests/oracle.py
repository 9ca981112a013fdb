"""griffe as an oracle: what does another reader of Python find in a hubconf?

``python -m tests.oracle FOLDER...`` prints how hubkit's entrypoints and leaks differ from what griffe
finds, for each hub repo. Not compared are assigned names, which griffe does not follow, names that are
made at run time, names from outside the repo, and docstrings that are assigned. These differences are known, and hubkit is right:

- griffe takes what stands under ``if __name__ == "__main__"`` for names of the module.
- griffe does not know that timm's ``register_model`` fills ``__all__``, which limits a star import.
- griffe does not find modules in a folder without ``__init__.py`` inside of a package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.text import plural
from hubkit.analysis import read_repo
from hubkit.analysis.modules import SourceFile, read_search_path, read_source
from hubkit.analysis.scope import read_scope
from hubkit.errors import HubkitError
from hubkit.source import Folder
from hubkit.torchhub import HUBCONF

if TYPE_CHECKING:
    from collections.abc import Iterator

    import griffe

    from hubkit.facts import Entrypoint, Parameter

# griffe's names of the kinds of parameters.
_KINDS = {
    "positional-only": "positional-only",
    "positional or keyword": "positional",
    "variadic positional": "var-positional",
    "keyword-only": "keyword-only",
    "variadic keyword": "var-keyword",
}


def compare(root: Path) -> Iterator[str]:
    """How the hubconf in a folder differs from what griffe finds, one line a difference."""
    hubconf = read_repo(root).hubconf
    if hubconf is None:
        return
    module = load(root)
    found = dict(_callables(module))
    listed = {entry.name: entry for entry in hubconf.listed}
    leaks = {leak.name for leak in hubconf.leaks}
    for name, item in sorted(found.items()):
        if name in listed:
            yield from _compare_entrypoint(root, listed[name], item)
        elif name not in leaks:
            yield f"{name}: griffe finds {item.path}, hubkit nothing"
    for name, entry in listed.items():
        line = hubconf.source.splitlines()[entry.location.line - 1]
        is_made = name not in hubconf.source and "import *" not in line
        if entry.kind != "value" and name not in module.members and not is_made:
            yield f"{name}: hubkit finds a {entry.kind}, griffe nothing"


def load(root: Path) -> griffe.Module:
    """The hubconf as griffe reads it, with the modules of the repo behind it."""
    import griffe

    loader = griffe.GriffeLoader(search_paths=_search_path(root), allow_inspection=False)
    module = loader.load("hubconf", try_relative_path=False)
    loader.resolve_aliases(implicit=True, external=True)
    assert isinstance(module, griffe.Module)
    return module


def _search_path(root: Path) -> list[Path]:
    """The folders in which the hubconf's imports are searched."""
    files = Folder(root)
    file = read_source(files, HUBCONF, module="hubconf")
    assert isinstance(file, SourceFile)
    return [root / folder for folder in read_search_path(read_scope(file), files)]


def _callables(module: griffe.Module) -> Iterator[tuple[str, griffe.Function | griffe.Class]]:
    """The public functions and classes of the repo that a module has."""
    import griffe

    for name, member in module.members.items():
        if name.startswith("_"):
            continue
        try:
            target = member.final_target if isinstance(member, griffe.Alias) else member
        except griffe.GriffeError:  # not in the repo
            continue
        if isinstance(target, griffe.Function | griffe.Class):
            yield name, target


def _compare_entrypoint(
    root: Path, entry: Entrypoint, item: griffe.Function | griffe.Class
) -> Iterator[str]:
    kind = "class" if item.is_class else "function"
    if entry.kind != kind:
        yield f"{entry.name}: griffe finds a {kind}, hubkit a {entry.kind}"
        return
    path = Path(str(item.filepath)).relative_to(root).as_posix()
    if path != entry.definition.path:
        yield f"{entry.name}: griffe finds it in {path}, hubkit in {entry.definition.path}"
        return
    theirs = [_parameter(one) for one in item.parameters if one.name not in ("self", "cls")]
    ours = [(one.name, one.kind, _default(one)) for one in entry.parameters or ()]
    if entry.parameters is not None and ours != theirs:
        yield f"{entry.name}: parameters are {theirs} for griffe, {ours} for hubkit"
    docstring = item.docstring.value if item.docstring else ""
    is_assigned = f"{item.name}.__doc__" in Path(str(item.filepath)).read_text("utf-8")
    if docstring.strip() != (entry.docstring or "").strip() and not is_assigned:
        yield f"{entry.name}: docstrings differ"


def _parameter(one: griffe.Parameter) -> tuple[str, str, bool]:
    kind = _KINDS[one.kind.value] if one.kind else ""
    return one.name, kind, one.default is not None and not kind.startswith("var-")


def _default(one: Parameter) -> bool:
    return one.default is not None


def main(folders: list[str]) -> None:
    """Compare each folder."""
    for folder in folders:
        root = Path(folder).resolve()
        try:
            lines = list(compare(root))
        except (HubkitError, SyntaxError) as error:
            lines = [f"not read: {error}"]
        title = (
            f"{root.name}: {plural(len(lines), 'difference')}" if lines else f"{root.name}: same"
        )
        sys.stdout.write("\n  ".join([title, *lines]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
