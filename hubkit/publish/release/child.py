"""The child's side of ``verify``: loads a commit and says what does not work."""

from __future__ import annotations

import re
from typing import Any


def load_all(source: str, calls: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Load entrypoints one after the other; what those say that fail.

    Args:
        source: The repo at a commit.
        calls: Entrypoints, and the arguments of each.
    """
    said = {name: _load(source, name, given) for name, given in calls.items()}
    return {name: problem for name, problem in said.items() if problem}


def _load(source: str, name: str, given: dict[str, Any]) -> str:
    from hubkit.loader import load

    try:
        load(source, name, trust_repo=True, verbose=False, kwargs=given)
    except BaseException as error:  # noqa: BLE001 - repo code may even exit
        return f"{type(error).__name__}: {_without_folder(str(error).partition(chr(10))[0])}"
    return ""


def _without_folder(text: str) -> str:
    """The text without the temporary folder in which the commit lies for the moment."""
    from hubkit.hubdir import get_dir

    return re.sub(rf"{re.escape(str(get_dir()))}\S*?/[0-9a-f]{{40,64}}/?", "", text)
