"""HUB6xx: what the archive of a commit contains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from hubkit._util.text import plural, quoted
from hubkit.facts import Location
from hubkit.rules.registry import rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hubkit.facts import Finding, Gap, Refs, RepoFacts, Severity


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


_GAP_REASONS = {
    "untracked": "is not tracked by git",
    "ignored": "is ignored by git",
    "export-ignore": "is marked export-ignore in .gitattributes",
}
_GAP_HINTS = {
    "untracked": "Run `git add {path}` and commit it.",
    "ignored": "Run `git add --force {path}`, and take it out of .gitignore.",
    "export-ignore": "Take the attribute away from it.",
}
_BUILT = "If a build makes it, no archive can hold it: import something else in its absence."


@rule("HUB601", "not-published", "error")
def not_published(repo: RepoFacts) -> Iterator[Finding]:
    """A file that hubconf.py needs is on disk and not in the archive.

    torch.hub downloads an archive of a commit. A module that was never committed, that .gitignore
    hides or that .gitattributes keeps out of archives works for its author and for nobody else.

    Bad:
        # .gitignore
        models/

        # hubconf.py
        from models.unet import unet

    Good:
        # .gitignore
        /checkpoints/

    A module that only functions import, and a file that the code finds by way of `__file__`, are
    warnings. A file that a build generates is no exception: nothing builds what torch.hub loads. An
    import in `try: ... except ImportError:` is fine, and so is a data file whose existence the code
    asks for. Outside git there is nothing to compare with.
    """
    for needed, gap, count in find_gaps(repo, *_GAP_REASONS):
        if needed.optional and count == 1:
            continue
        mild = _is_empty_package(repo, needed)
        also = (
            f" (and {plural(count - 1, 'more file')} below it)"
            if count > 1 and "/" in gap.path
            else ""
        )
        yield not_published.finding(
            f"`{gap.path}` {_GAP_REASONS[gap.kind]}, so archives lack it{also} and {needed.failure}",
            needed.location,
            hint=_GAP_HINTS[gap.kind].format(path=gap.path)
            + (f" {_BUILT}" if gap.kind == "ignored" else ""),
            severity="warning" if mild else needed.severity,
        )


def _is_empty_package(repo: RepoFacts, needed: Needed) -> bool:
    """Whether it is an ``__init__.py`` that says nothing, so that most imports do without."""
    is_init = needed.path.endswith("__init__.py")
    return is_init and not repo.files.read_text(needed.path).strip()


@rule("HUB602", "submodule-needed", "error")
def submodule_needed(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs a file of a git submodule.

    Archives hold an empty folder in a submodule's place. What is imported from there fails for
    everybody who loads the repo through torch.hub.

    Bad:
        from third_party.ops import fast_nms      # third_party is a submodule

    Good:
        from acme_unet.ops import fast_nms        # a copy in the repo

    A package that can be installed, named in `dependencies`, does as well. Submodules that
    hubconf.py does not reach are a note.
    """
    reached = set()
    for needed, gap, _ in find_gaps(repo, "submodule"):
        reached.add(gap.path)
        yield submodule_needed.finding(
            f"`{gap.path}` is a submodule, an empty folder in archives, so {needed.failure}",
            needed.location,
            hint="Copy what is needed into the repo, or depend on a package that can be installed.",
            severity=needed.severity,
        )
    others = [path for path in repo.files.of_kind("submodule") if path not in reached]
    if others:
        yield submodule_needed.finding(
            f"archives hold empty folders for the submodules {quoted(others)}",
            hint="hubconf.py does not seem to need them.",
            severity="info",
        )


@rule("HUB603", "lfs-pointer", "error")
def lfs_pointer(repo: RepoFacts) -> Iterator[Finding]:
    """A file is kept in Git LFS, of which archives hold a pointer of three lines.

    GitHub leaves LFS objects out of archives unless the repo's owner switches that on. Whoever loads
    weights from the repo gets `invalid load key, 'v'`.

    Bad:
        # .gitattributes
        *.pth filter=lfs diff=lfs merge=lfs -text

        # hubconf.py
        torch.load(Path(__file__).parent / "unet.pth")

    Good:
        load_state_dict_from_url("https://.../unet-0a1b2c3d.pth", check_hash=True)

    The setting of the host cannot be seen from here: where it is on, say `lfs-in-archives = true`. A
    file that hubconf.py does not reach is a warning.
    """
    if repo.limits.lfs_in_archives:
        return
    pointers, reached = repo.files.pointers(), set()
    for needed in find_needed(repo):
        if needed.path in pointers and needed.path not in reached:
            reached.add(needed.path)
            yield lfs_pointer.finding(
                f"`{needed.path}` is kept in Git LFS, so archives hold a pointer in its place, "
                "unless their host is told to include LFS objects",
                needed.location,
                hint=_LFS_HINT,
            )
    others = sorted(pointers - reached)
    if others:
        yield lfs_pointer.finding(
            f"archives hold pointers in place of {quoted(others)}, kept in Git LFS, unless "
            "their host is told to include LFS objects",
            hint=_LFS_HINT,
            severity="warning",
        )


_LFS_HINT = (
    "Publish weights by URL, or keep the file in git; say `lfs-in-archives = true` if the host "
    "includes them."
)


@rule("HUB604", "symlink", "error")
def symlink(repo: RepoFacts) -> Iterator[Finding]:
    """hubconf.py needs a file behind a symbolic link.

    torch.hub unpacks archives with Python's zipfile, which makes of a link a file that holds the
    name of its target. Importing a linked module ends in NameError or SyntaxError, and a linked
    folder is no folder.

    Bad:
        models -> src/acme_unet/models

        # hubconf.py
        from models.unet import unet

    Good:
        from src.acme_unet.models.unet import unet

    Links that hubconf.py does not reach are a note; those among documents are none.
    """
    reached = set()
    for needed, gap, _ in find_gaps(repo, "link"):
        reached.add(gap.path)
        yield symlink.finding(
            f"`{gap.path}` is a symbolic link, which torch.hub unpacks as a text file, so "
            f"{needed.failure}",
            needed.location,
            hint=_link_hint(repo, gap),
            severity=needed.severity,
        )
    others = [path for path in repo.files.of_kind("link") if path not in reached]
    code = [path for path in others if not _is_document(path)]
    if code:
        yield symlink.finding(
            f"torch.hub unpacks symbolic links as text files: {quoted(code)}",
            hint="hubconf.py does not seem to need them.",
            severity="info",
        )


def _is_document(path: str) -> bool:
    return path.startswith(("docs/", "doc/")) or path.endswith((".md", ".rst", ".txt"))


def _link_hint(repo: RepoFacts, gap: Gap) -> str:
    is_folder = repo.files.is_folder(gap.path)
    what = "the folder" if is_folder else "the file"
    return f"Put {what} itself there, or import it from where it is."


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


# torch/hub.py, _parse_repo_info.
_GUESSES = ("main", "master")


@rule("HUB607", "default-branch", "warning")
def default_branch(repo: RepoFacts) -> Iterator[Finding]:
    """torch.hub does not take the repo's default branch.

    Asked for `owner/name`, it does not ask GitHub which branch is the default: it takes `main`, and
    if there is none `master`. With any other default branch loading fails, or takes what an old
    branch holds. A branch and a tag of one name are as bad: nobody can tell which is meant.

    Bad:
        * develop        the default branch
          master         last touched in 2019

    Good:
        * main

    Told by the branches of `origin` as they were last fetched: its default branch by `origin/HEAD`,
    which `git remote set-head origin --auto` asks for anew. Where that is not known, as in most CI
    checkouts, and outside git nothing is said.
    """
    refs = repo.files.refs()
    if refs is None:
        return
    taken = next((name for name in _GUESSES if name in refs.branches), None)
    if refs.default and not _is_taken(refs, taken):
        what = (
            f"loads the branch `{taken}`, which is at another commit"
            if taken
            else "fails, as it looks for `main` and `master` only"
        )
        yield default_branch.finding(
            f"the default branch is `{refs.default}`, and torch.hub without a ref {what}",
            hint=_advise_branch(taken),
        )
    doubles = sorted(refs.branches.keys() & refs.tags.keys())
    if doubles:
        yield default_branch.finding(
            f"{quoted(doubles)} {'is' if len(doubles) == 1 else 'are'} both a branch and a tag, "
            "so nobody can tell which torch.hub loads",
            hint="Rename the branch, or delete it.",
        )


def _is_taken(refs: Refs, taken: str | None) -> bool:
    if taken is None:
        return False
    return taken == refs.default or refs.branches[taken] == refs.branches.get(refs.default)


def _advise_branch(taken: str | None) -> str:
    if taken is None:
        return "Rename it to `main`; the host redirects the old name."
    return f"Delete `{taken}`, or make it the default branch."
