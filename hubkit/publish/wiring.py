"""Code that loads a checkpoint, put into an entrypoint of hubconf.py."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

from hubkit._util.atomic import write_file
from hubkit._util.text import join_words
from hubkit.analysis import read_repo, read_weights, require_hubconf
from hubkit.config import read_config
from hubkit.errors import UsageError
from hubkit.facts import Parameter
from hubkit.lint import FileChange, PatchError, apply_edits, require_parses
from hubkit.rules import edits
from hubkit.torchhub import HUBCONF, arguments_with_weights, weights_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from hubkit.facts import Edit, Entrypoint, RepoFacts
    from hubkit.publish.loading import Published
    from hubkit.rules.edits.source import FunctionNode, Source

_SWITCH = "pretrained"


def wire(facts: RepoFacts, entry: Entrypoint, published: Published) -> FileChange:
    """Let an entrypoint load a checkpoint.

    If it loads one file already, from a URL or from the repo, as this one, then its URL or path is
    replaced. Otherwise the code is put before its ``return``, below ``if pretrained:``, and a missing
    parameter is added and documented.

    Args:
        facts: The repo.
        entry: The entrypoint.
        published: The code, which assigns ``state``.

    Returns:
        The contents of hubconf.py before and after.

    Raises:
        UsageError: It is written in a way that cannot be edited.
    """
    before = facts.files.read(HUBCONF)
    try:
        changes = _replace_place(facts, entry, published) or _insert(facts, entry, published)
        after = apply_edits(HUBCONF, before, changes)
        require_parses(HUBCONF, after)
    except PatchError as error:
        raise _cannot(entry, str(error)) from error
    return FileChange(before, after)


def stage(
    facts: RepoFacts,
    entry: Entrypoint,
    change: FileChange,
    folder: Path,
    *,
    files: Mapping[str, Path],
    changed: Mapping[str, Any],
) -> str:
    """Lay out the repo with the changed hubconf.py; returns code that loads the entrypoint from it.

    Args:
        facts: The repo.
        entry: The entrypoint.
        change: The contents of hubconf.py.
        folder: A folder, empty or with an earlier layout.
        files: Other files of the repo, by path.
        changed: Arguments to use in place of the declared and default ones.

    Raises:
        UsageError: The arguments that build the entrypoint are unknown.
    """
    if not (folder / HUBCONF).exists():
        _link(facts.root.resolve(), folder, without=(HUBCONF, ".git", "__pycache__"))
        write_file(folder / HUBCONF, change.after)
        for path, file in files.items():
            _place(facts.root.resolve(), folder, path, file)
    found = require_hubconf(read_repo(folder)).entrypoint(entry.name)
    config = read_config(facts.root).entrypoint(entry.name)
    parameters = found.parameters or () if found else ()
    arguments = arguments_with_weights(weights_defaults(parameters), config) or dict(config.call)
    arguments = {**arguments, **changed}
    unknown = [one.name for one in parameters if one.required and one.name not in arguments]
    if unknown:
        raise UsageError(
            f"{entry.name} cannot be built without {join_words(unknown)}",
            hint=f"Declare it in the configuration: [entrypoints.{entry.name}] call = {{ ... }}",
        )
    return (
        f"import torch\n\ntorch.hub.load({str(folder)!r}, {entry.name!r}, source='local', "
        f"**{arguments!r})\n"
    )


def _link(source: Path, folder: Path, *, without: tuple[str, ...] = ()) -> None:
    """Link the contents of a folder into another one."""
    for path in source.iterdir():
        if path.name not in without:
            (folder / path.name).symlink_to(path)


def _place(root: Path, folder: Path, path: str, file: Path) -> None:
    """Link a file into a layout of links; folders that it lies in become real ones."""
    *parents, name = path.split("/")
    for parent in parents:
        root, folder = root / parent, folder / parent
        if folder.is_symlink():
            folder.unlink()
        if not folder.exists():
            folder.mkdir()
            if root.is_dir():
                _link(root, folder)
    target = folder / name
    target.unlink(missing_ok=True)
    target.symlink_to(file.resolve())


def _replace_place(facts: RepoFacts, entry: Entrypoint, published: Published) -> list[Edit]:
    """The edit of the URL of the only download, or of the path of the only file of the repo.

    It is empty if there is none, or if the weights were in a release and now are in the repo.
    """
    assert facts.hubconf is not None  # noqa: S101 - it has the entrypoint
    weights = read_weights(facts.files, facts.hubconf, [entry.name])[entry.name]
    places = [one.url for one in weights.downloads] if published.url else list(weights.files)
    source = edits.source_of(facts, HUBCONF)
    strings = [
        node
        for node in (ast.walk(source.tree) if source else ())
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in places
    ]
    if source and len(places) == len(strings) == 1:
        quote = edits.quote_of(source, source.segment(strings[0]))
        new = published.url or published.path
        is_plain = not {quote, "\\"} & {*new}
        return [source.replace_node(strings[0], f"{quote}{new}{quote}" if is_plain else repr(new))]
    if published.url and places:
        raise _cannot(entry, "it downloads a file whose URL is not one string of hubconf.py")
    return []


def _insert(facts: RepoFacts, entry: Entrypoint, published: Published) -> list[Edit]:
    source = edits.source_of(facts, HUBCONF) if entry.definition.path == HUBCONF else None
    node = source.named(entry.definition) if source else None
    if source is None or not isinstance(node, ast.FunctionDef):
        raise _cannot(entry, "it is not a function of hubconf.py")
    used = edits.use_module(source, "torch")
    if used is None:
        raise _cannot(entry, "torch cannot be imported there")
    alias, imported = used
    code = f"{published.code.replace('torch.', f'{alias}.')}\nmodel.load_state_dict(state)"
    if published.path:
        path = edits.use_name(source, "pathlib", "Path")
        if path is None:
            raise _cannot(entry, "pathlib cannot be imported there")
        code, imported = code.replace("Path(", f"{path[0]}(", 1), (*path[1], *imported)
    return [*imported, *_add_switch(source, node, entry), *_add_code(source, node, entry, code)]


def _add_switch(source: Source, node: FunctionNode, entry: Entrypoint) -> Iterator[Edit]:
    """Add the parameter and its documentation, if the function lacks them."""
    if any(one.name == _SWITCH for one in entry.parameters or ()):
        return
    edit = edits.append_parameter(source, node, f"{_SWITCH}: bool = False")
    if edit is None:
        raise _cannot(entry, f"the parameter `{_SWITCH}` cannot be added")
    yield edit
    parameter = Parameter(_SWITCH, default="False", annotation="bool")
    documented = edits.add_parameters(source, node, [parameter])
    if documented:
        yield documented


def _add_code(source: Source, node: FunctionNode, entry: Entrypoint, code: str) -> Iterator[Edit]:
    """Load the weights before the ``return``, or in place of what ``if pretrained:`` does."""
    last = node.body[-1]
    returns = [one for one in ast.walk(node) if isinstance(one, ast.Return)]
    value = last.value if isinstance(last, ast.Return) else None
    if value is None or returns != [last] or not source.is_alone(last):
        raise _cannot(entry, "it does not end with its only `return`")
    indent, name = source.indent(last.lineno), "model"
    body = textwrap.indent(code, f"{indent}    ")
    if isinstance(value, ast.Name):
        name = value.id
    body = body.replace("model.load_state_dict", f"{name}.load_state_dict")
    switches = [one for one in node.body if isinstance(one, ast.If) and _tests_switch(one)]
    uses = [one for one in ast.walk(node) if isinstance(one, ast.Name) and one.id == _SWITCH]
    if len(uses) > len(switches) or len(switches) > 1:
        raise _cannot(entry, f"it uses `{_SWITCH}` already")
    if switches and isinstance(value, ast.Name):
        first, end = switches[0].body[0], switches[0].body[-1]
        yield source.replace((first.lineno, 1), source.end(end), body)
        return
    if switches:
        raise _cannot(entry, f"it uses `{_SWITCH}` already")
    if isinstance(value, ast.Name):
        yield source.insert((last.lineno, 1), f"{indent}if {_SWITCH}:\n{body}\n")
        return
    yield source.replace(source.start(last), source.start(value), "model = ")
    text = f"\n{indent}if {_SWITCH}:\n{body}\n{indent}return model"
    yield source.insert(source.end(last), text)


def _tests_switch(one: ast.If) -> bool:
    return isinstance(one.test, ast.Name) and one.test.id == _SWITCH and not one.orelse


def _cannot(entry: Entrypoint, why: str) -> UsageError:
    return UsageError(
        f"hubkit cannot edit {entry.name} in hubconf.py: {why}",
        hint="Run the command without --wire, and put the printed code where the model is built.",
    )
