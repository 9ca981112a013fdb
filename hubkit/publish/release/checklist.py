"""All that stands between a commit and a published tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubkit.publish.release import history, name, quality, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hubkit.publish.release.points import Point
    from hubkit.publish.release.situation import Situation

# One function a point, in the order in which they are said.
POINTS: tuple[Callable[[Situation], Iterator[Point]], ...] = (
    history.work_tree,
    name.name,
    history.tag,
    history.versions,
    history.changelog,
    history.breaking,
    quality.check,
    weights.weights,
    quality.card,
    quality.conformance,
)


def find_points(now: Situation) -> Iterator[Point]:
    """What a release wants, point by point.

    Args:
        now: What it starts from.
    """
    for point in POINTS:
        yield from point(now)
