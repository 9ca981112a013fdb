"""HUB2xx: calls that worked with an earlier version and no longer do."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import closest, quoted
from hubkit.facts import Location
from hubkit.rules.registry import rule
from hubkit.torchhub import weights_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.facts import Entrypoint, Finding, Hubconf, Parameter, RepoFacts, Severity


@rule("HUB209", "breaking-change", "error", needs_previous=True)
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


_VARIADIC = ("var-positional", "var-keyword")
_BY_PLACE = ("positional-only", "positional")
_BY_NAME = ("positional", "keyword-only")


class Change(Struct, frozen=True):
    """One way in which calls break.

    Attributes:
        what: What has changed, in a clause.
        advice: How to avoid it.
        severity: How bad it is.
    """

    what: str
    advice: str
    severity: Severity = "error"


def compare_parameters(old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[Change]:
    """What breaks between two lists of parameters, each cause once.

    Args:
        old: The parameters that calls were written for.
        new: Those that they meet.
    """
    if _takes_anything(new):  # it takes anything, and hands it on to what is not seen here
        return
    before = {one.name: one for one in old if one.kind not in _VARIADIC}
    after = {one.name: one for one in new if one.kind not in _VARIADIC}
    takes_more = any(one.kind == "var-keyword" for one in new)
    gone = [name for name in before if name not in after]
    if not takes_more:
        yield from _find_gone(gone, before, after)
    for name, was in before.items():
        if name in after:
            yield from _compare_one(was, after[name])
    yield from _find_demands(before, after, gone)
    yield from _find_moved(old, new)
    yield from _find_closed(old, new)


def _takes_anything(parameters: Sequence[Parameter]) -> bool:
    return {one.kind for one in parameters} >= set(_VARIADIC)


def _find_gone(
    gone: Sequence[str], before: dict[str, Parameter], after: dict[str, Parameter]
) -> Iterator[Change]:
    old, new = list(before), list(after)
    for name in gone:
        at = old.index(name)
        heir = new[at] if at < len(new) and new[at] not in before else ""
        what = f"the parameter `{name}` is gone"
        if heir and _normal_default(before[name]) == _normal_default(after[heir]):
            yield Change(f"{what}, or is called `{heir}` now", f"Take `{name}` too, and warn.")
        else:
            yield Change(what, "Keep it, and warn when it is given.")


def _compare_one(old: Parameter, new: Parameter) -> Iterator[Change]:
    name = new.name
    if old.kind in _BY_PLACE and new.kind not in _BY_PLACE:
        yield Change(f"`{name}` can be given by name only now", "Let it stay positional.")
    if old.kind in _BY_NAME and new.kind not in _BY_NAME:
        yield Change(f"`{name}` can be given by place only now", "Let it be given by name.")
    if new.required and not old.required:
        yield Change(f"`{name}` has become required", f"Keep its default: `{old.default}`.")
    elif old.default is not None and _normal_default(old) != _normal_default(new):
        yield Change(
            f"the default of `{name}` was `{old.default}` and is `{new.default}` now",
            "Whoever leaves it out gets something else. Keep it, or add a new entrypoint.",
            "error" if weights_kind(name) else "warning",
        )


def _find_demands(
    before: dict[str, Parameter], after: dict[str, Parameter], gone: Sequence[str]
) -> Iterator[Change]:
    """New parameters that every call must give; not those that others were renamed to."""
    places = {list(before).index(name) for name in gone if before[name].required}
    for at, (name, one) in enumerate(after.items()):
        if name not in before and one.required and at not in places:
            yield Change(f"the new parameter `{name}` is required", "Give it a default.")


def _find_moved(old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[Change]:
    """Parameters that calls by place no longer reach."""
    was = [one.name for one in old if one.kind in _BY_PLACE]
    now = [one.name for one in new if one.kind in _BY_PLACE]
    common = [name for name in was if name in now]
    order = [name for name in now if name in common]
    if order != common:
        moved = [a for a, b in zip(common, order, strict=True) if a != b]
        yield Change(f"{quoted(moved)} changed places", "Keep the order; calls may go by it.")
        return
    last = max((now.index(name) for name in common), default=0)
    required = {one.name for one in new if one.required}
    inserted = [name for name in now[:last] if name not in was and name not in required]
    # Where one went, another may stand in its place: that it went is said already.
    if inserted and len(was) == len(common):
        yield Change(
            f"new before older parameters: {quoted(inserted)}",
            "Put it last, or behind a `*`; calls may go by place.",
        )


def _find_closed(old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[Change]:
    kinds = {one.kind for one in new}
    for one in old:
        if one.kind in _VARIADIC and one.kind not in kinds:
            star = "**" if one.kind == "var-keyword" else "*"
            what = "keywords" if star == "**" else "arguments"
            yield Change(f"`{star}{one.name}` is gone, so other {what} are refused", "Keep it.")


def _normal_default(parameter: Parameter) -> str | None:
    """The default as Python would write it, so that quotes and spaces do not count."""
    if parameter.default is None:
        return None
    try:
        return ast.unparse(ast.parse(parameter.default, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parameter.default
