"""Edits of source text at the places of syntax nodes and tokens.

Each function keeps to the style of the source around it. It returns edits, or None where the source
is written in a way that it cannot edit. Nothing here decides what is wrong.
"""

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.rules.edits.brackets import (
        append_entry,
        call_at,
        insert_list,
        make_list,
        remove_entry,
        replace_entry,
    )
    from hubkit.rules.edits.definitions import (
        add_parameters,
        append_parameter,
        assign_docstring,
        drop_keywords,
        insert_docstring,
        make_def,
        remove_text,
        rename_parameter,
        replace_default,
    )
    from hubkit.rules.edits.names import (
        hide_name,
        hoist_import,
        make_absolute,
        use_module,
        use_name,
    )
    from hubkit.rules.edits.source import is_plain_string, quote_of, source_of

__all__ = [
    "add_parameters",
    "append_entry",
    "append_parameter",
    "assign_docstring",
    "call_at",
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
    "rename_parameter",
    "replace_default",
    "replace_entry",
    "source_of",
    "use_module",
    "use_name",
]

__getattr__ = lazy_names(
    __name__,
    {
        "brackets": "append_entry call_at insert_list make_list remove_entry replace_entry",
        "definitions": "add_parameters append_parameter assign_docstring drop_keywords "
        "insert_docstring make_def remove_text rename_parameter replace_default",
        "names": "hide_name hoist_import make_absolute use_module use_name",
        "source": "is_plain_string quote_of source_of",
    },
)
