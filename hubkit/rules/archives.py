"""HUB6xx: the archive as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hubkit._util.text import quoted
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Finding, RepoFacts

_MB = 1_000_000
_HEAVIEST = 10
_LONGEST = 200  # Windows takes 260 with the hub dir in front
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
_JUNK = re.compile(
    r"(?:^|/)(?:__pycache__/.*|\.ipynb_checkpoints/.*|\.DS_Store|Thumbs\.db|desktop\.ini"
    r"|[^/]+\.(?:pyc|pyo|pyd|so|o|egg-info/.*|swp|orig))$"
)


@rule("HUB605", "unportable-name", "warning", preview=True)
def unportable_name(repo: RepoFacts) -> Iterator[Finding]:
    """A file's name cannot be unpacked everywhere.

    Names that differ only by case overwrite one another on Windows and macOS; names with a colon,
    reserved names such as `aux.py`, very long ones and ones that are not UTF-8 cannot be written on
    Windows at all. Whoever loads the repo there gets an error, or one file in place of two.

    Bad:
        models/UNet.py
        models/unet.py

    Good:
        models/unet.py
        models/unet_legacy.py

    Looked at is what git tracks.
    """
    if not repo.files.is_tracked:
        return
    paths = repo.files.paths()
    for pair in _find_clashes(paths):
        yield unportable_name.finding(
            f"{quoted(pair)} differ only by case, so on Windows and macOS one replaces the other",
            hint="Rename one of them.",
        )
    for path in paths:
        why = _find_trouble(path)
        if why:
            shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            yield unportable_name.finding(f"`{shown}` {why}", hint="Rename it.")


def _find_clashes(paths: Iterable[str]) -> Iterator[list[str]]:
    """Groups of files or folders whose names differ only by case, outermost first."""
    groups: dict[str, set[str]] = {}
    for path in paths:
        rest = path
        while rest:
            spelled = groups.setdefault(rest.casefold(), set())
            if rest in spelled:
                break
            spelled.add(rest)
            rest = rest.rpartition("/")[0]
    clashing = {key for key, spelled in groups.items() if len(spelled) > 1}
    for key in sorted(clashing):
        if key.rpartition("/")[0] not in clashing:
            yield sorted(groups[key])


def _find_trouble(path: str) -> str:
    if len(path) > _LONGEST:
        return f"is {len(path)} characters long, which Windows may not take"
    if any("\udc80" <= letter <= "\udcff" for letter in path):
        return "is not UTF-8"
    for part in path.split("/"):
        if _RESERVED.match(part):
            return f"cannot be unpacked on Windows, where {part.partition('.')[0]} is reserved"
        if _FORBIDDEN.search(part):
            return "has a character that Windows does not allow"
    return ""


@rule("HUB606", "archive-size", "warning", preview=True)
def archive_size(repo: RepoFacts) -> Iterator[Finding]:
    """The archive is large.

    torch.hub downloads and unpacks the whole of it before anything can be loaded, for everybody and
    on every `force_reload`: videos, notebooks and weights too.

    Bad:
        assets/demo.mp4                   180 MB

    Good:
        # .gitattributes
        assets/ export-ignore

    Weights belong on a host of files, by URL. `max-archive-mb` sets how large is large; it is 50 by
    default, of files as they are unpacked.
    """
    if not repo.files.is_tracked:
        return
    entries = [entry for path in repo.files.paths() if (entry := repo.files.entry(path))]
    total = sum(entry.size for entry in entries)
    if total <= repo.limits.archive_mb * _MB:
        return
    heaviest = sorted(entries, key=lambda entry: -entry.size)[:_HEAVIEST]
    listed = ", ".join(f"{entry.path} ({entry.size / _MB:.1f} MB)" for entry in heaviest)
    yield archive_size.finding(
        f"archives unpack to {total / _MB:.0f} MB, more than {repo.limits.archive_mb:g}",
        hint=f"The heaviest are {listed}. Mark what is not needed `export-ignore`.",
    )


@rule("HUB608", "tracked-junk", "info", preview=True)
def tracked_junk(repo: RepoFacts) -> Iterator[Finding]:
    """Files that a machine left behind are tracked.

    Caches, compiled extensions of one platform and traces of editors reach everybody who loads the
    repo. A stale `.so` may even be imported in place of a module.

    Bad:
        models/__pycache__/unet.cpython-38.pyc
        .DS_Store

    Good:
        # .gitignore
        __pycache__/
        .DS_Store

    Looked at is what git tracks.
    """
    if not repo.files.is_tracked:
        return
    junk = [path for path in repo.files.paths() if _JUNK.search(path)]
    if junk:
        yield tracked_junk.finding(
            f"git tracks what machines left behind: {quoted(junk)}",
            hint="Run `git rm --cached` on them, and put them into .gitignore.",
        )
