"""Draw the pictures of the docs from a report: ``python -m tests.picture REPORT.json``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hubkit.conformance import read_report, render_html
from tests.browser import running_browser
from tests.doc_pages import DOCS

if TYPE_CHECKING:
    from tests.browser import Scheme

# Where each ends in the page, what the system prefers, and the size of pixels.
PICTURES: dict[str, tuple[str, Scheme, float]] = {
    "report.png": (".matrix", "light", 0.625),
    "report-top.png": (".failure", "light", 1.0),
    "report-top-dark.png": (".failure", "dark", 1.0),
}


def main() -> None:
    """Show the page of a report, and write its upper parts to the docs."""
    page = render_html([read_report(Path(sys.argv[1]))])
    with tempfile.TemporaryDirectory() as folder, running_browser(Path(folder)) as browser:
        for name, (end, scheme, scale) in PICTURES.items():
            with browser.open(page, scheme=scheme, scale=scale) as shown:
                shown.screenshot(DOCS / name, down_to=end)


if __name__ == "__main__":
    main()
