"""The repo's files that its consumers need, and why they lack some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit.facts import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hubkit.facts import Gap, RepoFacts, Severity

_READ = ("open", "read_text", "read_bytes")


class Needed(Struct, frozen=True):
    """A file that consumers need.

    Attributes:
        path: The file.
        location: What needs it.
        failure: What fails without it.
        severity: How bad that is.
        optional: Whether the code asks for it before it is used.
    """

    path: str
    location: Location
    failure: str
    severity: Severity = "error"
    optional: bool = False


def find_needed(repo: RepoFacts) -> Iterator[Needed]:
    """hubconf.py, the modules that it reaches, and the data files that these name."""
    hubconf = repo.hubconf
    if hubconf is None:
        return
    yield Needed(hubconf.path, Location(hubconf.path), "torch.hub finds nothing to load")
    for one in hubconf.own_imports:
        if one.path and not one.guarded:
            if one.in_function:
                yield Needed(one.path, one.location, "calling it fails", "warning")
            else:
                yield Needed(one.path, one.location, "importing hubconf.py fails")
    for data in hubconf.data_files:
        yield Needed(data.path, data.location, "reading it fails", "warning", optional=data.tested)
    for use in hubconf.uses:
        if use.own_file and use.name.rpartition(".")[2] in _READ:
            yield Needed(use.own_file, use.location, "reading it fails", "warning", optional=True)


def find_gaps(repo: RepoFacts, *kinds: str) -> Iterator[tuple[Needed, Gap, int]]:
    """Needed files that consumers lack for one of some reasons.

    What has one cause, such as a folder that nobody added, is one.

    Args:
        repo: The repo.
        *kinds: The reasons.

    Returns:
        The first file that is needed, why it is lacking, and how many files lack for that reason.
    """
    found: dict[tuple[str, str], list[tuple[Needed, Gap]]] = {}
    for needed in find_needed(repo):
        gap = repo.files.gap(needed.path)
        if gap is None or gap.kind not in kinds:
            continue
        found.setdefault((gap.kind, _cause(repo, gap)), []).append((needed, gap))
    for (_, cause), pairs in found.items():
        paths = {needed.path for needed, _ in pairs}
        needed, gap = min(pairs, key=lambda pair: pair[0].severity != "error")
        yield needed, type(gap)(gap.kind, cause), len(paths)


def _cause(repo: RepoFacts, gap: Gap) -> str:
    """The outermost folder that consumers lack altogether, or what the gap names."""
    parts = gap.path.split("/")
    for end in range(1, len(parts)):
        if parts[end - 1] not in repo.files.names("/".join(parts[: end - 1])):
            return "/".join(parts[:end])
    return gap.path
