"""Edits of source text at the places that syntax trees and tokens tell.

Each function looks at how the source is written and gives edits that keep to it, or None where it
is written in a way that the edit does not know. Nothing here decides what is wrong.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.rules.edits.calls import call_at
    from hubkit.rules.edits.comments import drop_code
    from hubkit.rules.edits.definitions import (
        assign_docstring,
        drop_keywords,
        make_def,
        replace_default,
    )
    from hubkit.rules.edits.dependencies import (
        append_entry,
        insert_list,
        make_list,
        remove_entry,
        replace_entry,
    )
    from hubkit.rules.edits.docstrings import add_parameters, insert_docstring, remove_text
    from hubkit.rules.edits.imports import hoist_import, make_absolute, use_module
    from hubkit.rules.edits.rename import hide_name
    from hubkit.rules.edits.source import is_plain_string, quote_of, source_of

__all__ = [
    "add_parameters",
    "append_entry",
    "assign_docstring",
    "call_at",
    "drop_code",
    "drop_keywords",
    "hide_name",
    "hoist_import",
    "insert_docstring",
    "insert_list",
    "is_plain_string",
    "make_absolute",
    "make_def",
    "make_list",
    "quote_of",
    "remove_entry",
    "remove_text",
    "replace_default",
    "replace_entry",
    "source_of",
    "use_module",
]

__getattr__ = lazy_names(
    __name__,
    {
        "calls": "call_at",
        "comments": "drop_code",
        "definitions": "assign_docstring drop_keywords make_def replace_default",
        "dependencies": "append_entry insert_list make_list remove_entry replace_entry",
        "docstrings": "add_parameters insert_docstring remove_text",
        "imports": "hoist_import make_absolute use_module",
        "rename": "hide_name",
        "source": "is_plain_string quote_of source_of",
    },
)
