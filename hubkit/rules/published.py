"""HUB6xx: what the archive of a commit contains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import plural, quoted
from hubkit.facts import Location
from hubkit.limits import MIB
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Entry, Finding, Gap, Refs, RepoFacts, Severity


_READ = ("open", "read_text", "read_bytes")


class Needed(Struct, frozen=True):
    """A file of the repo that users need.

    Attributes:
        path: The file.
        location: The code that needs it.
        failure: What fails without it, as a clause.
        severity: The severity of that.
        optional: Whether the code checks that the file exists.
    """

    path: str
    location: Location
    failure: str
    severity: Severity = "error"
    optional: bool = False


def find_needed(repo: RepoFacts) -> Iterator[Needed]:
    """Yield hubconf.py, the modules that it imports, and the data files that they read."""
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
    """Find needed files that are missing in archives. Files with the same cause are grouped.

    Returns:
        The first needed file, the cause, and the number of missing files with that cause.
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
    """The outermost folder that is missing as a whole, or the path of the gap."""
    parts = gap.path.split("/")
    for end in range(1, len(parts)):
        if parts[end - 1] not in repo.files.names("/".join(parts[: end - 1])):
            return "/".join(parts[:end])
    return gap.path


_GAP_REASONS = {
    "untracked": "is not tracked by git",
    "ignored": "is ignored by git",
    "export-ignore": "is marked export-ignore in .gitattributes",
}
_GAP_HINTS = {
    "untracked": "Run `git add {path}`, and commit the file.",
    "ignored": "Remove it from .gitignore, run `git add {path}`, and commit the file.",
    "export-ignore": "Remove the attribute in .gitattributes.",
}
_BUILT = "If a build generates the file, handle its absence: archives cannot contain it."


@rule("HUB601", "not-published", "error")
def not_published(repo: RepoFacts) -> Iterator[Finding]:
    """A file that hubconf.py needs is missing in the archive.

    torch.hub downloads an archive of a commit. A file that is not committed, is ignored by
    .gitignore, or is excluded by .gitattributes works only for its author.

    Bad:
        # .gitignore
        models/

        # hubconf.py
        from models.unet import unet

    Good:
        # .gitignore
        /checkpoints/

    The severity is warning for modules that only functions import, and for files that the code
    opens relative to `__file__`. Generated files are reported too: torch.hub does not build
    anything. Imports in `try: ... except ImportError:` are not reported, nor are data files if the
    code checks that they exist. Files that exist are checked in git repos only.

    A file beside `__file__` that does not exist is an error if an entrypoint is certain to open it
    with its defaults or with weights, and nothing before that may create it.

    If git does not track hubconf.py itself, nothing is published yet, and the severity is info.
    """
    is_new = is_unpublished(repo)
    if is_new:
        yield not_published.finding(
            "git does not track `hubconf.py` yet, so torch.hub finds nothing to load",
            hint="Run `git add .`, and commit.",
            severity="info",
        )
    for needed, gap, count in find_gaps(repo, *_GAP_REASONS):
        if (needed.optional and count == 1) or (is_new and gap.kind == "untracked"):
            continue
        mild = _is_empty_package(repo, needed)
        also = (
            f" (and {plural(count - 1, 'more file')} in it)"
            if count > 1 and "/" in gap.path
            else ""
        )
        yield not_published.finding(
            f"`{gap.path}` {_GAP_REASONS[gap.kind]}, so it is missing in archives{also} and {needed.failure}",
            needed.location,
            hint=_GAP_HINTS[gap.kind].format(path=gap.path)
            + (f" {_BUILT}" if gap.kind == "ignored" else ""),
            severity="warning" if mild else needed.severity,
        )
    for (path, place), names in _missing_files(repo).items():
        yield not_published.finding(
            f"`{path}` does not exist, so {quoted(names)} {'fails' if len(names) == 1 else 'fail'}",
            place,
            hint=f"Commit `{path}`, or correct the path.",
        )


def is_unpublished(repo: RepoFacts) -> bool:
    """Whether git does not track hubconf.py yet: ``git add`` is the next step of its author."""
    gap = repo.files.gap("hubconf.py") if repo.hubconf else None
    return gap is not None and gap.kind == "untracked"


def _missing_files(repo: RepoFacts) -> dict[tuple[str, Location], list[str]]:
    """The entrypoints that open a missing file, by file and place."""
    found: dict[tuple[str, Location], list[str]] = {}
    for one in repo.hubconf.missing_files if repo.hubconf else ():
        found.setdefault((one.path, one.location), []).append(one.entrypoint)
    return found


def _is_empty_package(repo: RepoFacts, needed: Needed) -> bool:
    """Whether it is an empty ``__init__.py``, which most imports do not need."""
    is_init = needed.path.endswith("__init__.py")
    return is_init and not repo.files.read_text(needed.path).strip()


@rule("HUB602", "submodule-needed", "error")
def submodule_needed(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs a file of a git submodule.

    Archives contain an empty folder instead of a submodule, so imports from it fail for all users
    of torch.hub.

    Bad:
        from third_party.ops import fast_nms      # third_party is a submodule

    Good:
        from acme_unet.ops import fast_nms        # a copy in the repo

    Or depend on an installable package, and add it to `dependencies`.
    """
    for needed, gap, _ in find_gaps(repo, "submodule"):
        yield submodule_needed.finding(
            f"`{gap.path}` is a submodule, which is an empty folder in archives, so {needed.failure}",
            needed.location,
            hint="Copy the code into the repo, or depend on an installable package.",
            severity=needed.severity,
        )


@rule("HUB603", "lfs-pointer", "error")
def lfs_pointer(repo: RepoFacts) -> Iterator[Finding]:
    """A file is stored in Git LFS, so archives contain only a pointer.

    GitHub does not include LFS objects in archives, unless the owner of the repo enables it.
    Loading the weights fails with `invalid load key, 'v'`.

    Bad:
        # .gitattributes
        *.pth filter=lfs diff=lfs merge=lfs -text

        # hubconf.py
        torch.load(Path(__file__).parent / "unet.pth")

    Good:
        load_state_dict_from_url("https://.../unet-0a1b2c3d.pth", check_hash=True)

    If your host includes LFS objects in archives, set `lfs-in-archives = true`.
    """
    if repo.limits.lfs_in_archives:
        return
    pointers, reached = repo.files.pointers(), set()
    for needed in find_needed(repo):
        if needed.path in pointers and needed.path not in reached:
            reached.add(needed.path)
            yield lfs_pointer.finding(
                f"`{needed.path}` is stored in Git LFS, so archives contain only a pointer",
                needed.location,
                hint=_LFS_HINT,
            )


_LFS_HINT = (
    "Publish weights at a URL, or store the file in git. If your host includes LFS objects in "
    "archives, set `lfs-in-archives = true`."
)


@rule("HUB604", "symlink", "error")
def symlink(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs a file behind a symbolic link.

    torch.hub unpacks archives with Python's zipfile, which turns a symbolic link into a text file
    with the path of the target. Importing a linked module raises NameError or SyntaxError, and
    a linked folder is not a folder.

    Bad:
        models -> src/acme_unet/models

        # hubconf.py
        from models.unet import unet

    Good:
        from src.acme_unet.models.unet import unet
    """
    for needed, gap, _ in find_gaps(repo, "link"):
        yield symlink.finding(
            f"`{gap.path}` is a symbolic link, which torch.hub unpacks as a text file, so "
            f"{needed.failure}",
            needed.location,
            hint=_link_hint(repo, gap),
            severity=needed.severity,
        )


def _link_hint(repo: RepoFacts, gap: Gap) -> str:
    is_folder = repo.files.is_folder(gap.path)
    what = "the folder" if is_folder else "the file"
    return f"Replace the link with {what}, or use the path of the target."


_MB = 1_000_000
_MOST_LISTED = 10
HOST_FILE_BYTES = 100 * MIB  # GitHub rejects pushes of larger files
_LONGEST = 200  # Windows takes 260 with the hub dir in front
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
_JUNK = re.compile(
    r"(?:^|/)(?:__pycache__/.*|\.ipynb_checkpoints/.*|\.DS_Store|Thumbs\.db|desktop\.ini"
    r"|[^/]+\.(?:pyc|pyo|pyd|so|o|egg-info/.*|swp|orig))$"
)


@rule("HUB605", "unportable-name", "warning", preview=True)
def unportable_name(repo: RepoFacts) -> Iterator[Finding]:
    """A file name is not portable.

    Files whose names differ only by case overwrite each other on Windows and macOS. Names with
    a colon, reserved names such as `aux.py`, very long names and names that are not UTF-8 cannot be
    created on Windows.

    Bad:
        models/UNet.py
        models/unet.py

    Good:
        models/unet.py
        models/unet_legacy.py

    Only files that git tracks are checked.
    """
    if not repo.files.is_tracked:
        return
    paths = repo.files.paths()
    for pair in _find_clashes(paths):
        yield unportable_name.finding(
            f"{quoted(pair)} differ only by case, so one overwrites the other on Windows and macOS",
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
        return f"is {len(path)} characters long, which may be too long on Windows"
    if any("\udc80" <= letter <= "\udcff" for letter in path):
        return "is not UTF-8"
    for part in path.split("/"):
        if _RESERVED.match(part):
            return f"cannot be created on Windows, where {part.partition('.')[0]} is reserved"
        if _FORBIDDEN.search(part):
            return "contains a character that Windows does not allow"
    return ""


@rule("HUB606", "archive-size", "warning")
def archive_size(repo: RepoFacts) -> Iterator[Finding]:
    """The archive is large, or GitHub rejects a file in it.

    torch.hub downloads and unpacks the whole archive, including videos, notebooks and weights, for
    each user and on every `force_reload`. GitHub rejects pushes of files above 100 MiB.

    Bad:
        assets/demo.mp4                   180 MB

    Good:
        # .gitattributes
        assets/ export-ignore

    Publish weights at a URL. The setting `max-archive-mb` is the maximum size of the unpacked
    files; its default is 50. Only files that git tracks are checked. Files in Git LFS do not count,
    since archives contain only pointers to them.
    """
    if not repo.files.is_tracked:
        return
    most = int(repo.limits.archive_mb * _MB)
    entries = repo.files.large_entries(most, HOST_FILE_BYTES)
    pointers = repo.files.pointers() if entries else frozenset()
    rejected = [
        entry for entry in entries if entry.size > HOST_FILE_BYTES and entry.path not in pointers
    ]
    if rejected:
        yield archive_size.finding(
            f"GitHub rejects pushes of files above {HOST_FILE_BYTES // MIB} MiB: {_sizes(rejected)}",
            hint="Attach weights to a release: `hubkit weights add FILE --to dist`.",
        )
    counted = [
        entry for entry in entries if repo.limits.lfs_in_archives or entry.path not in pointers
    ]
    total = sum(entry.size for entry in counted)
    if total > most:
        yield archive_size.finding(
            f"the unpacked archive has {total / _MB:.0f} MB, more than {repo.limits.archive_mb:g} MB",
            hint=f"The largest files are {_sizes(counted)}. "
            "Mark files that are not needed as `export-ignore`.",
        )


def _sizes(entries: list[Entry]) -> str:
    return ", ".join(
        f"{entry.path} ({entry.size / _MB:.1f} MB)" for entry in entries[:_MOST_LISTED]
    )


@rule("HUB608", "tracked-junk", "info", preview=True)
def tracked_junk(repo: RepoFacts) -> Iterator[Finding]:
    """Caches, binaries or editor files are tracked by git.

    All users download them. A stale `.so` may even be imported instead of a module.

    Bad:
        models/__pycache__/unet.cpython-38.pyc
        .DS_Store

    Good:
        # .gitignore
        __pycache__/
        .DS_Store

    Only files that git tracks are checked.
    """
    if not repo.files.is_tracked:
        return
    junk = [path for path in repo.files.paths() if _JUNK.search(path)]
    if junk:
        yield tracked_junk.finding(
            f"git tracks generated files: {quoted(junk)}",
            hint="Run `git rm --cached` on them, and add them to .gitignore.",
        )


# torch/hub.py, _parse_repo_info.
_GUESSES = ("main", "master")


@rule("HUB607", "default-branch", "warning")
def default_branch(repo: RepoFacts) -> Iterator[Finding]:
    """torch.hub does not load the default branch of the repo.

    Without a ref, torch.hub loads `main`, or `master` if there is no `main`. It does not look up
    the default branch on GitHub. With any other default branch, loading fails or uses an old
    branch. A branch and a tag with the same name are ambiguous.

    Bad:
        * develop        the default branch
          master         last touched in 2019

    Good:
        * main

    The rule reads the branches of `origin` as of the last fetch, and the default branch from
    `origin/HEAD`. To update it, run `git remote set-head origin --auto`. Nothing is reported if it
    is unknown, as in most CI checkouts.
    """
    refs = repo.files.refs()
    if refs is None:
        return
    taken = next((name for name in _GUESSES if name in refs.branches), None)
    if refs.default and not _is_taken(refs, taken):
        what = (
            f"loads the branch `{taken}`, which is a different commit"
            if taken
            else "fails, because it looks only for `main` and `master`"
        )
        yield default_branch.finding(
            f"the default branch is `{refs.default}`, and torch.hub without a ref {what}",
            hint=_advise_branch(taken),
        )
    doubles = sorted(refs.branches.keys() & refs.tags.keys())
    if doubles:
        yield default_branch.finding(
            f"{quoted(doubles)} {'is' if len(doubles) == 1 else 'are'} both a branch and a tag, so the "
            "ref is ambiguous",
            hint="Rename or delete the branch.",
        )


def _is_taken(refs: Refs, taken: str | None) -> bool:
    if taken is None:
        return False
    return taken == refs.default or refs.branches[taken] == refs.branches.get(refs.default)


def _advise_branch(taken: str | None) -> str:
    if taken is None:
        return "Rename it to `main`. GitHub redirects the old name."
    return f"Delete `{taken}`, or make it the default branch."
