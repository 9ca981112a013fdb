"""Two parameter lists of one callable: which calls that worked with the first break."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import quoted
from hubkit.torchhub import weights_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hubkit.facts import Parameter, Severity

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
    if _is_open(new):  # it takes anything, and hands it on to what is not seen here
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


def _is_open(parameters: Sequence[Parameter]) -> bool:
    return {one.kind for one in parameters} >= set(_VARIADIC)


def _find_gone(
    gone: Sequence[str], before: dict[str, Parameter], after: dict[str, Parameter]
) -> Iterator[Change]:
    old, new = list(before), list(after)
    for name in gone:
        at = old.index(name)
        heir = new[at] if at < len(new) and new[at] not in before else ""
        what = f"the parameter `{name}` is gone"
        if heir and _default(before[name]) == _default(after[heir]):
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
    elif old.default is not None and _default(old) != _default(new):
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


def _default(parameter: Parameter) -> str | None:
    """The default as Python would write it, so that quotes and spaces do not count."""
    if parameter.default is None:
        return None
    try:
        return ast.unparse(ast.parse(parameter.default, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parameter.default
