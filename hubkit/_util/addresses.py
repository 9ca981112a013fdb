"""Public addresses of this project, which ``[project.urls]`` in pyproject.toml declares."""

from __future__ import annotations

import functools


@functools.cache
def find_address(label: str) -> str:
    """The address with a label, such as "Documentation" or "Issues"; "" if none is declared."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        declared = metadata("torch-hubkit").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    pairs = (one.partition(",") for one in declared)
    return next((url.strip() for name, _, url in pairs if name.strip() == label), "")
