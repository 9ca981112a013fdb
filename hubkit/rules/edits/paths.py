"""Relative paths that are made to start from the file that names them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from hubkit.rules.edits.definitions import free_import
from hubkit.rules.edits.imports import module_alias
from hubkit.rules.edits.source import is_plain_string

if TYPE_CHECKING:
    from hubkit.facts import Edit, Location
    from hubkit.rules.edits.source import Source


def anchor_path(source: Source, call: Location, own_file: str) -> tuple[Edit, ...] | None:
    """Edits that anchor the path which a call names on ``__file__``.

    Args:
        source: The file with the call.
        call: The call.
        own_file: The file that the path means, from the repo's root.
    """
    start, end = (call.line, call.column), (call.end_line, call.end_column)
    named = [
        token
        for token in source.tokens(start, end) or ()
        if is_plain_string(token.text) and posixpath.normpath(token.text[1:-1]) == own_file
    ]
    if len(named) != 1:
        return None
    alias, imported = module_alias(source, "os"), None
    if alias is None:
        added = free_import(source, "os")
        if added is None:
            return None
        alias, imported = added
    quote = named[0].text[0]
    relative = posixpath.relpath(own_file, posixpath.dirname(source.path) or ".")
    path = f"{alias}.path"
    text = f"{path}.join({path}.dirname(__file__), {quote}{relative}{quote})"
    edit = source.replace(named[0].start, named[0].end, text)
    return (imported, edit) if imported else (edit,)
