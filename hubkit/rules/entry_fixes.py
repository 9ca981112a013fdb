"""Fixes of what entrypoints say and take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.facts import Fix
from hubkit.rules import edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from hubkit.facts import Applicability, Edit, Entrypoint, RepoFacts
    from hubkit.rules.edits.source import NamedNode, Source


def write_docstring(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that writes a docstring from the signature."""
    parameters = [one for one in entry.parameters or () if not one.name.startswith("_")]
    edit = _edit(repo, entry, lambda source, node: edits.insert_docstring(source, node, parameters))
    return _fix("Write a docstring from the signature", edit)


def mention_parameters(repo: RepoFacts, entry: Entrypoint, names: list[str]) -> Fix | None:
    """A fix that mentions parameters which the docstring lacks."""
    parameters = [one for one in entry.parameters or () if one.name in names]
    edit = _edit(repo, entry, lambda source, node: edits.add_parameters(source, node, parameters))
    return _fix(f"Mention {quoted(names)}", edit)


def remove_leftover(repo: RepoFacts, entry: Entrypoint, text: str) -> Fix | None:
    """A fix that takes a line out of a docstring."""
    edit = _edit(repo, entry, lambda source, node: edits.remove_text(source, node, text))
    return _fix("Remove the line", edit, "safe")


def give_help(repo: RepoFacts, entry: Entrypoint) -> Fix | None:
    """A fix that gives an assigned value a help text of its own."""
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
    """A fix that takes ``**kwargs`` from an entrypoint."""
    return _fix("Remove them", _edit(repo, entry, edits.drop_keywords))


def default_to_cpu(repo: RepoFacts, entry: Entrypoint, parameter: str) -> Fix | None:
    """A fix that makes a parameter's default "cpu"."""
    edit = _edit(
        repo, entry, lambda source, node: edits.replace_default(source, node, parameter, "cpu")
    )
    return _fix('Make "cpu" the default', edit)


def _edit(
    repo: RepoFacts, entry: Entrypoint, make: Callable[[Source, NamedNode], Edit | None]
) -> Edit | None:
    """What a function makes of an entrypoint's definition; None where that was not read."""
    source = edits.source_of(repo, entry.definition.path)
    node = source.named(entry.definition) if source else None
    return make(source, node) if source and node else None


def _fix(message: str, edit: Edit | None, applicability: Applicability = "unsafe") -> Fix | None:
    return Fix(message, applicability, (edit,)) if edit else None
