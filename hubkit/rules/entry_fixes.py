"""Fixes of what entrypoints say and take."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hubkit.facts import Fix
from hubkit.rules.edits.definitions import assign_docstring, default_of, drop_keywords, make_def
from hubkit.rules.edits.docstrings import add_parameters, insert_docstring, remove_text
from hubkit.rules.edits.source import source_of
from hubkit.rules.words import quoted

if TYPE_CHECKING:
    from hubkit.facts import Edit, Entrypoint, RepoFacts


def write_docstring(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that writes a docstring from the signature."""
    source = source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    if source is None or node is None:
        return None
    parameters = [one for one in entry.parameters or () if not one.name.startswith("_")]
    return _fix("Write a docstring from the signature", insert_docstring(source, node, parameters))


def mention_parameters(repo: RepoFacts, entry: Entrypoint, names: list[str]) -> Fix | None:
    """A fix that mentions parameters which the docstring lacks."""
    source = source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    if source is None or node is None:
        return None
    parameters = [one for one in entry.parameters or () if one.name in names]
    return _fix(f"Mention {quoted(names)}", add_parameters(source, node, parameters))


def remove_leftover(repo: RepoFacts, entry: Entrypoint, text: str) -> Fix | None:
    """A fix that takes a line out of a docstring."""
    source = source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    edit = remove_text(source, node, text) if source and node else None
    return Fix("Remove the line", "safe", (edit,)) if edit else None


def give_help(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that gives an assigned value a help text of its own."""
    source = source_of(repo, entry.location.path)
    node = source.statement(entry.location) if source else None
    if source is None or node is None:
        return None
    parameters = entry.parameters or ()
    if entry.made_by == "lambda":
        return _fix("Make it a `def`", make_def(source, node, parameters))
    edit = assign_docstring(source, node, entry.name, parameters)
    return _fix(f"Assign `{entry.name}.__doc__`", edit)


def _fix(message: str, edit: Edit | None) -> Fix | None:
    return Fix(message, "unsafe", (edit,)) if edit else None


def remove_keywords(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that takes ``**kwargs`` from an entrypoint."""
    source = source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    if source is None or not isinstance(node, ast.FunctionDef):
        return None
    edit = drop_keywords(source, node)
    return Fix("Remove them", "unsafe", (edit,)) if edit else None


def default_to_cpu(repo: RepoFacts, entry: Entrypoint, parameter: str) -> Fix | None:
    """A fix that makes a parameter's default "cpu"."""
    source = source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    if source is None or not isinstance(node, ast.FunctionDef):
        return None
    default = default_of(source, node, parameter)
    if default is None:
        return None
    quote = source.segment(default)[0]
    edit = source.replace_node(default, f"{quote}cpu{quote}")
    return Fix('Make "cpu" the default', "unsafe", (edit,))
