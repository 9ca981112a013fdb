"""The point about what the repo is called where it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.publish.identity import find_name, find_remote
from hubkit.publish.release.points import Point
from hubkit.scaffold import UNKNOWN_OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.publish.release.situation import Situation


def name(now: Situation) -> Iterator[Point]:
    """The files call the repo what it will be called, since URLs of weights hang on that."""
    said, origin = find_name(now.facts), find_remote(now.facts)
    if said.startswith(f"{UNKNOWN_OWNER}/"):
        yield Point(
            "name",
            "missing",
            f"the files still call it {said}",
            f"put the owner's name in place of {UNKNOWN_OWNER}: git grep -n {UNKNOWN_OWNER}",
        )
    elif not now.repo:
        yield Point("name", "note", "nothing tells what it will be called", "--repo owner/name")
    elif said and said.lower() != now.repo.lower():
        yield Point("name", "note", f"the files call it {said}, not {now.repo}", "make them agree")
    elif origin and origin.lower() != now.repo.lower():
        why = f"{now.repo}, and git's origin is {origin}"
        yield Point("name", "note", why, "if it is no fork, make them agree")
    else:
        yield Point("name", "ok", now.repo)
