"""Code that loads a checkpoint, put into an entrypoint of hubconf.py."""

from __future__ import annotations

import ast
import re
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
    from collections.abc import Iterator
    from pathlib import Path

    from hubkit.facts import Edit, Entrypoint, RepoFacts
    from hubkit.rules.edits.source import FunctionNode, Source

_SWITCH = "pretrained"


def wire(facts: RepoFacts, entry: Entrypoint, code: str, url: str) -> FileChange:
    """Let an entrypoint load a checkpoint.

    If it downloads one file already, its URL is replaced, unless there is no other URL. Otherwise the code is put before its
    ``return``, below ``if pretrained:``, and a missing parameter is added and documented.

    Args:
        facts: The repo.
        entry: The entrypoint.
        code: Statements that assign ``state``, written with ``torch`` and ``pathlib``.
        url: The URL in them; "" if they open a file of the repo.

    Returns:
        The contents of hubconf.py before and after.

    Raises:
        UsageError: It is written in a way that cannot be edited.
    """
    before = facts.files.read(HUBCONF)
    try:
        changes = _replace_url(facts, entry, url) or _insert(facts, entry, code)
        after = apply_edits(HUBCONF, before, changes)
        require_parses(HUBCONF, after)
    except PatchError as error:
        raise _cannot(entry, str(error)) from error
    return FileChange(before, after)


def stage(facts: RepoFacts, entry: Entrypoint, change: FileChange, folder: Path) -> str:
    """Lay out the repo with the changed hubconf.py; returns code that loads the entrypoint from it.

    Args:
        facts: The repo.
        entry: The entrypoint.
        change: The contents of hubconf.py.
        folder: An empty folder.

    Raises:
        UsageError: The arguments that build the entrypoint are unknown.
    """
    for path in facts.root.resolve().iterdir():
        if path.name not in (HUBCONF, ".git", "__pycache__"):
            (folder / path.name).symlink_to(path)
    write_file(folder / HUBCONF, change.after)
    changed = require_hubconf(read_repo(folder)).entrypoint(entry.name)
    config = read_config(facts.root).entrypoint(entry.name)
    parameters = changed.parameters or () if changed else ()
    arguments = arguments_with_weights(weights_defaults(parameters), config) or dict(config.call)
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


def _replace_url(facts: RepoFacts, entry: Entrypoint, url: str) -> list[Edit]:
    """The edit of the URL of the only download; empty if there is no download."""
    assert facts.hubconf is not None  # noqa: S101 - it has the entrypoint
    downloads = read_weights(facts.files, facts.hubconf, [entry.name])[entry.name].downloads
    if not downloads:
        return []
    if not url:
        raise _cannot(entry, "it downloads a file, which would be loaded too")
    source, old = edits.source_of(facts, HUBCONF), downloads[0].url
    strings = [
        node
        for node in (ast.walk(source.tree) if source else ())
        if isinstance(node, ast.Constant) and node.value == old
    ]
    if source is None or old is None or len(downloads) > 1 or len(strings) != 1:
        raise _cannot(entry, "it downloads a file whose URL is not one string of hubconf.py")
    quote = edits.quote_of(source, source.segment(strings[0]))
    return [source.replace_node(strings[0], f"{quote}{url}{quote}")]


def _insert(facts: RepoFacts, entry: Entrypoint, code: str) -> list[Edit]:
    source = edits.source_of(facts, HUBCONF) if entry.definition.path == HUBCONF else None
    node = source.named(entry.definition) if source else None
    if source is None or not isinstance(node, ast.FunctionDef):
        raise _cannot(entry, "it is not a function of hubconf.py")
    imported: list[Edit] = []
    for module in ("pathlib", "torch"):
        if f"{module}." not in code:
            continue
        used = edits.use_module(source, module)
        if used is None:
            raise _cannot(entry, f"{module} cannot be imported there")
        alias, more = used
        imported += more
        code = re.sub(rf"\b{module}\.", f"{alias}.", code)
    code = f"{code}\nmodel.load_state_dict(state)"
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
