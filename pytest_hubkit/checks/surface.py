"""Level 1: what ``torch.hub.list`` shows."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from hubkit.facts import Location
from pytest_hubkit.checks.registry import Failure, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_hubkit.session import Conformance


@check("C103", "surface", level=1, scope="repo", requires=("C101",))
def surface(repo: Conformance) -> Iterator[Failure]:
    """`torch.hub.list` shows the entrypoints, and nothing else.

    It lists every public callable that hubconf.py happens to hold: ``Path``, ``partial``, the
    class beside the function that makes it. Users take them for models. ``__all__`` makes no
    difference to torch.hub. And what the configuration says of an entrypoint that is not there
    is about nothing.

    Import helpers under a name with a leading underscore.
    """
    names = repo.loaded.names()
    leaks = [leak for leak in repo.source.leaks if leak.name in names]
    if leaks:
        shown = [f"{leak.name}: {leak.origin}, line {leak.location.line}" for leak in leaks[:8]]
        more = [f"and {len(leaks) - 8} more"] if len(leaks) > 8 else []
        first = leaks[0].name
        yield Failure(
            f"torch.hub.list shows {len(leaks)} name{'s' * (len(leaks) > 1)} that "
            f"{'are' if len(leaks) > 1 else 'is'} no entrypoint.",
            (*shown, *more),
            f"Import it as `_{first}`, or inside the function that uses it.",
            leaks[0].location,
        )
    for name in repo.config.entrypoints:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            yield Failure(
                f"{repo.config.path} describes an entrypoint {name}, which hubconf.py does not have.",
                (f"it has {', '.join(names[:8]) or 'none'}",),
                f"Is {close[0]} meant?" if close else "Remove it there, or add it here.",
                Location("hubconf.py"),
            )
