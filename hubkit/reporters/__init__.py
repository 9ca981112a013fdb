"""SAY: one output format a module, each a function from a report to lines on a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.reporters import concise, full, github, json, junit, markdown, sarif, statistics

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from hubkit.facts import Report

    Reporter = Callable[[Report, TextIO], None]

REPORTERS: dict[str, Reporter] = {
    "full": full.write_report,
    "concise": concise.write_report,
    "json": json.write_report,
    "github": github.write_report,
    "sarif": sarif.write_report,
    "junit": junit.write_report,
    "markdown": markdown.write_report,
    "statistics": statistics.write_report,
}
