"""SAY, for the conformance suite: a run's report as a file, and what is rendered from that file.

The file is JSON; ``report.schema.json`` says what is in it. Terminal table, Markdown and badge are
made from the same values, whether they come from a run or from a file.
"""

from __future__ import annotations

from hubkit.conformance.badge import render_endpoint, render_svg
from hubkit.conformance.files import read_report, render_json
from hubkit.conformance.forms import read_target, write_form
from hubkit.conformance.markdown import render_markdown
from hubkit.conformance.merging import merge_reports
from hubkit.conformance.table import render_table

__all__ = [
    "merge_reports",
    "read_report",
    "read_target",
    "render_endpoint",
    "render_json",
    "render_markdown",
    "render_svg",
    "render_table",
    "write_form",
]
