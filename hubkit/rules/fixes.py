"""Fixes of entrypoints and calls, made of ``edits``."""

from __future__ import annotations

import ast
import posixpath
import re
from functools import partial
from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.facts import Fix, Use
from hubkit.rules import edits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hubkit.facts import Applicability, CheckpointUse, Edit, Entrypoint, RepoFacts
    from hubkit.rules.edits.source import NamedNode, Source


def write_docstring(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that writes a docstring from the signature."""
    parameters = [one for one in entry.parameters or () if not one.name.startswith("_")]
    edit = _edit_definition(
        repo, entry, lambda source, node: edits.insert_docstring(source, node, parameters)
    )
    return _fix("Write a docstring from the signature", edit)


def document_parameters(
    repo: RepoFacts, entry: Entrypoint, names: list[str], misspelled: Mapping[str, str]
) -> Fix | None:
    """A fix that documents parameters.

    Args:
        repo: The repo.
        entry: The entrypoint.
        names: The parameters.
        misspelled: Those that the docstring describes under a misspelled name, by that name.
    """
    fix = rename_documented(repo, entry, misspelled) if misspelled else None
    renamed = misspelled.values() if fix else ()
    parameters = [
        one for one in entry.parameters or () if one.name in names and one.name not in renamed
    ]
    added = _edit_definition(
        repo, entry, lambda source, node: edits.add_parameters(source, node, parameters)
    )
    made = [*(fix.edits if fix else ()), *([added] if added and parameters else ())]
    made.sort(key=_place)
    return Fix(f"Document {quoted(names)}", "unsafe", tuple(made)) if made else None


def rename_documented(
    repo: RepoFacts, entry: Entrypoint, misspelled: Mapping[str, str]
) -> Fix | None:
    """A fix that corrects the names of parameters in a docstring."""
    made = [
        _edit_definition(repo, entry, partial(edits.rename_parameter, old=old, new=new))
        for old, new in misspelled.items()
    ]
    done = sorted((edit for edit in made if edit), key=_place)
    is_whole = len(done) == len(made)
    return Fix("Correct the name", "unsafe", tuple(done)) if done and is_whole else None


def _place(edit: Edit) -> tuple[int, int]:
    return edit.location.line, edit.location.column


def remove_leftover(repo: RepoFacts, entry: Entrypoint, text: str) -> Fix | None:
    """A fix that removes a line of a docstring."""
    edit = _edit_definition(repo, entry, lambda source, node: edits.remove_text(source, node, text))
    return _fix("Remove the line", edit, "safe")


def add_help(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that adds a docstring to an entrypoint made by partial or lambda."""
    source = edits.source_of(repo, entry.location.path)
    node = source.statement(entry.location) if source else None
    if source is None or node is None:
        return None
    parameters = entry.parameters or ()
    if entry.made_by == "lambda":
        return _fix("Make it a `def`", edits.make_def(source, node, parameters))
    edit = edits.assign_docstring(source, node, entry.name, parameters)
    return _fix(f"Assign `{entry.name}.__doc__`", edit)


def remove_keywords(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that removes ``**kwargs`` of an entrypoint."""
    return _fix("Remove them", _edit_definition(repo, entry, edits.drop_keywords))


def default_to_cpu(repo: RepoFacts, entry: Entrypoint, parameters: list[str]) -> Fix | None:
    """A fix that changes the defaults of parameters to "cpu"."""

    def change(parameter: str) -> Edit | None:
        return _edit_definition(
            repo, entry, lambda source, node: edits.replace_default(source, node, parameter, "cpu")
        )

    changes = [edit for edit in map(change, parameters) if edit]
    return Fix('Change the default to "cpu"', "unsafe", tuple(changes)) if changes else None


def _edit_definition(
    repo: RepoFacts, entry: Entrypoint, make: Callable[[Source, NamedNode], Edit | None]
) -> Edit | None:
    """Call a function with the definition of an entrypoint; None if it was not read."""
    source = edits.source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    return make(source, node) if source and node else None


def _fix(message: str, edit: Edit | None, applicability: Applicability = "unsafe") -> Fix | None:
    return Fix(message, applicability, (edit,)) if edit else None


# Where load_state_dict_from_url takes them (torch/hub.py), in torch and in what re-exports it.
_POSITIONS = {"map_location": 2, "check_hash": 4, "weights_only": 6}
_KNOWN = ("torch.", "torchvision.", "hubkit.")
# Parts of URLs that do not identify a project.
_GENERIC_PARTS = ("releases", "download", "resolve", "raw", "main", "master", "blob")


def name_file(repo: RepoFacts, use: CheckpointUse, name: str) -> Fix | None:
    """A fix that makes a cached file name unique by the folders in the URL."""
    from hubkit._util.urls import try_parse

    call = edits.call_at(repo, use.location) if use.function.startswith("torch.") else None
    url = try_parse(use.url or "")
    if call is None or url is None or "file_name" in use.arguments:
        return None
    folders = url.path.split("/")[:-1]
    specific = [part for part in folders if part and part not in _GENERIC_PARTS]
    if not specific:
        return None
    # torch.hub must not take a part of a folder name as the hash.
    prefix = re.sub(r"[^\w-]+", "_", "-".join(specific[:2] + specific[2:][-2:]))
    quote = edits.quote_of(call.source, call.source.segment(call.node))
    edit = call.set_argument("file_name", f"{quote}{prefix}-{name}{quote}", position=5)
    return Fix(f"Cache it as `{prefix}-{name}`", "unsafe", (edit,)) if edit else None


def anchor(repo: RepoFacts, use: Use) -> Fix | None:
    """A fix that makes a path relative to the file that contains it."""
    source, place = edits.source_of(repo, use.location.path), use.location
    if source is None:
        return None
    tokens = source.tokens((place.line, place.column), (place.end_line, place.end_column)) or ()
    strings = [token for token in tokens if edits.is_plain_string(token.text)]
    named = [one for one in strings if posixpath.normpath(one.text[1:-1]) == use.own_file]
    used = edits.use_module(source, "os") if len(named) == 1 else None
    if used is None:
        return None
    (alias, imported), (token,) = used, named
    quote = token.text[0]
    relative = posixpath.relpath(use.own_file, posixpath.dirname(source.path) or ".")
    path = f"{alias}.path"
    text = f"{path}.join({path}.dirname(__file__), {quote}{relative}{quote})"
    changes = (*imported, source.replace(token.start, token.end, text))
    return Fix("Use a path relative to this file", "unsafe", changes)


def use_literal_eval(repo: RepoFacts, use: Use) -> Fix | None:
    """A fix that parses text as a literal instead of running it."""
    call = edits.call_at(repo, use.location) if use.name == "eval" else None
    if call is None or len(call.node.args) != 1 or call.node.keywords:
        return None
    # A plain variable often contains the name of a class, which is not a literal.
    if not isinstance(call.node.args[0], ast.Attribute | ast.Subscript):
        return None
    used = edits.use_module(call.source, "ast")
    if used is None:
        return None
    alias, imported = used
    edit = call.source.replace_node(call.node.func, f"{alias}.literal_eval")
    return Fix("Parse it as a literal", "unsafe", (*imported, edit))


def use_safe_load(repo: RepoFacts, use: Use) -> Fix | None:
    """A fix that loads YAML safely."""
    call = edits.call_at(repo, use.location)
    function = call.node.func if call else None
    if call is None or not isinstance(function, ast.Attribute) or len(call.node.args) != 1:
        return None
    loader = use.keyword("Loader")
    if len(call.node.keywords) != (loader is not None):
        return None
    (line, column), brackets = call.source.end(function), call.brackets()
    if brackets is None:
        return None
    changes = [
        call.source.replace((line, column - len(function.attr)), (line, column), "safe_load")
    ]
    if loader is not None:
        changes.append(brackets.remove(brackets.items[1]))
    # Other loaders may be needed for files with Python objects.
    is_same = loader is None or "FullLoader" in loader
    return Fix("Use `safe_load`", "safe" if is_same else "unsafe", tuple(changes))


def add_argument(
    repo: RepoFacts, use: CheckpointUse | Use, name: str, value: str, applicability: Applicability
) -> Fix | None:
    """A fix that adds an argument to a call that loads weights."""
    function = use.name if isinstance(use, Use) else use.function
    # Functions of other libraries with the same name may not accept the argument.
    call = edits.call_at(repo, use.location) if function.startswith(_KNOWN) else None
    if call is None:
        return None
    if value.startswith('"'):
        value = value.replace('"', edits.quote_of(call.source, call.source.segment(call.node)))
    edit = call.set_argument(
        name, value, position=1 if function == "torch.load" else _POSITIONS[name]
    )
    return Fix(f"Pass `{name}={value}`", applicability, (edit,)) if edit else None
