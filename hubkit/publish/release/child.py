"""The child's side of ``verify``: loads a commit and reports what does not work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from msgspec import Struct, convert

from hubkit.runtime.sandbox import guarded_network, isolate_network


class LoadRequest(Struct, frozen=True):
    """What to load.

    Attributes:
        home: An empty folder of the child's own.
        source: The repo at a commit.
        calls: Entrypoints, and the arguments of each.
    """

    home: str
    source: str
    calls: dict[str, dict[str, Any]]


def load_all(message: object) -> dict[str, str]:
    """Load entrypoints one after the other, without a network.

    Args:
        message: A `LoadRequest`.

    Returns:
        What went wrong, by entrypoint.
    """
    request = convert(message, LoadRequest)
    # Before anything starts a second thread.
    isolate_network()
    with guarded_network(Path(request.home), "the repo's code", reason="this process is offline"):
        problems = {
            name: _load(request.source, name, arguments)
            for name, arguments in request.calls.items()
        }
    return {name: problem for name, problem in problems.items() if problem}


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
