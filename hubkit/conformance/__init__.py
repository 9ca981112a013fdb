"""The report of the conformance suite as a file, and what is rendered from it.

The file is JSON; ``report.schema.json`` describes it. The table, Markdown, badges and the page are
rendered from the same values, whether they come from a run or from a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.lazy import lazy_names

if TYPE_CHECKING:
    from hubkit.conformance.compare import find_changes, group_runs, name_runs
    from hubkit.conformance.document import parse_report, read_report, render_json
    from hubkit.conformance.merge import merge_reports
    from hubkit.conformance.render import (
        change_lines,
        read_target,
        render_endpoint,
        render_html,
        render_markdown,
        render_svg,
        render_table,
        render_weights,
        table_lines,
        write_report,
    )

__all__ = [
    "change_lines",
    "find_changes",
    "group_runs",
    "merge_reports",
    "name_runs",
    "parse_report",
    "read_report",
    "read_target",
    "render_endpoint",
    "render_html",
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
        "compare": "find_changes group_runs name_runs",
        "document": "parse_report read_report render_json",
        "merge": "merge_reports",
        "render": "change_lines read_target render_endpoint render_html render_markdown render_svg "
        "render_table render_weights table_lines write_report",
    },
)
