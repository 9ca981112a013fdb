"""Level 1: what ``torch.hub.list`` shows."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from hubkit._util.text import did_you_mean, plural
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
    is about nothing. Where names are made at run time, source does not tell which are meant:
    ``names = ["tf_*", "mixnet_*"]`` does.

    Import helpers under a name with a leading underscore.
    """
    names = repo.loaded.names()
    leaks = [leak for leak in repo.source.leaks if leak.name in names]
    if leaks:
        shown = [f"{leak.name}: {leak.origin}, line {leak.location.line}" for leak in leaks[:8]]
        more = [f"and {len(leaks) - 8} more"] if len(leaks) > 8 else []
        first = leaks[0].name
        yield Failure(
            f"torch.hub.list shows {plural(len(leaks), 'name')} that "
            f"{'are' if len(leaks) > 1 else 'is'} no entrypoint.",
            (*shown, *more),
            f"Import it as `_{first}`, or inside the function that uses it.",
            leaks[0].location,
        )
    yield from _unmeant(repo, names)
    for name in repo.config.entrypoints:
        if name not in names:
            yield _absent(repo, name, names)
    for pattern in (*repo.config.names, *repo.config.representative):
        if not fnmatch.filter(names, pattern):
            yield _absent(repo, pattern, names)


def _unmeant(repo: Conformance, names: tuple[str, ...]) -> Iterator[Failure]:
    """Names that no declared pattern allows; those that the source spells out are meant."""
    patterns = repo.config.names
    spelled = {entrypoint.name for entrypoint in repo.source.entrypoints}
    told = spelled | {leak.name for leak in repo.source.leaks}
    strange = [
        name
        for name in names
        if name not in told and not any(fnmatch.fnmatchcase(name, one) for one in patterns)
    ]
    if patterns and strange:
        yield Failure(
            f"torch.hub.list shows {plural(len(strange), 'name')} that no pattern "
            f"of `names` in {repo.config.path} allows.",
            (", ".join(strange[:8]), f"patterns: {', '.join(patterns)}"),
            "Begin names of helpers with an underscore, or add a pattern.",
            Location("hubconf.py"),
        )


def _absent(repo: Conformance, name: str, names: tuple[str, ...]) -> Failure:
    return Failure(
        f"{repo.config.path} describes an entrypoint {name}, which hubconf.py does not have.",
        (f"it has {', '.join(names[:8]) or 'none'}",),
        did_you_mean(name, names) or "Remove it there, or add it here.",
        Location("hubconf.py"),
    )
