"""The report as a badge: an image, or what shields.io makes one of."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from hubkit.facts import LEVELS

if TYPE_CHECKING:
    from hubkit.facts import ConformanceReport

LABEL = "torch hub"
_COLOURS = {"brightgreen": "#4c1", "green": "#97ca00", "yellow": "#dfb317", "red": "#e05d44"}
_BY_LEVEL = ("red", "yellow", "green", "brightgreen")
# Of Verdana at 11 pixels, which is what there is no font metric for without a font.
_LETTER, _MARGIN = 6.6, 10

_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" \
aria-label="{label}: {message}">
<title>{label}: {message}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3" fill="#fff"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="20" fill="#555"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,sans-serif" font-size="11">
<text x="{at_left}" y="14">{label}</text>
<text x="{at_right}" y="14">{message}</text>
</g>
</svg>
"""


def render_svg(report: ConformanceReport) -> str:
    """An image for a README.

    Args:
        report: The report.
    """
    message, colour = _message(report)
    left, right = (round(len(text) * _LETTER + _MARGIN) for text in (LABEL, message))
    return _SVG.format(
        label=escape(LABEL),
        message=escape(message),
        width=left + right,
        left=left,
        right=right,
        colour=_COLOURS[colour],
        at_left=left / 2,
        at_right=left + right / 2,
    )


def render_endpoint(report: ConformanceReport) -> str:
    """JSON for https://shields.io/badges/endpoint-badge.

    Args:
        report: The report.
    """
    message, colour = _message(report)
    document = {"schemaVersion": 1, "label": LABEL, "message": message, "color": colour}
    return json.dumps(document, indent=2) + "\n"


def _message(report: ConformanceReport) -> tuple[str, str]:
    """What it says, and in which colour."""
    if report.level == 0:
        failed = any(one.codes(1, "failed") for one in (report.whole, *report.cases))
        return ("failing" if failed else "not exercised"), "red" if failed else "yellow"
    standing = [one for one in report.cases if not one.is_left_to_others(report.level)]
    of_all = f" ({len(standing)} of {len(report.cases)})" * (len(standing) < len(report.cases))
    exceptions = any(
        one.codes(level, "expected")
        for one in (report.whole, *report.cases)
        for level in LEVELS[: report.level]
    )
    return f"level {report.level}{'*' * exceptions}{of_all}", _BY_LEVEL[report.level]
