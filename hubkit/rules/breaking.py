"""HUB2xx: what calls that worked with an earlier version no longer do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit._util.text import closest, quoted
from hubkit.facts import Location
from hubkit.rules.calls import compare_parameters
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Entrypoint, Finding, Hubconf, RepoFacts


@rule("HUB209", "breaking-change", "error", compares=True)
def breaking_change(repo: RepoFacts) -> Iterator[Finding]:
    """A call that worked with an earlier version no longer does, or means something else.

    Most code that loads from a hub repo names no ref, so it gets the new version the moment it is
    pushed. Looked for with `hubkit check --against REV` alone: entrypoints and parameters that were
    removed or renamed, parameters that have become required or keyword-only, whose order or default
    has changed, a `**kwargs` that is gone, and entrypoints that no longer give a module.

    Bad:
        def unet(in_channels, pretrained=True): ...

        # was
        def unet(pretrained=False, in_channels=3): ...

    Good:
        def unet(pretrained=False, in_channels=3, *, width=64): ...

    A new default is a warning, but for one that says whether weights are loaded. Re-exports are
    followed to what they stand for. What is made at run time cannot be compared, and that is said.
    """
    if repo.before is None or repo.hubconf is None:
        return
    ref, old, new = repo.before.files.ref, repo.before.hubconf, repo.hubconf
    if old is None:
        problem = repo.before.problem
        why = problem.message if problem else "cannot be read"
        yield breaking_change.finding(
            f"there is nothing to compare with in {ref}: {why}", severity="info"
        )
        return
    yield from _find_removed(old, new, ref)
    for entrypoint in old.entrypoints:
        now = new.entrypoint(entrypoint.name)
        if now is not None:
            yield from _compare(entrypoint, now, ref)
    if old.has_dynamic_names:
        yield breaking_change.finding(
            f"the hubconf of {ref} makes names at run time, which were not compared",
            severity="info",
        )


def _find_removed(old: Hubconf, new: Hubconf, ref: str) -> Iterator[Finding]:
    known = {one.name for one in new.entrypoints} | {leak.name for leak in new.leaks}
    gone = [one for one in old.entrypoints if one.name not in known]
    if gone and new.has_dynamic_names:
        yield breaking_change.finding(
            f"{quoted([one.name for one in gone])} of {ref} may be made at run time now, which was "
            "not compared",
            new.dynamic_names[0],
            severity="info",
        )
        return
    added = [one for one in new.entrypoints if old.entrypoint(one.name) is None]
    for one in gone:
        heir = _find_heir(one, added)
        yield breaking_change.finding(
            f"the entrypoint `{one.name}` of {ref} is gone",
            Location(new.path),
            entrypoint=one.name,
            hint=f"Is it `{heir}` now? Keep the old name beside it: `{one.name} = {heir}`."
            if heir
            else "Keep it, and let it warn and say what takes its place.",
        )


def _find_heir(gone: Entrypoint, added: list[Entrypoint]) -> str:
    """The new entrypoint that one was likely renamed to; "" when there is none."""
    alike = [
        one.name for one in added if one.docstring is not None and one.docstring == gone.docstring
    ]
    close = closest(gone.name, [one.name for one in added])
    return close or next(iter(alike), "")


def _compare(old: Entrypoint, new: Entrypoint, ref: str) -> Iterator[Finding]:
    if old.returns.shape == "module" and new.returns.shape == "other":
        yield breaking_change.finding(
            f"`{new.name}` gave a module in {ref}, and gives {new.returns.description} now",
            new.returns.location or new.location,
            entrypoint=new.name,
            hint="Give this a name of its own.",
        )
    if old.parameters is None or new.parameters is None:
        if old.parameters != new.parameters:
            yield breaking_change.finding(
                f"source does not tell the parameters of `{new.name}` here and in {ref}, so they "
                "were not compared",
                new.location,
                entrypoint=new.name,
                severity="info",
            )
        return
    for change in compare_parameters(old.parameters, new.parameters):
        yield breaking_change.finding(
            f"`{new.name}`: {change.what} (since {ref})",
            new.definition,
            entrypoint=new.name,
            hint=change.advice,
            severity=change.severity,
        )
