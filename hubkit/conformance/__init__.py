"""The report of the conformance suite as a file, and what is rendered from it.

The file is JSON; ``report.schema.json`` describes it. The table, Markdown and badges are rendered
from the same values, whether they come from a run or from a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.conformance.document import read_report, render_json
    from hubkit.conformance.merge import merge_reports
    from hubkit.conformance.render import (
        read_target,
        render_endpoint,
        render_markdown,
        render_svg,
        render_table,
        render_weights,
        table_lines,
        write_report,
    )

__all__ = [
    "merge_reports",
    "read_report",
    "read_target",
    "render_endpoint",
    "render_json",
    "render_markdown",
    "render_svg",
    "render_table",
    "render_weights",
    "table_lines",
    "write_report",
]

__getattr__ = lazy_names(
    __name__,
    {
        "document": "read_report render_json",
        "merge": "merge_reports",
        "render": "read_target render_endpoint render_markdown render_svg render_table "
        "render_weights table_lines write_report",
    },
)
