"""In which forms a report can be written, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hubkit._util.atomic import write_output
from hubkit.conformance.badge import render_endpoint, render_svg
from hubkit.conformance.files import render_json
from hubkit.conformance.markdown import render_markdown
from hubkit.errors import UsageError

if TYPE_CHECKING:
    from hubkit.facts import ConformanceReport

_FORMS = {
    "json": render_json,
    "markdown": render_markdown,
    "badge": render_svg,
    "endpoint": render_endpoint,
}
_BY_SUFFIX = {".md": "markdown", ".svg": "badge"}


def read_target(text: str, folder: Path) -> tuple[str, Path]:
    """Form and file of a report.

    Args:
        text: "FORM=FILE", or a file whose name tells the form.
        folder: From where relative files are meant.

    Raises:
        UsageError: There is no such form, or no file can be there.
    """
    form, equals, name = text.partition("=")
    if not equals:
        form, name = _BY_SUFFIX.get(Path(text).suffix, "json"), text
    if form not in _FORMS:
        raise UsageError(f"There is no report in the form {form!r}.", hint=f"{', '.join(_FORMS)}")
    target = folder / name
    if not name or target.is_dir():
        raise UsageError(f"{text!r} names no file for a report.", hint="Such as badge=hub.svg.")
    return form, target


def write_form(report: ConformanceReport, form: str, target: Path) -> None:
    """Write a report; folders on the way are made.

    Args:
        report: The report.
        form: In which form, as `read_target` gives it.
        target: The file.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_output(target, _FORMS[form](report))
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}",
            hint="Give a file in a folder that may be written.",
        ) from None
