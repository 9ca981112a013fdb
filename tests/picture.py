"""Draw the picture of docs/conformance.md: ``python -m tests.picture REPORT.json``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from hubkit.conformance import read_report, render_html
from tests.browser import running_browser
from tests.doc_pages import DOCS

TARGET = DOCS / "report.png"


def main() -> None:
    """Show the page of a report, and write its upper part to the docs."""
    page = render_html([read_report(Path(sys.argv[1]))])
    with (
        tempfile.TemporaryDirectory() as folder,
        running_browser(Path(folder)) as browser,
        browser.open(page, scale=0.625) as shown,
    ):
        shown.screenshot(TARGET, down_to=".matrix")


if __name__ == "__main__":
    main()
