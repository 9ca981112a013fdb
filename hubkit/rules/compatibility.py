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
    """A call that worked with an earlier version fails or has changed its meaning.

    Most code that loads from a hub repo does not pin a ref, so it gets a new version as soon as it
    is pushed. With `hubkit check --against REV`, this rule reports entrypoints and parameters that
    were removed or renamed, parameters that became required or keyword-only or that have a new
    order or default, a removed `**kwargs`, and entrypoints that no longer return a module.

    Bad:
        def unet(in_channels, pretrained=True): ...

        # was
        def unet(pretrained=False, in_channels=3): ...

    Good:
        def unet(pretrained=False, in_channels=3, *, width=64): ...

    The severity of a new default is warning, unless the parameter selects weights. Re-exports are
    resolved. Names that are created at run time cannot be compared; they are reported as an info.
    """
    if repo.before is None or repo.hubconf is None:
        return
    ref, old, new = repo.before.files.ref, repo.before.hubconf, repo.hubconf
    if old is None:
        problem = repo.before.problem
        why = problem.message if problem else "cannot be read"
        yield breaking_change.finding(f"cannot compare with {ref}: {why}", severity="info")
        return
    yield from _find_removed(old, new, ref)
    for entrypoint in old.entrypoints:
        now = new.entrypoint(entrypoint.name)
        if now is not None:
            yield from _compare(entrypoint, now, ref)
    if old.has_dynamic_names:
        yield breaking_change.finding(
            f"hubconf.py of {ref} creates names at run time, which were not compared",
            severity="info",
        )


def _find_removed(old: Hubconf, new: Hubconf, ref: str) -> Iterator[Finding]:
    known = {*new.names} | {leak.name for leak in new.leaks}
    gone = [one for one in old.listed if one.name not in known]
    if gone and new.has_dynamic_names:
        yield breaking_change.finding(
            f"{quoted([one.name for one in gone])} of {ref} may be created at run time and could not "
            "be compared",
            new.dynamic_names[0],
            severity="info",
        )
        return
    added = [one for one in new.listed if old.entrypoint(one.name) is None]
    for one in gone:
        heir = _find_heir(one, added)
        yield breaking_change.finding(
            f"the entrypoint `{one.name}` of {ref} was removed",
            Location(new.path),
            entrypoint=one.name,
            hint=f"If it was renamed to `{heir}`, keep the old name too: `{one.name} = {heir}`."
            if heir
            else "Keep it, with a deprecation warning.",
        )


def _find_heir(gone: Entrypoint, added: list[Entrypoint]) -> str:
    """The new entrypoint that one was probably renamed to, or ""."""
    alike = [
        one.name for one in added if one.docstring is not None and one.docstring == gone.docstring
    ]
    close = closest(gone.name, [one.name for one in added])
    return close or next(iter(alike), "")


def _compare(old: Entrypoint, new: Entrypoint, ref: str) -> Iterator[Finding]:
    if old.returns.shape == "module" and new.returns.shape == "other":
        yield breaking_change.finding(
            f"`{new.name}` returned a module in {ref} and now returns {new.returns.description}",
            new.returns.location or new.location,
            entrypoint=new.name,
            hint="Use a new name for this entrypoint.",
        )
    if old.parameters is None or new.parameters is None:
        if old.parameters != new.parameters:
            yield breaking_change.finding(
                f"the parameters of `{new.name}` could not be determined here or in {ref}, so they "
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


class SignatureChange(Struct, frozen=True):
    """A change of a signature that breaks calls.

    Attributes:
        what: The change, as a clause.
        advice: How to avoid it.
        severity: The severity.
    """

    what: str
    advice: str
    severity: Severity = "error"


def compare_parameters(
    old: Sequence[Parameter], new: Sequence[Parameter]
) -> Iterator[SignatureChange]:
    """Compare two lists of parameters; each change is reported once."""
    if _takes_anything(new):  # it accepts anything
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
) -> Iterator[SignatureChange]:
    old, new = list(before), list(after)
    for name in gone:
        at = old.index(name)
        heir = new[at] if at < len(new) and new[at] not in before else ""
        what = f"the parameter `{name}` was removed"
        if heir and _normal_default(before[name]) == _normal_default(after[heir]):
            yield SignatureChange(
                f"{what} or renamed to `{heir}`", f"Accept `{name}` too, with a warning."
            )
        else:
            yield SignatureChange(what, "Keep it, with a deprecation warning.")


def _compare_one(old: Parameter, new: Parameter) -> Iterator[SignatureChange]:
    name = new.name
    if old.kind in _BY_PLACE and new.kind not in _BY_PLACE:
        yield SignatureChange(f"`{name}` is now keyword-only", "Keep it positional.")
    if old.kind in _BY_NAME and new.kind not in _BY_NAME:
        yield SignatureChange(f"`{name}` is now positional-only", "Accept it as a keyword too.")
    if new.required and not old.required:
        yield SignatureChange(f"`{name}` is now required", f"Keep its default: `{old.default}`.")
    elif old.default is not None and _normal_default(old) != _normal_default(new):
        yield SignatureChange(
            f"the default of `{name}` changed from `{old.default}` to `{new.default}`",
            "Keep the default, or add a new entrypoint.",
            "error" if weights_kind(name) else "warning",
        )


def _find_demands(
    before: dict[str, Parameter], after: dict[str, Parameter], gone: Sequence[str]
) -> Iterator[SignatureChange]:
    """New required parameters, unless an old one was renamed."""
    places = {list(before).index(name) for name in gone if before[name].required}
    for at, (name, one) in enumerate(after.items()):
        if name not in before and one.required and at not in places:
            yield SignatureChange(f"the new parameter `{name}` is required", "Add a default value.")


def _find_moved(old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[SignatureChange]:
    """Parameters whose position changed."""
    was = [one.name for one in old if one.kind in _BY_PLACE]
    now = [one.name for one in new if one.kind in _BY_PLACE]
    common = [name for name in was if name in now]
    order = [name for name in now if name in common]
    if order != common:
        moved = [a for a, b in zip(common, order, strict=True) if a != b]
        yield SignatureChange(
            f"the order of {quoted(moved)} changed", "Keep the order, for positional calls."
        )
        return
    last = max((now.index(name) for name in common), default=0)
    required = {one.name for one in new if one.required}
    inserted = [name for name in now[:last] if name not in was and name not in required]
    # A removed parameter may have been replaced; its removal is reported already.
    if inserted and len(was) == len(common):
        yield SignatureChange(
            f"{quoted(inserted)} {'was' if len(inserted) == 1 else 'were'} added before older parameters",
            "Add it at the end, or after a `*`, for positional calls.",
        )


def _find_closed(old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[SignatureChange]:
    kinds = {one.kind for one in new}
    for one in old:
        if one.kind in _VARIADIC and one.kind not in kinds:
            star = "**" if one.kind == "var-keyword" else "*"
            what = "keywords" if star == "**" else "arguments"
            yield SignatureChange(
                f"`{star}{one.name}` was removed, so other {what} are rejected", "Keep it."
            )


def _normal_default(parameter: Parameter) -> str | None:
    """The default in normal form, so that quotes and spaces do not matter."""
    if parameter.default is None:
        return None
    try:
        return ast.unparse(ast.parse(parameter.default, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parameter.default
