"""SAY: one output format a module, each a function from a report to lines on a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.reporters import github, json, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TextIO

    from hubkit.facts import Report

    Reporter = Callable[[Report, Path, TextIO], None]

REPORTERS: dict[str, Reporter] = {
    "text": text.write_report,
    "json": json.write_report,
    "github": github.write_report,
}
