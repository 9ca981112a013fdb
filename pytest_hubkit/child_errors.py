"""An exception of the repo's code, as a child process tells it."""

from __future__ import annotations

import os
import re
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def describe_error(
    error: BaseException, root: Path, evidence: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What `ChildFailure` can be made of, by keyword.

    Args:
        error: The exception.
        root: The repo's folder; what leads to it is left out.
        evidence: What the code tried to reach and started, a line for each.
    """
    frames = traceback.extract_tb(error.__traceback__)
    prefix = f"{root}{os.sep}"
    own = [frame for frame in frames if frame.filename.startswith(prefix)]
    summary = traceback.TracebackException.from_exception(error)
    for frame, kept in enumerate(summary.stack):
        if kept.filename.startswith(prefix):
            del summary.stack[:frame]
            break
    return {
        "type": type(error).__name__,
        "message": str(error),
        "module": _missing_module(error) if isinstance(error, ImportError) else None,
        "file": str(error.filename) if isinstance(error, OSError) and error.filename else None,
        "path": own[-1].filename[len(prefix) :] if own else "",
        "line": own[-1].lineno if own else 0,
        "code": own[-1].line if own else "",
        "traceback": "".join(summary.format()),
        "evidence": [*evidence],
    }


def _missing_module(error: ImportError) -> str | None:
    """The module that was looked for; for ``from package import module`` the latter."""
    match = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
    return f"{match[2]}.{match[1]}" if match else error.name
