"""From a commit to a tag that others load: what stands in between, and the tag itself.

``situation`` reads what a release starts from, ``checklist`` asks the functions of ``history``,
``quality`` and ``weights`` one after the other, ``verify`` loads the commit as users will,
``tagging`` makes the tag. Nothing is pushed, and no host is asked.
"""

from hubkit.publish.release.checklist import find_points
from hubkit.publish.release.points import Point
from hubkit.publish.release.situation import ReleaseRequest, Situation, read_situation
from hubkit.publish.release.tagging import write_tag
from hubkit.publish.release.verify import verify
from hubkit.publish.release.weights import Asset, assets

__all__ = [
    "Asset",
    "Point",
    "ReleaseRequest",
    "Situation",
    "assets",
    "find_points",
    "read_situation",
    "verify",
    "write_tag",
]
